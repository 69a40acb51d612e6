"""Detects when a rewrite is finished: its lines continue like the old text.

A next edit is written as the old lines, a control token, and the new lines. If the new lines begin
to repeat what follows the old ones in the document, the change is complete and the rest is cut off.
"""

from __future__ import annotations

# Two consecutive lines: a single one (`return x`, `)`) is often repeated on purpose.
REJOINED_LINES = 2


class Rejoin:
    """Compares new text with the text that follows `old` in `document`, both as bytes."""

    def __init__(self, document: bytes, old: bytes, *, lines: int = REJOINED_LINES) -> None:
        self._following: list[bytes] = []
        at = document.find(old) if old else -1
        # If the old lines occur more than once, it is not known what follows them.
        if at >= 0 and document.find(old, at + 1) < 0:
            rest = document[at + len(old) :]
            if old.endswith(b"\n") or rest.startswith(b"\n"):
                following = rest.removeprefix(b"\n").split(b"\n")
                self._following = [line for line in following if line.strip()][:lines]
        self._lines = lines

    def cut(self, new: bytes) -> bytes | None:
        """The new text without the lines that rejoin the old text; None until it rejoins."""
        if len(self._following) < self._lines or not new.endswith(b"\n"):
            return None
        lines = new[:-1].split(b"\n")
        kept = len(lines)
        for wanted in reversed(self._following):
            while kept and not lines[kept - 1].strip():
                kept -= 1
            if not kept or lines[kept - 1] != wanted:
                return None
            kept -= 1
        while kept and not lines[kept - 1].strip():  # blank lines also precede what follows
            kept -= 1
        return b"\n".join(lines[:kept])
