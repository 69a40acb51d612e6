"""Which licences may go in: permissive ones, read from a package's own metadata."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.parser import HeaderParser

_PERMISSIVE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Unlicense|CC0|public domain|"
    r"Zlib|NCSA|HPND|0BSD|BlueOak)\b",
    re.I,
)
_COPYLEFT = re.compile(
    r"\b(A?GPL|LGPL|MPL|Mozilla|EUPL|CeCILL|EPL|CDDL|BUSL|BSL|Business|NC)\b|GNU", re.I
)


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """What a package says of itself."""

    name: str
    version: str
    licence: str

    @property
    def is_permissive(self) -> bool:
        return is_permissive(self.licence)


def is_permissive(licence: str) -> bool:
    """Whether a licence text or expression names a permissive licence and no other kind.

    A choice (`OR`) counts if one side is permissive.
    """
    head = licence[:300]
    sides = re.split(r"\s+OR\s+", head) if len(head) < 120 else [head]
    return any(_PERMISSIVE.search(side) and not _COPYLEFT.search(side) for side in sides)


def read_metadata(text: str) -> PackageFacts:
    """Read a PKG-INFO or METADATA file: expression first, then classifiers, then free text."""
    headers = HeaderParser().parsestr(text)
    expression = headers.get("License-Expression", "")
    classified = [
        value.rpartition("::")[2].strip()
        for value in headers.get_all("Classifier", [])
        if value.startswith("License ::") and not value.strip().endswith("OSI Approved")
    ]
    free = " ".join((headers.get("License") or "").split())
    licence = expression or " AND ".join(classified) or free[:300]
    return PackageFacts(headers.get("Name", ""), headers.get("Version", ""), licence)
