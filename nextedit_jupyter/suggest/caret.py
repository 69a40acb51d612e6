"""The context of the caret in possibly half-typed Python: code, string, comment, indentation.

A small forward scan of the text before the caret, which needs no parser and never fails; the
gates use the brackets that are open there to judge a line that is not finished.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Place = Literal["code", "string", "comment", "indent"]

_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_OPENERS = {closer: opener for opener, closer in _CLOSERS.items()}


@dataclass(frozen=True, slots=True)
class CaretContext:
    """`brackets` are those open at the caret, outermost first; `quote` closes the open string.

    `place` is "indent" if only whitespace is before the caret on its line, outside of brackets and
    strings.
    """

    place: Place
    brackets: tuple[str, ...] = ()
    quote: str = ""

    @property
    def closers(self) -> str:
        """The closers of the open string and brackets, innermost first."""
        return self.quote + "".join(_CLOSERS[opener] for opener in reversed(self.brackets))


def caret_context(text: str) -> CaretContext:
    """The context at the end of `text`. An unclosed one-line string ends with its line."""
    brackets: list[str] = []
    at, end = 0, len(text)
    while at < end:
        char = text[at]
        if char == "#":
            newline = text.find("\n", at)
            if newline < 0:
                return CaretContext("comment", tuple(brackets))
            at = newline
        elif char in "\"'":
            closed, quote = _string_end(text, at)
            if closed is None:
                return CaretContext("string", tuple(brackets), quote)
            at = closed
        else:
            if char in _CLOSERS:
                brackets.append(char)
            elif char in _OPENERS and brackets and brackets[-1] == _OPENERS[char]:
                brackets.pop()
            at += 1
    line = text[text.rfind("\n") + 1 :]
    return CaretContext("code" if line.strip() or brackets else "indent", tuple(brackets))


def _string_end(text: str, start: int) -> tuple[int | None, str]:
    """The end of the string that opens at `start` (None if it is still open), and its quote."""
    quote = text[start]
    if text.startswith(quote * 3, start):
        quote *= 3
    at = start + len(quote)
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text.startswith(quote, at):
            return at + len(quote), quote
        elif text[at] == "\n" and len(quote) == 1:
            return at, quote
        else:
            at += 1
    return None, quote
