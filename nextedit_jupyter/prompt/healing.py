"""Where a prompt may end: at a boundary that no token crosses.

A caret in `df.gro` is inside what the tokenizer would make one piece (`.groupby`). The piece is
held back, and the model writes it again, beginning with the held bytes: so prompts end where
training texts were split. Tokenizers split texts in two ways: `own` are the pieces of
`training.bpe.PATTERN`, `gpt2` those of GPT-2's expression with single digits.
"""

from __future__ import annotations

import re
from typing import Literal

Pieces = Literal["own", "gpt2"]

# The last piece of a text that more typing could still change. Newlines and a line's indentation
# are left in place: what follows them starts a new piece.
_OPEN_PIECE = re.compile(
    r"(?:[ .]?[^\W\d]\w*"  # a name, with the dot or space before it
    r"| ?(?:\.(?![^\W\d])|[^\s\w.])+"  # punctuation, with the space before it
    r"|(?<=\S)[ ]+"  # spaces after something, the last of which may belong to the next piece
    r")\Z"
)
# GPT-2's: the last space of a run belongs to the next word, even in indentation; dots, underscores
# and quotes are punctuation; `'d` after a letter is a piece of its own.
_OPEN_GPT2 = re.compile(
    r"(?:(?<=[^\W_])'[^\W\d_]*"
    r"| ?[^\W\d_]+"
    r"| ?(?:_|[^\s\w])+"
    r"|[ \t])\Z"
)
MAX_HEAL_CHARS = 32


def split_for_healing(text: str, pieces: Pieces = "own") -> tuple[str, str]:
    """Return (kept, held) with `kept + held == text`; held is at most `MAX_HEAL_CHARS` long."""
    tail = text[-MAX_HEAL_CHARS - 1 :]
    if pieces == "gpt2":
        open_piece = _OPEN_GPT2.search(tail)
        if open_piece is None or len(open_piece.group()) > MAX_HEAL_CHARS:
            return text, ""
        held = open_piece.group()
        return text[: len(text) - len(held)], held
    match = _OPEN_PIECE.search(tail)
    if match is None or len(match.group()) > MAX_HEAL_CHARS:
        return text, ""
    held = match.group()
    if held[0] == " ":
        before = text[: len(text) - len(held)]
        if not before[before.rfind("\n") + 1 :].strip():
            held = held[1:]  # the space is indentation, a piece of its own
    name = held.lstrip(" .")
    if name and name[0].isalpha() and any(char.isdigit() for char in name):
        # Digits are separate pieces: only what follows the last one is open (`x1` -> `x`, `1`).
        last = max(i for i, char in enumerate(held) if char.isdigit())
        held = held[last + 1 :]
    return text[: len(text) - len(held)], held


def cut_before_end(text: str, pieces: Pieces) -> int:
    """Where a kept text is split again before it is encoded, so that its last line ending is
    separate.

    GPT-2's expression makes the last of several line endings a piece of its own if a word follows,
    but makes one piece of all of them at the end of the text.
    """
    apart = pieces == "gpt2" and text.endswith("\n") and text[-2:-1].isspace()
    return len(text) - 1 if apart else len(text)
