"""Where a prompt may end: at a boundary that no token crosses.

A caret in `df.gro` stands inside what the tokenizer would make one piece (`.groupby`). The piece
is held back and the model writes it anew, beginning with the held bytes: so prompts end where
training texts were cut. Mirrors the pieces of `training.tokenizer.PATTERN`.
"""

from __future__ import annotations

import re

# The last piece of a text that more typing could still change. Newlines and a line's indentation
# are left in place: what follows them starts a new piece.
_OPEN_PIECE = re.compile(
    r"(?:[ .]?[^\W\d]\w*"  # a name, with the dot or blank before it
    r"| ?(?:\.(?![^\W\d])|[^\s\w.])+"  # punctuation, with the blank before it
    r"|(?<=\S)[ ]+"  # blanks after something, the last of which the next piece may take
    r")\Z"
)
MAX_HEAL_CHARS = 32


def split_for_healing(text: str) -> tuple[str, str]:
    """Give (kept, held) with `kept + held == text`; held is at most `MAX_HEAL_CHARS` long."""
    tail = text[-MAX_HEAL_CHARS - 1 :]
    match = _OPEN_PIECE.search(tail)
    if match is None or len(match.group()) > MAX_HEAL_CHARS:
        return text, ""
    held = match.group()
    if held[0] == " ":
        before = text[: len(text) - len(held)]
        if not before[before.rfind("\n") + 1 :].strip():
            held = held[1:]  # the blank is indentation, a piece of its own
    name = held.lstrip(" .")
    if name and name[0].isalpha() and any(char.isdigit() for char in name):
        # Digits stand apart: only what follows the last one is open (`x1` -> `x`, `1`).
        last = max(i for i, char in enumerate(held) if char.isdigit())
        held = held[last + 1 :]
    return text[: len(text) - len(held)], held
