"""What IPython fills in where a shell line or a magic's line names `{expression}` or `$name`.

As its formatter reads it: up to the first `:` or `!` outside of brackets stands a field's name, and
what follows a `:` belongs to the expression, for it allows slices and no formats. It fills in all
or nothing: one field that holds no expression, as in `awk '{print name}'`, and the line is passed
on as it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

# As IPython's: `$name`, and `$$name`, which it leaves.
_DOLLAR = re.compile(r"\$(?:\$[\w.]+|(?P<name>[\w.]+))")
_FIELD_END = re.compile(r"[{}:!]|\[[^\]]*")
_BRACE = re.compile(r"[{}]")
_CONVERSION = re.compile(r"![rsa]\}")
# Nobody writes an expression of this length into a shell line; reading it would take its time.
_MAX_EXPRESSION = 2_000


def filled_in(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Where the expressions stand that IPython fills in between two places of a text; none where
    it leaves the line as it is.
    """
    try:
        return [span for span in _fields(text, start, end) if span[0] < span[1]]
    except _LeftAloneError:
        return []


class _LeftAloneError(Exception):
    """The line holds something that IPython can't fill in."""


def _fields(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the expressions stand; raises `_LeftAloneError` where IPython's formatter fails."""
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
    """`$name`, but for those in single quotes, which are the shell's."""
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
    try:
        compile(text, "<field>", "eval", ast.PyCF_ONLY_AST)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
