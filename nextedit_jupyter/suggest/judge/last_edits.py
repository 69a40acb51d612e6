"""Reads the last edits as changes that could also be made elsewhere.

Each cell's text before the user's own events is compared with its present one, by lines and then by
tokens. A change is the smallest complete range: brackets and quotes are balanced, and a range
without a word includes the adjacent words, by which its other places are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Literal

from nextedit_jupyter.suggest.judge.lexed import (
    STRING_PREFIXES,
    LexedCell,
    LexedCells,
    is_made_anew,
)

# `rule`: a generalisation by the patterns lane, which finds its places itself.
Shape = Literal["word", "tokens", "insert", "lines", "lines added", "lines removed", "rule"]
SHAPES: tuple[Shape, ...] = (
    "word",
    "tokens",
    "insert",
    "lines",
    "lines added",
    "lines removed",
    "rule",
)

# Beyond these an edit is a rewrite or a paste, which is not repeated place by place.
MAX_LINES = 60
MAX_TOKENS = 400
MAX_CHANGES = 40
MAX_OLD_TOKENS = 40
MAX_BLOCK_LINES = 8
# Kinds of examples in which the new name is bound or declared: then the uses follow for certain.
BINDING = ("definition", "target", "import", "keyword", "string")
# What it is in what Python does not read.
TEXTS = frozenset(["comment", "docstring", "string"])
_NAME = re.compile(r"[^\W\d]\w*")
_PIECE = re.compile(r"[^\W\d]\w*|\d[\w.]*|\s+|.", re.S)
_OPENS, _CLOSES = frozenset("([{"), frozenset(")]}")
_COMPARING = frozenset("=!<>:")
# How many tokens of context are compared on either side.
CONTEXT = 6


@dataclass(frozen=True, slots=True)
class Site:
    """A range of a cell and its context; `kind` is its first word's."""

    kind: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    line: str
    owner: str
    callee: str
    function: str = ""  # the head of the enclosing function
    indent: int = 0
    indent_only: bool = False  # whether a token precedes it on its line
    words: frozenset[str] = frozenset()
    object: str = ""  # of an attribute, as written: `self.log`, `axes[0]`

    @property
    def root(self) -> str:
        """The variable at the root of an attribute: `axes` of `axes[0].bar`."""
        found = _NAME.match(self.object)
        return found[0] if found else ""

    @classmethod
    def of(cls, cell: LexedCell, first: int, last: int) -> Site:
        """The site of tokens `first` to `last`; cached per cell."""
        known = cell.memory.get((first, last))
        if not isinstance(known, Site):
            known = cell.memory[first, last] = cls._read(cell, first, last)
        return known

    @classmethod
    def _read(cls, cell: LexedCell, first: int, last: int) -> Site:
        word = next(
            (
                i
                for i in range(first, min(last, first + MAX_OLD_TOKENS))
                if cell.kinds[i] != "other" and not cell.texts[i].isspace()
            ),
            min(first, max(len(cell.texts) - 1, 0)),
        )
        inside = word < len(cell.texts)
        start = cell.starts[first] if first < len(cell.starts) else len(cell.source)
        line = cell.line_of(start)
        raw = cell.source[cell.line_starts[line] : start]
        return cls(
            cell.kinds[word] if inside else "other",
            tuple(cell.left(first, CONTEXT)),
            tuple(cell.right(last, CONTEXT)),
            cell.lines[line],
            cell.owner(word) if inside else "",
            cell.callee(word) if inside else "",
            cell.function(line),
            len(raw) - len(raw.lstrip()),
            bool(raw.strip()),
            cell.words(line),
            cell.object(word) if inside else "",
        )


def binds(site: Site) -> bool:
    """Whether a name was bound or declared there, or an attribute assigned."""
    if site.kind == "attribute":
        return site.right[:1] == ("=",) and site.right[1:2] != ("=",)
    return site.kind in BINDING


@dataclass(frozen=True, slots=True)
class Example:
    """Where a change was made: the edit's number (newest 0), the line, and the site before the
    change."""

    edit: int
    line: int
    site: Site


@dataclass(slots=True)
class LastChange:
    """A change: of the solid tokens `old`, those from `low` to `high` are replaced by `new`.

    `replaced_entries` of the examples also got a value of another kind. For line changes, `old` and
    `new` are whole stripped or relatively indented lines.
    """

    shape: Shape
    old: tuple[str, ...]
    new: str
    low: int
    high: int
    examples: list[Example] = field(default_factory=list)
    left_alone: list[tuple[int, Site]] = field(default_factory=list)  # by the edit's number
    replaced_entries: int = 0

    @property
    def key(self) -> tuple[object, ...]:
        return self.shape, self.old, self.new, self.low, self.high

    @property
    def replaced(self) -> tuple[str, ...]:
        return self.old[self.low : self.high]


@dataclass(frozen=True, slots=True)
class Edited:
    """The edits of one cell in the history; in lists, newest first."""

    cell: str
    before: LexedCell
    after: LexedCell
    recent: bool
    changes: int  # the number of changes read from it
    lines: int  # the number of lines that differ


def read_changes(
    edits: Sequence[tuple[str, str, str, bool]], cells: LexedCells
) -> tuple[list[LastChange], list[Edited]]:
    """The changes of edits (cell, before, after, recent), newest first, with their examples."""
    table: dict[tuple[object, ...], LastChange] = {}
    edited: list[Edited] = []
    for number, (cell, before, after, recent) in enumerate(edits):
        was, now = cells.of(before), cells.of(after)
        found = list(_changes_of(was, now))
        if len(found) > MAX_CHANGES:
            found = []
        for change, first, last in found:
            known = table.setdefault(change.key, change)
            if known is not change:
                known.replaced_entries += change.replaced_entries
            start = was.starts[first] if first < len(was.starts) else len(before)
            line = was.line_of(start)
            known.examples.append(Example(number, line, Site.of(was, first, last)))
        lines = _changed_lines(was.lines, now.lines)
        edited.append(Edited(cell, was, now, recent, len(found), lines))
    return list(table.values()), edited


def _changed_lines(was: Sequence[str], now: Sequence[str]) -> int:
    before, after = set(was), set(now)
    return max(sum(line not in after for line in was), sum(line not in before for line in now))


Found = tuple[LastChange, int, int]


def _changes_of(was: LexedCell, now: LexedCell) -> Iterator[Found]:
    old = was.source.split("\n")
    new = now.source.split("\n")
    head = common_start(old, new)
    tail = common_start(old[head:][::-1], new[head:][::-1])
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(a) > MAX_LINES or len(b) > MAX_LINES:
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        span = (head + i1, head + i2, head + j1, head + j2)
        yield from _of_block(was, now, old, new, *span)


def _of_block(
    was: LexedCell,
    now: LexedCell,
    old: list[str],
    new: list[str],
    i1: int,
    i2: int,
    j1: int,
    j2: int,
) -> Iterator[Found]:
    """The changes in a block of lines that was replaced."""
    if i1 == i2 or j1 == j2:
        yield from _of_lines(was, old, new, i1, i2, j1, j2)
        return
    pairs = _paired(old[i1:i2], new[j1:j2])
    if not pairs:
        yield from _of_lines(was, old, new, i1, i2, j1, j2)
        return
    i, j = i1, j1
    for p, q in [*((i1 + p, j1 + q) for p, q in pairs), (i2, j2)]:
        if i < p or j < q:
            yield from _of_lines(was, old, new, i, p, j, q)
        if p < i2 and q < j2 and old[p] != new[q]:
            yield from _of_line(was, now, p, q)
        i, j = p + 1, q + 1


def _paired(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Pairs of lines that correspond, edited."""
    if len(old) == len(new):
        return [
            (n, n)
            for n, (a, b) in enumerate(zip(old, new))
            if a.strip() and (_alike(a, b, 0.4) or _is_one_word_off(a, b))
        ]
    pairs, at = [], 0
    for i, line in enumerate(old):
        if not line.strip():
            continue
        for j in range(at, len(new)):
            if _alike(line, new[j], 0.6):
                pairs.append((i, j))
                at = j + 1
                break
    return pairs


def _alike(a: str, b: str, ratio: float) -> bool:
    a, b = a.strip()[:300], b.strip()[:300]
    if a == b:
        return bool(a)
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return matcher.quick_ratio() > ratio and matcher.ratio() > ratio


def _is_one_word_off(a: str, b: str) -> bool:
    """Whether two lines differ by one replaced word: `df[0]`, `houses[0]`."""
    was, now = _PIECE.findall(a), _PIECE.findall(b)
    if len(was) != len(now) or len(was) > MAX_TOKENS:
        return False
    swaps = {(x, y) for x, y in zip(was, now, strict=True) if x != y}
    return len(swaps) == 1 and all(_is_word(word) for swap in swaps for word in swap)


def _of_lines(
    was: LexedCell, old: list[str], new: list[str], i1: int, i2: int, j1: int, j2: int
) -> Iterator[Found]:
    """Changes of whole lines: added, removed or replaced."""
    before = [line for line in old[i1:i2] if line.strip()]
    after = [line for line in new[j1:j2] if line.strip()]
    if len(before) > MAX_BLOCK_LINES or len(after) > MAX_BLOCK_LINES or not (before or after):
        return
    start = was.line_starts[i1] if i1 < len(was.line_starts) else len(was.source)
    end = was.line_starts[i2] if i2 < len(was.line_starts) else len(was.source)
    first, last = was.at(start), was.at(end)
    margin = _margin(before or after)
    text = "\n".join(line[len(margin) :] if line.startswith(margin) else line for line in after)
    if before:
        shape: Shape = "lines" if after else "lines removed"
        anchor = tuple(line.strip() for line in before)
        yield LastChange(shape, anchor, text, 0, len(anchor)), first, last
        return
    above = next((line.strip() for line in reversed(old[:i1]) if line.strip()), "")
    below = next((line.strip() for line in old[i1:] if line.strip()), "")
    if above:
        yield LastChange("lines added", (above,), text, 1, 1), first, last
    elif below:
        yield LastChange("lines added", (below,), text, 0, 0), first, last


def _margin(lines: Sequence[str]) -> str:
    first = lines[0]
    return first[: len(first) - len(first.lstrip())]


def _of_line(was: LexedCell, now: LexedCell, p: int, q: int) -> Iterator[Found]:
    """The changes within one line, by tokens."""
    first, last = _line_tokens(was, p)
    begin, end = _line_tokens(now, q)
    a, b = was.texts[first:last], now.texts[begin:end]
    if len(a) > MAX_TOKENS or len(b) > MAX_TOKENS:
        return
    for i1, i2, j1, j2 in _whole_hunks(a, b):
        found = _of_hunk(was, now, first + i1, first + i2, begin + j1, begin + j2, first, last)
        if found is not None:
            yield found


def _line_tokens(cell: LexedCell, line: int) -> tuple[int, int]:
    start = cell.line_starts[line]
    end = cell.line_starts[line + 1] - 1 if line + 1 < len(cell.line_starts) else len(cell.source)
    return cell.at(start), cell.at(end)


def _whole_hunks(a: list[str], b: list[str]) -> list[tuple[int, int, int, int]]:
    """The differing ranges, joined until each keeps brackets and quotes balanced."""
    hunks = [
        op[1:]
        for op in SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
        if op[0] != "equal"
    ]
    if any(_is_prefix(a, i1, i2) or _is_prefix(b, j1, j2) for i1, i2, j1, j2 in hunks):
        return [_whole_strings(a, b, hunks)]
    if _is_assigned(a) != _is_assigned(b):
        # `df.f(inplace=True)` became `df = df.f()`: neither half makes sense on its own.
        return [_joined(a, b, hunks)]
    joined: list[tuple[int, int, int, int]] = []
    waiting: tuple[int, int, int, int] | None = None
    for i1, i2, j1, j2 in hunks:
        if waiting is not None:
            i1, j1 = waiting[0], waiting[2]
        elif joined and _is_no_border(a, b, joined[-1], (i1, i2, j1, j2)):
            i1, _, j1, _ = joined.pop()
        waiting = (i1, i2, j1, j2)
        if _balance(a[i1:i2]) == _balance(b[j1:j2]):
            joined.append(waiting)
            waiting = None
    if waiting is not None:
        joined.append(waiting)
    ends = [0, *(hunk[1] for hunk in joined)]
    starts = [*(hunk[0] for hunk in joined[1:]), len(a)]
    return [_settled(a, b, hunk, *room) for hunk, *room in zip(joined, ends, starts)]


def _is_assigned(texts: list[str]) -> bool:
    """Whether a line is an assignment to what it begins with."""
    depth = 0
    around = ["", *texts, ""]
    for before, text, behind in zip(around, texts, around[2:], strict=False):
        depth += (text in _OPENS) - (text in _CLOSES)
        if text == "=" and not depth and before not in _COMPARING and behind != "=":
            return True
    return False


def _is_no_border(
    a: list[str], b: list[str], one: tuple[int, int, int, int], other: tuple[int, int, int, int]
) -> bool:
    """Whether two ranges belong together: there is at most one space between them, or the middle of
    a path whose ends both changed or whose length changed: `a.b.c` to `d.b` and `ax.set_x` to
    `plt.x` are changes of the whole path.
    """
    between = a[one[1] : other[0]]
    if (len(between) <= 1 and not "".join(between).strip()) or between == ["."]:
        return True
    is_path = all(text == "." or _NAME.fullmatch(text) for text in between)
    return is_path and any(
        a[i1:i2].count(".") != b[j1:j2].count(".") for i1, i2, j1, j2 in (one, other)
    )


def _is_prefix(texts: list[str], first: int, last: int) -> bool:
    """Whether a range is a string's prefix."""
    is_letters = last - first == 1 and texts[first].lower() in STRING_PREFIXES
    return is_letters and texts[last : last + 1] in (["'"], ['"'])


def _whole_strings(
    a: list[str], b: list[str], hunks: list[tuple[int, int, int, int]]
) -> tuple[int, int, int, int]:
    """Everything that changed on a line as one range, to the end of its last string, because the
    contents mean something else in another kind of string.
    """
    i1, i2, j1, j2 = hunks[0][0], hunks[-1][1], hunks[0][2], hunks[-1][3]
    while i2 < len(a) and any(_balance(a[i1:i2])[-2:]):
        i2, j2 = i2 + 1, j2 + 1
    return i1, i2, j1, j2


def _joined(
    a: list[str], b: list[str], hunks: list[tuple[int, int, int, int]]
) -> tuple[int, int, int, int]:
    """Everything that changed on a line as one range, from the line's first word on, including
    closing brackets.
    """
    i1, i2, j1, j2 = hunks[0][0], hunks[-1][1], hunks[0][2], hunks[-1][3]
    first = next((n for n in range(i1) if not a[n].isspace()), i1)
    i1, j1 = first, j1 - (i1 - first)
    while i2 < len(a) and any(_balance(a[i1:i2])):
        i2, j2 = i2 + 1, j2 + 1
    return i1, i2, j1, j2


def _settled(
    a: list[str], b: list[str], hunk: tuple[int, int, int, int], low: int, high: int
) -> tuple[int, int, int, int]:
    """An added or removed range, extended by words after which it could also have been added or
    removed.

    `a.b.c.b.d` became `a.b.d` by losing `.b.c` or `.c.b`: it applies where both are possible. The
    tokens of `a` from `low` to `high` are those between the neighbouring ranges.
    """
    i1, i2, j1, j2 = hunk
    if (i1 == i2) == (j1 == j2):
        return hunk
    text, start, end = (a, i1, i2) if i1 < i2 else (b, j1, j2)
    right = left = 0
    while i2 + right < high and text[start + right] == text[end + right]:
        right += 1
    while i1 - left > low and text[start - left - 1] == text[end - left - 1]:
        left += 1
    if not any(map(_is_word, (*a[i1 - left : i1], *a[i2 : i2 + right]))):
        return hunk
    return i1 - left, i2 + right, j1 - left, j2 + right


def _balance(texts: Sequence[str]) -> tuple[int, ...]:
    text = "".join(texts)
    return (
        text.count("(") - text.count(")"),
        text.count("[") - text.count("]"),
        text.count("{") - text.count("}"),
        text.count("'") % 2,
        text.count('"') % 2,
    )


def _of_hunk(
    was: LexedCell, now: LexedCell, i1: int, i2: int, j1: int, j2: int, first: int, last: int
) -> Found | None:
    """One change of a line: tokens i1 to i2 became j1 to j2."""
    text = "".join(now.texts[j1:j2])
    while i1 < i2 and was.texts[i1].isspace() and text.startswith(was.texts[i1]):
        text = text[len(was.texts[i1]) :]
        i1 += 1
    while i1 < i2 and was.texts[i2 - 1].isspace() and text.endswith(was.texts[i2 - 1]):
        text = text[: len(text) - len(was.texts[i2 - 1])]
        i2 -= 1
    solid = [k for k in range(i1, i2) if not was.texts[k].isspace()]
    if not solid and not text.strip():
        return None
    if len(solid) > MAX_OLD_TOKENS:
        return None
    old = tuple(was.texts[k] for k in solid)
    if len(old) == 1 and _is_word(old[0]) and _is_word(text):
        given = {was.given(solid[0]), now.given(j1)} - {""}
        is_replaced = len(given) == 2 or is_made_anew(was.column(solid[0]), now.column(j1))
        return LastChange("word", old, text, 0, 1, replaced_entries=int(is_replaced)), i1, i2
    low, high = 0, len(old)
    if not any(map(_is_word, old)):
        before = [k for k in range(first, i1) if not was.texts[k].isspace()]
        behind = [k for k in range(i2, last) if not was.texts[k].isspace()]
        left: list[str] = []
        right = [was.texts[k] for k in behind[:1]]
        for k in reversed(before[-4:]):
            left.insert(0, was.texts[k])
            if any(map(_is_word, left)):
                break
        if not any(map(_is_word, (*left, *right))):
            return None
        old = (*left, *old, *right)
        low, high = len(left), len(old) - len(right)
    return LastChange("tokens" if solid else "insert", old, text, low, high), i1, i2


def _is_word(text: str) -> bool:
    """Whether it is a single name or number."""
    return (text[:1].isalnum() or text[:1] == "_") and all(c.isalnum() or c in "_." for c in text)


def common_start(a: Sequence[str], b: Sequence[str]) -> int:
    """The length of the common prefix, in letters or words."""
    count = 0
    for x, y in zip(a, b):
        if x != y:
            break
        count += 1
    return count
