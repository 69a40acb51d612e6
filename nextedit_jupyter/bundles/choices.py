"""Which versions are used, according to the store's `current.json`, which is not trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nextedit_jupyter.core.errors import BundleError

MAX_BYTES = 1_000_000
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})(?:[-+][0-9A-Za-z.-]{1,40})?")
# Ids are folder names next to the store's own files, and on Windows some names are devices.
_OWN_NAMES = re.compile(
    r"lock|.*\.json|.*\.|(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.DOTALL
)


def is_identifier(id: str) -> bool:
    """Whether this is a valid id: lower-case, and not the name of one of the store's own files."""
    return _IDENTIFIER.fullmatch(id) is not None and _OWN_NAMES.fullmatch(id) is None


def check_identifier(id: str) -> None:
    """Raises BundleError."""
    if not is_identifier(id):
        raise BundleError(
            f"{id[:80]!r} is not a bundle id: lower-case letters, digits, '.', '_' and '-', "
            "not ending in '.' or '.json'"
        )


def is_version(version: str) -> bool:
    return _VERSION.fullmatch(version) is not None


def version_key(version: str) -> tuple[int, int, int, bool, str]:
    """A sort key for semantic versions; a pre-release comes before its release. Raises
    BundleError."""
    match = _VERSION.fullmatch(version)
    if match is None:
        raise BundleError(f"{version[:80]!r} is not a semantic version such as 1.2.0")
    rest = version[match.end(3) :]
    return int(match[1]), int(match[2]), int(match[3]), not rest.startswith("-"), rest


@dataclass(frozen=True, slots=True)
class Choice:
    """Which version of one bundle is used. `floor` is the oldest that a rollback may reach.

    `refused` are versions that were rolled back because they failed; they are not chosen again
    automatically. If the current one is among them, none of the store's is used. Raises BundleError
    for invalid versions.
    """

    current: str
    previous: str | None = None
    floor: str | None = None
    refused: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for version in (self.current, self.previous, self.floor, *self.refused):
            if version is not None:
                version_key(version)

    @property
    def is_usable(self) -> bool:
        return self.current not in self.refused


def read_choices(data: bytes) -> dict[str, Choice]:
    """The choice by id. Raises BundleError for anything that `write_choices` does not write."""
    try:
        value = json.loads(data)
        return {id: _choice(id, entry) for id, entry in value.items()}
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError, BundleError) as error:
        raise BundleError(f"it is damaged ({type(error).__name__})") from None


def write_choices(choices: Mapping[str, Choice]) -> dict[str, Any]:
    """As JSON values."""
    return {
        id: {
            "current": choice.current,
            "previous": choice.previous,
            "floor": choice.floor,
            "refused": list(choice.refused),
        }
        for id, choice in sorted(choices.items())
    }


def _choice(id: str, entry: Mapping[str, Any]) -> Choice:
    check_identifier(id)
    refused = entry.get("refused", [])
    if not isinstance(refused, list):
        raise TypeError("refused is a list")
    for version in (entry["current"], entry.get("previous"), entry.get("floor"), *refused):
        if version is not None and not isinstance(version, str):
            raise TypeError("a version is a string")
    if entry["current"] is None or None in refused:
        raise TypeError("a version is missing")
    return Choice(entry["current"], entry.get("previous"), entry.get("floor"), tuple(refused))
