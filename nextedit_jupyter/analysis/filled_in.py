"""The expressions that IPython substitutes in shell lines and magics: `{expression}` and `$name`.

As in its formatter: a field's name ends at the first `:` or `!` outside of brackets, and what
follows a `:` belongs to the expression, because slices are allowed and formats are not. It
substitutes all fields or none: if one is not an expression, as in `awk '{print name}'`, the line is
passed on unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nextedit_jupyter.core.python_trees import python_tree

# As in IPython: `$name`, and `$$name`, which it leaves alone.
_DOLLAR = re.compile(r"\$(?:\$[\w.]+|(?P<name>[\w.]+))")
_FIELD_END = re.compile(r"[{}:!]|\[[^\]]*")
_BRACE = re.compile(r"[{}]")
_CONVERSION = re.compile(r"![rsa]\}")
# Nobody writes an expression of this length into a shell line, and reading it would be slow.
_MAX_EXPRESSION = 2_000


def filled_in(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The places of the expressions that IPython substitutes between two offsets of a text; none if
    it leaves the line unchanged.
    """
    try:
        return [span for span in _fields(text, start, end) if span[0] < span[1]]
    except _LeftAloneError:
        return []


class _LeftAloneError(Exception):
    """The line contains something that IPython cannot substitute."""


def _fields(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The places of the expressions; raises `_LeftAloneError` if IPython's formatter would fail."""
    at = literal = start
    while brace := _BRACE.search(text, at, end):
        at = brace.end()
        if text.startswith(brace[0], at) and at < end:
            yield from _dollars(text, literal, at)
            at = literal = at + 1
            continue
        if brace[0] == "}":
            raise _LeftAloneError
        yield from _dollars(text, literal, brace.start())
        stop, close = _field(text, at, end)
        if not _is_expression(text[at:stop]):
            raise _LeftAloneError
        yield at, stop
        at = literal = close + 1
    yield from _dollars(text, literal, end)


def _field(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the expression that begins at `start` ends, and where its brace closes."""
    at = start
    while found := _FIELD_END.search(text, at, end):
        at = found.end()
        if found[0] == "}":
            return found.start(), found.start()
        if found[0] == "!":
            if not _CONVERSION.match(text, found.start(), end):
                raise _LeftAloneError
            return found.start(), found.start() + 2
        if found[0] == ":":
            close = _closing(text, at, end)
            return close, close
        if found[0] == "{":
            break
    raise _LeftAloneError


def _closing(text: str, at: int, end: int) -> int:
    depth = 1
    for brace in _BRACE.finditer(text, at, end):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.start()
    raise _LeftAloneError


def _dollars(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """`$name`, except in single quotes, where it belongs to the shell."""
    quotes = text.count("'", start, end)
    at = start
    for dollar in _DOLLAR.finditer(text, start, end):
        quotes -= text.count("'", at, dollar.end())
        at = dollar.end()
        if quotes % 2 == 0 and dollar["name"]:
            if not _is_expression(dollar["name"]):
                raise _LeftAloneError
            yield dollar.span("name")


def _is_expression(text: str) -> bool:
    text = text.strip()
    if not text or len(text) > _MAX_EXPRESSION:
        return False
    return python_tree(text, "eval") is not None
