"""Offsets as a browser counts them, in UTF-16 units."""

from __future__ import annotations

from bisect import bisect_left


class Utf16:
    """Offsets of one text in UTF-16 units, to and from code points."""

    __slots__ = ("_astral", "_length")

    def __init__(self, text: str) -> None:
        # Positions, in code points, of the characters that take two units.
        self._astral = (
            [] if text.isascii() else [i for i, char in enumerate(text) if char > "\uffff"]
        )
        self._length = len(text)

    def to_code_points(self, units: int) -> int:
        """Inside a surrogate pair, the offset after it. Beyond the end it stays beyond the end."""
        at = units
        for count, position in enumerate(self._astral):
            if position + count >= units:
                return units - count
            at = max(units - count - 1, position + 1)
        return at

    def to_units(self, code_points: int) -> int:
        return code_points + bisect_left(self._astral, code_points)
