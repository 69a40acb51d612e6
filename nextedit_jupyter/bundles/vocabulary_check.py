"""Checks a tokenizer.json before the library reads it.

The library trusts its file: a token with the id 2,000,000,000 creates tables of gigabytes, and a
regular expression that backtracks endlessly hangs or crashes the process on the first matching
text. Here ids are bounded, replacements must not make a text much longer, and regular expressions
must be ones that a backtracking engine finishes: no repetition within a repetition, and at most two
unbounded ones in a row. The canary tests the remaining polynomial costs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from nextedit_jupyter.core.errors import BundleError

MAX_ID = 1_000_000
MAX_EXPRESSIONS = 64
MAX_EXPRESSION_CHARS = 4_000
# Texts grow at most by this factor: pieces replace a space by one other character.
MAX_GROWTH = 16
_MAX_REPEATED = 2
_MAX_COUNT = 1_000
_REFUSED_TYPES = frozenset(("Precompiled",))
_ADVICE = "use another bundle, or import the checkpoint again"


def check_tokenizer(data: bytes) -> None:
    """Raises BundleError with what is wrong."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise _refused("it is not JSON") from None
    if not isinstance(value, dict):
        raise _refused("it is not an object")
    _check_ids(value)
    growth, expressions = 1, 0
    for part in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        for found in _objects(value.get(part)):
            if found.get("type") in _REFUSED_TYPES:
                raise _refused(f"it has a {found['type']} part")
            content = found.get("content")
            if isinstance(content, str) and part in ("normalizer", "decoder"):
                growth *= max(1, len(content))
            pattern = found.get("pattern")
            expression = pattern.get("Regex") if isinstance(pattern, dict) else None
            if isinstance(expression, str):
                expressions += 1
                check_expression(expression)
    if growth > MAX_GROWTH:
        raise _refused("it would make texts much longer")
    if expressions > MAX_EXPRESSIONS:
        raise _refused(f"it has more than {MAX_EXPRESSIONS} expressions")


def _check_ids(value: dict[str, Any]) -> None:
    model = value.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, list):  # pieces with their scores: the index is the id
        ids: list[Any] = [len(vocabulary)]
    elif isinstance(vocabulary, dict):
        ids = [*vocabulary.values(), len(vocabulary)]
    else:
        raise _refused("it has no vocabulary")
    added = value.get("added_tokens") or []
    if not isinstance(added, list) or not all(isinstance(token, dict) for token in added):
        raise _refused("its added tokens are not a list of objects")
    ids += [token.get("id") for token in added]
    for id in ids:
        if isinstance(id, bool) or not isinstance(id, int) or not 0 <= id <= MAX_ID:
            raise _refused(f"it gives a token the id {str(id)[:40]}, at most {MAX_ID} is served")


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value, outermost first."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            yield found
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def check_expression(expression: str) -> None:
    """Refuse an expression that a backtracking engine may not finish. Raises BundleError."""
    if len(expression) > MAX_EXPRESSION_CHARS:
        raise _refused("it has an expression that is too long")
    try:
        _Expression(expression).check()
    except _Endless as error:
        raise _refused(f"it has an expression that may not end ({error})") from None


class _Endless(Exception):
    """Why a regular expression is refused."""


class _Expression:
    """A walk over a regular expression that counts unbounded repetitions in a row.

    Knows the parts of Oniguruma's syntax that tokenizers use, and refuses what it cannot bound:
    back-references, group calls, conditions.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def check(self) -> None:
        repeats, _ = self._alternatives()
        if self._at < len(self._text):
            raise _Endless("its brackets do not match")
        if repeats > _MAX_REPEATED:
            raise _Endless("too many repetitions side by side")

    def _alternatives(self) -> tuple[int, bool]:
        """Up to a closing bracket: repetitions in a row, and whether a text can match in two
        ways."""
        maximum, here = 0, 0
        branches: list[list[str | None]] = [[]]
        while self._at < len(self._text) and self._text[self._at] != ")":
            if self._text[self._at] == "|":
                self._at += 1
                branches.append([])
                maximum, here = max(maximum, here), 0
                continue
            here += self._piece(branches[-1])
        return max(maximum, here), len(branches) > 1 and not _are_exclusive(branches)

    def _piece(self, branch: list[str | None]) -> int:
        """One atom and its quantifier; returns its number of unbounded repetitions.

        Adds to `branch` the atom, None if it is more than one character.
        """
        start = self._at
        repeats, has_choice = self._atom()
        atom = self._text[start : self._at]
        highest = 1
        while (maximum := self._quantifier()) is not None:
            if highest > 1:
                raise _Endless("a repetition is repeated")
            highest = maximum
        if not atom.startswith(("(?=", "(?!", "(?<=", "(?<!")):
            whole = self._at == start + len(atom) and not atom.startswith("(")
            branch.append(atom if whole else None)
        if highest <= 1:
            return repeats
        if repeats:
            raise _Endless("a repetition within a repetition")
        if has_choice and highest > _MAX_REPEATED:
            raise _Endless("a choice within a repetition")
        # A large bounded count costs as well: `a{0,500}` five times in a row.
        return 1 if highest > 16 else 0

    def _quantifier(self) -> int | None:
        """The maximum count of the quantifier here; None if there is none."""
        text, at = self._text, self._at
        if at >= len(text):
            return None
        maximum: int | None = None
        if text[at] in "*+?":
            maximum = 1 if text[at] == "?" else _MAX_COUNT
            self._at += 1
        elif text[at] == "{" and (end := text.find("}", at)) > 0:
            low, comma, high = text[at + 1 : end].partition(",")
            if not all(part.isascii() and part.isdigit() for part in (low or "0", high or "0")):
                return None
            if low or high:
                last = high or ("" if comma else low)
                maximum = min(int(last[:6]), _MAX_COUNT) if last else _MAX_COUNT
                self._at = end + 1
        if maximum is not None and self._at < len(text) and text[self._at] in "?+":
            self._at += 1  # lazy and possessive forms
        return maximum

    def _atom(self) -> tuple[int, bool]:
        char = self._text[self._at]
        self._at += 1
        if char == "(":
            return self._group()
        if char == "[":
            self._class()
        elif char == "\\":
            self._escape()
        elif char in "*+?":
            raise _Endless("a repetition of nothing")
        return 0, False

    def _group(self) -> tuple[int, bool]:
        self._depth += 1
        if self._depth > 20:
            raise _Endless("too many brackets within brackets")
        if self._text.startswith("?", self._at):
            end = self._at + 1
            while end < len(self._text) and self._text[end] in "imsxaPWDSy-":
                end += 1
            rest = self._text[end : end + 2]
            if rest.startswith((":", "=", "!", ">")):
                self._at = end + 1
            elif rest in ("<=", "<!"):
                self._at = end + 2
            elif rest.startswith(")"):  # flags for what follows
                self._at = end
            elif rest.startswith("<") and (close := self._text.find(">", end)) > 0:
                self._at = close + 1
            elif rest.startswith("#") and (close := self._text.find(")", end)) > 0:
                self._at = close
            else:
                raise _Endless("a group of an unknown kind")
        found = self._alternatives()
        if not self._text.startswith(")", self._at):
            raise _Endless("its brackets do not match")
        self._at += 1
        self._depth -= 1
        return found

    def _class(self) -> None:
        """A character class: one character, whatever it contains."""
        depth, first = 1, True
        while depth:
            if self._at >= len(self._text):
                raise _Endless("its brackets do not match")
            char = self._text[self._at]
            self._at += 1
            if char == "\\":
                self._at += 1
            elif char == "[":
                depth += 1
                first = True
                continue
            elif char == "]" and not first:
                depth -= 1
            elif char == "^" and first:
                continue
            first = False

    def _escape(self) -> None:
        if self._at >= len(self._text):
            raise _Endless("it ends in a backslash")
        char = self._text[self._at]
        self._at += 1
        if char in "123456789kgKRX":
            raise _Endless("it refers back")
        if char in "pPxu" and self._text.startswith("{", self._at):
            close = self._text.find("}", self._at)
            if close < 0:
                raise _Endless("its brackets do not match")
            self._at = close + 1


def _are_exclusive(branches: list[list[str | None]]) -> bool:
    """Whether each branch is a single character, and all of them are clearly different."""
    atoms = [branch[0] for branch in branches if len(branch) == 1 and branch[0] is not None]
    return len(atoms) == len(branches) and all(
        _differ(one, other) for i, one in enumerate(atoms) for other in atoms[:i]
    )


def _differ(one: str, other: str) -> bool:
    literals = [_literal(atom) for atom in (one, other)]
    if None not in literals:
        return literals[0] != literals[1]
    for literal, atom in zip(literals, (other, one), strict=True):
        if literal is not None and atom.startswith("[^") and "[" not in atom[2:]:
            return literal in _NAMED.sub("", atom[2:-1])
    return False


_NAMED = re.compile(r"\\[pP]\{[^}]*\}|\\[A-Za-z]|&&.*")


def _literal(atom: str) -> str | None:
    """The character that an atom matches; None if it matches several."""
    if len(atom) == 2 and atom[0] == "\\" and not atom[1].isalnum():
        return atom[1]
    return atom if len(atom) == 1 and atom not in ".^$" else None


def _refused(why: str) -> BundleError:
    return BundleError(f"tokenizer.json is refused: {why[:200]}. Please {_ADVICE}")
