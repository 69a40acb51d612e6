"""Patterns of strings: keys, values and misspelt words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nextedit_jupyter.analysis.flat_tree import Node, SyntaxTree
from nextedit_jupyter.analysis.patterns.changed_nodes import NodeChange
from nextedit_jupyter.analysis.patterns.nodes import is_prose, plain_content, words
from nextedit_jupyter.analysis.patterns.rule import Around, Rule, Trust
from nextedit_jupyter.core import Replacement


@dataclass(frozen=True, slots=True)
class StringReplaced:
    """A whole string is replaced; `keys`: only subscripts and dictionary keys."""

    old: str
    new: str
    keys: bool = False
    examples: int = 1
    trust: Trust = "weak"

    @property
    def needle(self) -> str:
        return self.old

    @property
    def what(self) -> str:
        return f'change "{self.old}" to "{self.new}"'

    @property
    def where(self) -> str:
        return "string"

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        found = []
        for string in tree.of_kind("string"):
            inner = plain_content(string)
            if inner is None or inner.text != self.old or is_prose(string):
                continue
            if self.keys and not is_key(string):
                continue
            found.append(Replacement(inner.start, inner.end, self.new))
        return found


@dataclass(frozen=True, slots=True)
class WordRespelt:
    """A misspelt word is corrected in every string that contains it."""

    old: str
    new: str
    examples: int = 1
    trust: Trust = "specific"

    @property
    def needle(self) -> str:
        return self.old

    @property
    def what(self) -> str:
        return f"change {self.old} to {self.new}"

    @property
    def where(self) -> str:
        return "string"

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        pattern = re.compile(rf"(?<![^\W_]){re.escape(self.old)}(?![^\W_])")
        found = []
        for inner in tree.of_kind("string_content"):
            string = inner.parent
            if string is None or is_prose(string):
                continue
            at = inner.start
            found += [
                Replacement(at + match.start(), at + match.end(), self.new)
                for match in pattern.finditer(inner.text)
            ]
        return found


def is_key(string: Node) -> bool:
    """Whether a string is a subscript, an item of a list that is one, or a dictionary key."""
    above = string.parent
    if above is not None and above.kind in ("list", "tuple"):
        string, above = above, above.parent
    if above is None:
        return False
    if above.kind == "subscript":
        return string.field == "subscript"
    return above.kind == "pair" and string.field == "key"


def string_rules(change: NodeChange, around: Around) -> Iterator[Rule]:
    old, new = change.old, change.new
    if old.kind == new.kind == "string_content":  # of an f-string
        if old.parent is not None and not is_prose(old.parent):
            yield from _respelt(old.text, new.text, around)
        return
    if old.kind != "string" or new.kind != "string" or is_prose(old):
        return
    was, now = plain_content(old), plain_content(new)
    if was is None or now is None:
        return
    before, after = was.text, now.text
    if set(after) & set("\"'\\\n{}") or not after.strip():
        yield from _respelt(before, after, around)
        return
    respelt = list(_respelt(before, after, around))
    if is_key(old):
        # A key that already exists elsewhere was chosen, not renamed.
        if not around.existed_quoted(after) and not _is_column(after, around):
            yield StringReplaced(before, after, keys=len(before) < 4)
    elif not around.existed_quoted(after):
        long = len(before) >= 8 and not before.count(" ") > 3
        free = (
            old.parent is not None
            and old.parent.kind == "keyword_argument"
            and ((key := old.parent.child("name")) is not None and key.text in FREE_TEXT)
        )
        if long and not differs_in_digits(before, after) and not (free and " " in before):
            yield StringReplaced(before, after)
        else:
            yield StringReplaced(before, after, examples=2)
    yield from respelt


def _is_column(name: str, around: Around) -> bool:
    return any(name in known.subscripts for known in around.facts.names)


def _respelt(before: str, after: str, around: Around) -> Iterator[Rule]:
    was, now = re.findall(r"[^\W\d_]+", before), re.findall(r"[^\W\d_]+", after)
    if len(was) != len(now):
        return
    differing = {(a, b) for a, b in zip(was, now, strict=True) if a != b}
    if len(differing) == 1:
        ((old, new),) = differing
        # A word that is a name in the code is spelt as intended.
        if is_misspelling(old, new) and not around.is_a_name(old):
            yield WordRespelt(old, new)


def is_misspelling(old: str, new: str) -> bool:
    """Whether one word is a typo of the other: two letters at most, and not a different ending.

    A different ending makes another word (`feature`, `features`), as does a different case.
    """
    if min(len(old), len(new)) < 5 or old.lower() == new.lower():
        return False
    if old[0].lower() != new[0].lower() or old.startswith(new) or new.startswith(old):
        return False
    return _distance(old.lower(), new.lower(), 2) <= 2


def _distance(a: str, b: str, limit: int) -> int:
    """The edit distance from a to b (a swap of neighbours is one edit); `limit` + 1 if larger."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    rows = [list(range(len(b) + 1))]
    for i in range(1, len(a) + 1):
        row = [i]
        for j in range(1, len(b) + 1):
            cost = a[i - 1] != b[j - 1]
            best = min(row[j - 1] + 1, rows[-1][j] + 1, rows[-1][j - 1] + cost)
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def is_word(text: str) -> bool:
    """Whether a text is a single word, of any characters: a colour, a format, an option."""
    return re.fullmatch(r"\S+", text) is not None


def differs_in_digits(a: str, b: str) -> bool:
    return re.sub(r"\d+", "0", a) == re.sub(r"\d+", "0", b)


# Keywords whose strings are chosen for each call.
FREE_TEXT = words(
    "label title name x y hue color c marker linestyle ls xlabel ylabel column columns on by"
    " sep end fmt file path filename mode help desc text"
)
