"""Typed access to the fields of an untrusted JSON object."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

from nextedit_jupyter.core.errors import WireError


class Fields:
    """Typed access to JSON values; a WireError names the field."""

    @staticmethod
    def object(value: Mapping[str, Any], key: str, *, optional: bool = False) -> Mapping[str, Any]:
        found = value.get(key)
        if found is None and optional:
            return {}
        if not isinstance(found, dict):
            raise WireError(f"{key} must be an object")
        return found

    @staticmethod
    def objects(
        value: Mapping[str, Any], key: str, *, optional: bool = False
    ) -> list[Mapping[str, Any]]:
        found = value.get(key)
        if found is None and optional:
            return []
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise WireError(f"{key} must be a list of objects")
        return found

    @staticmethod
    def string(value: Mapping[str, Any], key: str, default: str | None = None) -> str:
        found = value.get(key, default)
        if not isinstance(found, str):
            raise WireError(f"{key} must be a string")
        return found

    @staticmethod
    def strings(value: Mapping[str, Any], key: str) -> tuple[str, ...]:
        found = value.get(key) or []
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise WireError(f"{key} must be a list of strings")
        return tuple(found)

    @staticmethod
    def integer(value: Mapping[str, Any], key: str) -> int:
        found = value.get(key)
        if isinstance(found, bool) or not isinstance(found, int):
            raise WireError(f"{key} must be an integer")
        return found

    @staticmethod
    def number(value: Mapping[str, Any], key: str, default: float) -> float:
        """A finite number within a double's range; JSON allows larger ones."""
        found = value.get(key, default)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise WireError(f"{key} must be a number")
        try:
            number = float(found)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise WireError(f"{key} must be a number of at most {sys.float_info.max:.0e}")
        return number

    @staticmethod
    def count(value: Mapping[str, Any], key: str) -> int | None:
        found = value.get(key)
        if found is not None and (isinstance(found, bool) or not isinstance(found, int)):
            raise WireError(f"{key} must be an integer or null")
        return found
