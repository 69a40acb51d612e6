"""Terminal output: colours if supported, tables, and no control characters from notebooks."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Sequence
from typing import Literal, TextIO

Colour = Literal["auto", "always", "never"]
COLOURS: tuple[Colour, ...] = ("auto", "always", "never")

_STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "ghost": "2;3;36",
}


class Paint:
    """Styles text for one stream; without colours it returns the text unchanged."""

    def __init__(self, stream: TextIO | None = None, colour: Colour = "auto") -> None:
        stream = stream or sys.stdout
        self.on = colour == "always" or (
            colour == "auto"
            and stream.isatty()
            and "NO_COLOR" not in os.environ
            and os.environ.get("TERM") != "dumb"
        )

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.on and text else text


def visible(text: str) -> str:
    """The text with control and bidirectional characters (except tabs) shown as escapes."""
    return "".join(
        char
        if char in "\t\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else f"\\x{ord(char):02x}"
        if ord(char) < 256
        else f"\\u{ord(char):04x}"
        if ord(char) < 0x10000
        else f"\\U{ord(char):08x}"
        for char in text
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns: the first left-aligned, the others right-aligned."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def tolerate_any_encoding() -> None:
    """Keep printing from failing: characters that stdout's encoding lacks become question marks."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
