"""Globs over paths with slashes: `*` within a folder, `**` over folders, `?`, `[a-z]`, `[!a]`.

Matching backtracks only to the last star and does not use regular expressions: a `.gitignore` may
come with any download, and `*a*a*a*a*b` would keep those busy for years.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

MAX_GLOB = 300  # characters


@dataclass(frozen=True, slots=True)
class _Class:
    """`[a-z]`: one character in these ranges, or outside them."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def holds(self, char: str) -> bool:
        return any(low <= char <= high for low, high in self.ranges) != self.negated


_STAR, _ONE = "*", "?"


@dataclass(frozen=True, slots=True)
class _Literal:
    char: str


_Token = str | _Class | _Literal


@lru_cache(maxsize=1024)
def compiled(glob: str) -> tuple[tuple[_Token, ...] | None, ...]:
    """The glob's parts between slashes; None for `**`."""
    parts = glob[:MAX_GLOB].split("/")
    return tuple(None if part == "**" else _tokens(part) for part in parts)


def matches(glob: str, path: str) -> bool:
    """Whether the whole path matches; a final `**` stands for at least one name."""
    parts = compiled(glob)
    names = path.split("/")
    if parts and parts[-1] is None:
        parts = (*parts, _tokens("*"))

    def is_one(part: object, name: str) -> bool:
        return _matches_name(part, name)  # type: ignore[arg-type]

    return _with_stars(parts, names, lambda part: part is None, is_one)


def _matches_name(tokens: Sequence[_Token], name: str) -> bool:
    def is_one(token: object, char: str) -> bool:
        if token == _ONE:
            return True
        if isinstance(token, _Class):
            return token.holds(char)
        return isinstance(token, _Literal) and token.char == char

    return _with_stars(tokens, name, lambda token: token == _STAR, is_one)


def _with_stars(
    pattern: Sequence[object],
    subject: Sequence[str],
    is_star: Callable[[object], bool],
    is_one: Callable[[object, str], bool],
) -> bool:
    """Whether a pattern matches a whole sequence: at a mismatch the last star consumes one more
    item."""
    at = here = 0
    star, taken = -1, 0
    while here < len(subject):
        if at < len(pattern) and is_star(pattern[at]):
            star, taken, at = at, here, at + 1
        elif at < len(pattern) and is_one(pattern[at], subject[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            taken += 1
            at, here = star + 1, taken
        else:
            return False
    return all(is_star(token) for token in pattern[at:])


def _tokens(part: str) -> tuple[_Token, ...]:
    tokens: list[_Token] = []
    at = 0
    while at < len(part):
        char = part[at]
        if char == "*":
            if tokens[-1:] != [_STAR]:
                tokens.append(_STAR)
        elif char == "?":
            tokens.append(_ONE)
        elif char == "[" and (end := part.find("]", at + 2 + (part[at + 1 : at + 2] in "!^"))) > 0:
            tokens.append(_class(part[at + 1 : end]))
            at = end
        elif char == "\\" and at + 1 < len(part):
            at += 1
            tokens.append(_Literal(part[at]))
        else:
            tokens.append(_Literal(char))
        at += 1
    return tuple(tokens)


def _class(inside: str) -> _Class:
    negated = inside[:1] in ("!", "^")
    inside = inside[1:] if negated else inside
    ranges, at = [], 0
    while at < len(inside):
        if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            ranges.append((inside[at], inside[at + 2]))
            at += 3
        else:
            ranges.append((inside[at], inside[at]))
            at += 1
    return _Class(tuple(ranges), negated)
