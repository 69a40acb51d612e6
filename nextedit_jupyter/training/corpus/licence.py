"""Which licences are allowed: permissive ones, read from a package's own metadata."""

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
    """A package's own metadata."""

    name: str
    version: str
    licence: str

    @property
    def is_permissive(self) -> bool:
        return is_permissive(self.licence)


def is_permissive(licence: str) -> bool:
    """Whether a licence text or expression names only permissive licences.

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


# Sentences that identify a licence file, most specific first.
_TEXTS = (
    ("AGPL-3.0", r"GNU AFFERO GENERAL PUBLIC LICENSE"),
    ("LGPL", r"GNU (?:LESSER|LIBRARY) GENERAL PUBLIC LICENSE"),
    ("GPL-3.0", r"GNU GENERAL PUBLIC LICENSE\s+Version 3"),
    ("GPL-2.0", r"GNU GENERAL PUBLIC LICENSE"),
    ("MPL-2.0", r"Mozilla Public License"),
    ("EUPL", r"European Union Public Licen[cs]e"),
    ("CC-BY-NC", r"Attribution-NonCommercial"),
    ("BUSL", r"Business Source License"),
    ("Apache-2.0", r"Apache License\s*,?\s*Version 2\.0"),
    ("PSF-2.0", r"PYTHON SOFTWARE FOUNDATION LICENSE"),
    ("CC0-1.0", r"CC0 1\.0 Universal"),
    ("Unlicense", r"free and unencumbered software released into the public domain"),
    ("ISC", r"Permission to use, copy, modify, and(?:/or)? distribute this software"),
    ("MIT", r"Permission is hereby granted, free of charge, to any person"),
    ("BSD-3-Clause", r"Redistribution and use in source and binary forms[\s\S]{0,2000}?"
                     r"(?:Neither the names?|The names?|endorse or promote)"),
    ("BSD-2-Clause", r"Redistribution and use in source and binary forms"),
)  # fmt: skip


def licence_of_text(text: str) -> str:
    """The SPDX identifier of a licence file's text; `unknown` if it is not a common one.

    For a file with two licences, both are returned, with AND.
    """
    flat = " ".join(text.split())
    found: list[str] = []
    for name, pattern in _TEXTS:
        if re.search(pattern, flat, re.I):
            family = name.partition("-")[0].lstrip("AL")
            if not any(known.partition("-")[0].lstrip("AL") == family for known in found):
                found.append(name)
    return " AND ".join(found) or "unknown"
