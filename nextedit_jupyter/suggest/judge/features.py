"""The features of a candidate, as interpretable numbers.

No feature knows a library, a name or a repository: they count, compare with the examples, and
describe the place.
"""

from __future__ import annotations

import keyword
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.last_edits import CONTEXT, SHAPES, Site, common_start
from nextedit_jupyter.suggest.judge.lexed import KINDS
from nextedit_jupyter.suggest.judge.view import View

MAX_EXAMPLES = 8
MAX_PASSED = 12
_ONE_HOT = {kind: [float(kind == k) for k in KINDS] for kind in KINDS}


def _change_names() -> list[str]:
    return [
        *(f"shape {s}" for s in SHAPES),
        "examples",
        "example cells",
        "left alone",
        "share made",
        "age",
        "changes in newest edit",
        "lines in newest edit",
        "all changes",
        "all edits",
        "old length",
        "new length",
        "old tokens",
        "new tokens",
        "same but for case",
        "one extends the other",
        "common start",
        "common end",
        "old is number",
        "new is number",
        "old is Python's",
        "new is Python's",
        "new existed in edited cell",
        "new in other cells",
        "candidates",
        "candidate cells",
        "old still bound",
        "new bound elsewhere",
        *(f"example is {k}" for k in KINDS),
        "any proved",
        "proved share",
        "refused",
        "any ruled",
        "owners of examples",
        "lines of examples",
        "lefts of examples",
        "cells passed over",
        "cells above",
        "cells below",
    ]


def _place_names() -> list[str]:
    return [
        *(f"is {k}" for k in KINDS),
        "kind of an example",
        "left match",
        "right match",
        "both match",
        "line of an example",
        "owner of an example",
        "owner known",
        "callee of an example",
        "alone left match",
        "alone right match",
        "alone kind",
        "alone owner",
        "alone line",
        "line length",
        "below",
        "ahead",
        "distance",
        "in an edited cell",
        "places in cell",
        "changes in cell",
        "share of changes in cell",
        "lines shared",
        "share of lines shared",
        "proved",
        "ruled",
        "others proved in cell",
        "cell holds new",
        "near changes",
        "old bound between",
        "old bound before",
        "new bound before",
        "new bound in edited cell",
        "local here",
        "local in an example",
        "same function",
        "words shared with a line",
        "commented line",
        "first in line",
        "other places of line",
        "spaces before",
        "made in this cell",
        "made above in this cell",
        "made below in this cell",
        "like one passed over",
        "like one above",
        "left of one passed over",
        "object of an example",
        "root of an example",
        "others proved on its line",
        "value of its own name",
        "value of its own name in an example",
        "whole string",
        "whole string in an example",
        "in code beside the line",
    ]


NAMES: tuple[str, ...] = (*_change_names(), *_place_names())


def feature_rows(
    candidates: Sequence[Candidate], view: View, decided: Collection[int] = ()
) -> NDArray[np.float32]:
    """One row per candidate, a column for each of `NAMES`; zeros for those that are `decided`."""
    if not candidates:
        return np.zeros((0, len(NAMES)), np.float32)
    of_change: dict[int, list[Candidate]] = {}
    of_cell: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        of_change.setdefault(id(candidate.change), []).append(candidate)
        of_cell.setdefault(candidate.cell, []).append(candidate)
    open_ = [c for n, c in enumerate(candidates) if n not in decided]
    weighed = {key: of_change[key] for key in dict.fromkeys(id(c.change) for c in open_)}
    passed = {key: _Passed(found, view) for key, found in weighed.items()}
    likes = {key: _Like(found) for key, found in weighed.items()}
    heads = {
        key: _change_values(found, view) + passed[key].values for key, found in weighed.items()
    }
    numbers = dict.fromkeys(c.cell for c in open_)
    cells = {cell: _CellView(cell, of_cell[cell], view) for cell in numbers}
    rows = np.zeros((len(candidates), len(NAMES)), np.float32)
    for n, candidate in enumerate(candidates):
        if n in decided:
            continue
        key = id(candidate.change)
        site = view.site(candidate)
        place = _place_values(candidate, site, likes[key], cells[candidate.cell], view)
        like = likes[key]
        objects = [float(site.object in like.objects), float(site.root in like.roots)]
        beside = _beside_values(candidate, site, likes[key], cells[candidate.cell])
        rows[n] = heads[key] + place + passed[key].likeness(candidate, site) + objects + beside
    return rows


def _change_values(found: Sequence[Candidate], view: View) -> list[float]:
    change = found[0].change
    examples = change.examples
    sites = [e.site for e in examples[:MAX_EXAMPLES]]
    made, alone = len(examples), len(change.left_alone)
    age = min(e.edit for e in examples)
    newest = view.edited[0]
    old, new = " ".join(change.replaced), change.new
    proved = sum((c.cell, c.start) in view.evidence.proved for c in found)
    ruled = view.ruled
    kinds = {site.kind for site in sites}
    word = change.shape == "word"
    return [
        *(float(change.shape == s) for s in SHAPES),
        min(made, 20),
        len({e.edit for e in examples}),
        min(alone, 12),
        made / (made + alone),
        age,
        min(newest.changes, 40),
        min(newest.lines, 40),
        min(sum(e.changes for e in view.edited), 60),
        len(view.edited),
        min(len(old), 80),
        min(len(new), 80),
        min(change.high - change.low, 20),
        min(len(new.split()), 20),
        float(old.lower() == new.lower()),
        float(
            bool(old and new)
            and (
                old.startswith(new) or new.startswith(old) or old.endswith(new) or new.endswith(old)
            )
        ),
        min(common_start(old, new), 20),
        min(common_start(old[::-1], new[::-1]), 20),
        float(old[:1].isdigit()),
        float(new[:1].isdigit()),
        float(keyword.iskeyword(old)),
        float(keyword.iskeyword(new)),
        float(bool(new) and any(new in e.before.source for e in view.edited)),
        min(_holding(new, view), 20) if new.strip() else -1.0,
        min(len(found), 60),
        min(len({c.cell for c in found}), 40),
        float(word and bool(view.bindings(change.old[0]))),
        float(word and bool(view.bindings(new))),
        *(float(k in kinds) for k in KINDS),
        float(bool(view.evidence.proved)),
        proved / len(found),
        float(view.evidence.refused),
        float(any((c.cell, c.start) in ruled for c in found)),
        len({s.owner for s in sites}),
        len({s.line for s in sites}),
        len({s.left[:1] for s in sites}),
    ]


class _Passed:
    """The places of one change that the user skipped: between edited cells, or above all of
    them."""

    def __init__(self, found: Sequence[Candidate], view: View) -> None:
        numbers = [view.numbers[e.edit] for e in found[0].change.examples]
        low, high = min(numbers), max(numbers)
        edited = set(view.numbers)
        between = [c for c in found if low < c.cell < high and c.cell not in edited]
        above = [c for c in found if c.cell < low and c.cell not in edited]
        self._between = [(c.cell, view.site(c)) for c in between[:MAX_PASSED]]
        self._above = [(c.cell, view.site(c)) for c in above[:MAX_PASSED]]
        self.values = [
            float(min(len({c.cell for c in between}), 10)),
            float(min(len({c.cell for c in above}), 10)),
            float(min(len({c.cell for c in found if c.cell > high}), 20)),
        ]

    def likeness(self, candidate: Candidate, site: Site) -> list[float]:
        """Whether a skipped place in another cell is similar."""
        between = [s for cell, s in self._between if cell != candidate.cell]
        above = [s for cell, s in self._above if cell != candidate.cell]
        mine = site.kind, site.owner
        return [
            float(any((s.kind, s.owner) == mine for s in between)),
            float(any((s.kind, s.owner) == mine for s in above)),
            float(any(s.left[:2] == site.left[:2] for s in between)),
        ]


def _holding(text: str, view: View) -> int:
    edited = set(view.numbers)
    return sum(text in source for n, source in view.sources.items() if n not in edited)


class _CellView:
    """Values shared by all candidates of one cell."""

    def __init__(self, number: int, found: Sequence[Candidate], view: View) -> None:
        self.lexed = view.cells[number]
        newest = view.numbers[0]
        travel = 1
        if len(view.numbers) > 1 and view.numbers[1] > newest:
            travel = -1
        mine = self.lexed.long_lines
        shared = share = 0.0
        for edit in view.edited[:4]:
            theirs = edit.before.long_lines
            both = len(mine & theirs)
            if both > shared:
                shared, share = both, both / max(len(mine | theirs), 1)
        kinds = {id(c.change) for c in found}
        biggest = max(
            sum(any(e.edit == n for e in c.change.examples) for c in _one_each(found))
            for n in range(len(view.edited))
        )
        total = max(max(e.changes for e in view.edited), 1)
        self.values: list[float] = [
            float(number > newest),
            float((number - newest) * travel > 0),
            min(abs(number - newest), 60),
            float(number in view.numbers),
        ]
        self.tail: list[float] = [
            min(len(kinds), 20),
            biggest / total,
            min(shared, 20),
            share,
        ]
        self.number = number
        self.proved = sum((c.cell, c.start) in view.evidence.proved for c in found)
        self.line_counts = self.lexed.line_counts
        self.per_change: dict[int, int] = {}
        self.by_line: dict[int, set[int]] = {}
        self.proved_at: dict[int, set[int]] = {}  # starts of the proved places of a line
        for c in found:
            self.per_change[id(c.change)] = self.per_change.get(id(c.change), 0) + 1
            line = self.lexed.line_of(c.start)
            if (number, c.start) in view.evidence.proved:
                self.proved_at.setdefault(line, set()).add(c.start)
            self.by_line.setdefault(line, set()).add(id(c.change))


def _one_each(found: Sequence[Candidate]) -> list[Candidate]:
    return list({id(c.change): c for c in found}.values())


class _Like:
    """Properties of the examples of one change."""

    def __init__(self, found: Sequence[Candidate]) -> None:
        self.sites = [e.site for e in found[0].change.examples[:MAX_EXAMPLES]]
        self.kinds = {s.kind for s in self.sites}
        self.lines = {s.line for s in self.sites}
        self.owners = {s.owner for s in self.sites}
        self.callees = {s.callee for s in self.sites}
        self.functions = {s.function for s in self.sites}
        self.words = {s.words for s in self.sites}
        self.objects = {s.object for s in self.sites} - {""}
        self.roots = {s.root for s in self.sites} - {""}
        self.word = found[0].change.old if found[0].change.shape == "word" else ()
        self.own_value = any(_is_of_own_value(s, self.word) for s in self.sites)
        self.whole_string = any(_is_whole_string(s) for s in self.sites)


def _place_values(
    candidate: Candidate, site: Site, like: _Like, cell: _CellView, view: View
) -> list[float]:
    change, sites = candidate.change, like.sites
    alone = [s for n, s in change.left_alone[:MAX_EXAMPLES] if view.numbers[n] != candidate.cell]
    key = (candidate.cell, candidate.start)
    is_proved = key in view.evidence.proved
    return [
        *_ONE_HOT[site.kind],
        float(site.kind in like.kinds),
        *_matches(site, sites),
        float(site.line in like.lines),
        float(bool(site.owner) and site.owner in like.owners),
        float(bool(site.owner)),
        float(bool(site.callee) and site.callee in like.callees),
        *_matches(site, alone)[:2],
        float(any(s.kind == site.kind for s in alone)),
        float(any(s.kind == site.kind and s.owner == site.owner for s in alone)),
        float(any(s.line == site.line for s in alone)),
        min(len(site.line), 120),
        *cell.values,
        min(cell.per_change[id(change)], 20),
        *cell.tail,
        float(is_proved),
        float(view.ruled.get(key, 0)),
        float(cell.proved - is_proved > 0),
        float(bool(change.new.strip()) and change.new.strip() in cell.lexed.source),
        len(cell.by_line[cell.lexed.line_of(candidate.start)]),
        *_binding_values(candidate, view, site, like),
        max((_shared(site.words, words) for words in like.words), default=0.0),
        float(site.line.startswith("#")),
        float(not site.indent_only),
        min(cell.line_counts[site.line], 9),
        min(site.indent, 16),
        *_in_cell_values(candidate, cell, view),
    ]


def _is_of_own_value(site: Site, old: Sequence[str]) -> bool:
    """`x=x`, `"x": x`, `row["x"] = x`: the word names the value of a variable of that name."""
    return bool(old) and site.kind in ("keyword", "string") and old[0] in site.right[:4]


def _is_whole_string(site: Site) -> bool:
    return site.kind == "string" and {*site.left[:1], *site.right[:1]} <= {"'", '"'}


def _beside_values(candidate: Candidate, site: Site, like: _Like, cell: _CellView) -> list[float]:
    """Features of the same line and its neighbours."""
    line = cell.lexed.line_of(candidate.start)
    proved = cell.proved_at.get(line, set()) - {candidate.start}
    near = [n for n in (line - 1, line + 1) if 0 <= n < len(cell.lexed.lines)]
    old = like.word
    in_code = bool(old) and any(
        old[0] in cell.lexed.words(n) and not cell.lexed.lines[n].startswith("#") for n in near
    )
    return [
        float(min(len(proved), 5)),
        float(_is_of_own_value(site, old)),
        float(like.own_value),
        float(_is_whole_string(site)),
        float(like.whole_string),
        float(in_code),
    ]


def _in_cell_values(candidate: Candidate, cell: _CellView, view: View) -> list[float]:
    """How often the change was made in the candidate's own cell, above it and below it."""
    if candidate.cell not in view.numbers:
        return [0.0, 0.0, 0.0]
    number = view.numbers.index(candidate.cell)
    lines = [e.line for e in candidate.change.examples if e.edit == number]
    line = cell.lexed.line_of(candidate.start)
    above = sum(at <= line for at in lines)
    return [float(min(n, 9)) for n in (len(lines), above, len(lines) - above)]


def _shared(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / max(len(a | b), 1)


def _binding_values(candidate: Candidate, view: View, site: Site, like: _Like) -> list[float]:
    change = candidate.change
    if change.shape != "word":
        return [-1.0] * 7
    old, new = change.old[0], change.new
    newest = view.numbers[min(e.edit for e in change.examples)]
    low, high = sorted((newest, candidate.cell))
    bound = view.bindings(old)
    between = max(bisect_left(bound, high) - bisect_right(bound, low), 0)
    here = bisect_right(bound, candidate.cell) - bisect_left(bound, candidate.cell)
    return [
        min(between + here, 5),
        float(bisect_left(bound, candidate.cell) > 0),
        float(bisect_left(view.bindings(new), candidate.cell) > 0),
        float(any(view.binds(e.after, new) for e in view.edited)),
        float(old in site.function),
        float(any(old in function for function in like.functions)),
        float(site.function in like.functions),
    ]


def _matches(site: Site, others: Sequence[Site]) -> tuple[float, float, float]:
    """The maximum number of tokens that agree on the left, on the right, and on both sides of one
    site."""
    left = right = both = 0
    for other in others:
        a, b = _same(site.left, other.left), _same(site.right, other.right)
        left, right, both = max(left, a), max(right, b), max(both, a + b)
    return float(left), float(right), float(both)


def _same(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    count = 0
    for x, y in zip(a, b):
        if x != y:
            return count
        count += 1
    return CONTEXT if count == len(a) == len(b) else count
