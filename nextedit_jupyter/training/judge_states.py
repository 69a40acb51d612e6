"""Real commits as states of a notebook in which the judge is asked, with the right answers.

Positive are the places that the author then changed in exactly that way; negative those they left
alone, which are all places after an edit made in one place only; places changed differently, and
those in cells of which nobody knows what they became, count as neither.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from nextedit_jupyter.core import Silence, Suggestion, SuggestRequest
from nextedit_jupyter.evals.real_edits import (
    Commit,
    caret_after,
    request_after,
    tokens,
)
from nextedit_jupyter.suggest.judge.features import NAMES
from nextedit_jupyter.suggest.judge.judge_lane import JudgeLane
from nextedit_jupyter.suggest.patterns import PatternsLane
from nextedit_jupyter.suggest.symbols import SymbolsLane

MAX_STEPS = 4  # per rename: later ones teach little
MAX_CHARACTERS = 60_000
MAX_TOKENS = 400  # of a cell in which one of several changes is made alone
# The weights of states: half for a part of an edit. Consistent replacements are the most
# informative: on owners left out, three times the weight finds 0.904 of the cells at a precision of
# 0.94, instead of 0.889.
WEIGHTS = {"rename": 3.0, "edit": 1.0, "single": 1.0, "partial": 0.5}


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class State:
    """A request, and the texts of cells after the commit, None if unknown; the others stayed."""

    kind: str
    owner: str
    request: SuggestRequest
    after: Mapping[int, str | None]


@dataclass(frozen=True, slots=True)
class Rows:
    """Features of candidates, the right answers (1, 0), weights, and owners."""

    values: NDArray[np.float32]
    right: NDArray[np.int8]
    weights: NDArray[np.float32]
    owners: tuple[str, ...]


def states_of(commit: Commit) -> Iterator[State]:
    """The states of one commit."""
    cells = sorted(commit.changed)
    if commit.kind == "single":
        yield _state("single", commit, cells[:1])
        return
    partial = _partial(commit, cells[:3])
    if partial is not None:
        yield partial
    spread = commit.spread
    if len(spread) >= 2:
        for count in range(1, min(len(spread), MAX_STEPS) + 1):
            yield _state("rename", commit, spread[:count])
    if len(cells) >= 2 and commit.kind != "rename":
        if sum(map(len, commit.before)) > MAX_CHARACTERS:
            return
        for count in sorted({1, len(cells) // 2}):
            yield _state("edit", commit, cells[:count])


def _state(kind: str, commit: Commit, done: Sequence[int]) -> State:
    now = list(commit.before)
    for cell in done:
        now[cell] = commit.changed[cell]
    events = [(cell, commit.before[cell], commit.changed[cell]) for cell in done]
    last = done[-1]
    if kind == "rename" and commit.rename is not None:
        new = commit.rename[1]
        caret = commit.changed[last].find(new) + len(new)
    else:
        caret = caret_after(commit.before[last], commit.changed[last])
    changed = {cell: text for cell, text in commit.changed.items() if cell not in done}
    left = {**commit.unpaired, **changed}
    return State(kind, commit.owner, request_after(now, events, caret), left)


def _partial(commit: Commit, cells: Sequence[int]) -> State | None:
    """A state in which only the first of several similar changes in a cell was made: the rest of
    the cell follows."""
    for cell in cells:
        before, after = commit.before[cell], commit.changed[cell]
        old, new = tokens(before), tokens(after)
        if len(old) > MAX_TOKENS or len(new) > MAX_TOKENS:
            continue
        hunks = [
            op[1:]
            for op in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
            if op[0] != "equal"
        ]
        swaps = [("".join(old[a:b]), "".join(new[c:d])) for a, b, c, d in hunks]
        for (a, b, _, _), (was, now) in zip(hunks, swaps, strict=True):
            if swaps.count((was, now)) > 1 and (was + now).strip():
                head = "".join(old[:a]) + now
                cells_now = list(commit.before)
                cells_now[cell] = head + "".join(old[b:])
                asked = request_after(cells_now, [(cell, before, cells_now[cell])], len(head))
                changed = {n: text for n, text in commit.changed.items() if n >= cell}
                left = {**commit.unpaired, **changed}
                return State("partial", commit.owner, asked, left)
    return None


def rows_of(states: Iterable[State]) -> Rows:
    """The judge's input in each state, as in the product, with the right answers."""
    symbols, patterns, judge = SymbolsLane(), PatternsLane(), JudgeLane()
    values: list[NDArray[np.float32]] = []
    right: list[int] = []
    weights: list[float] = []
    owners: list[str] = []
    for state in states:
        request = state.request
        proved: Sequence[Suggestion] | Silence
        ruled: Sequence[Suggestion] | Silence
        try:
            proved = symbols.suggest(request)
            ruled = patterns.suggest(request, _never)
        except Exception:  # as in the product, a failing lane offers nothing
            proved = ruled = Silence("no_change")
        found = judge.consider(request, proved, ruled)
        labels = [_label(state, c.cell, c.start, c.end, c.text) for c in found.candidates]
        kept = [n for n, label in enumerate(labels) if label is not None and n not in found.decided]
        if not kept:
            continue
        values.append(found.rows[kept])
        right += [int(bool(labels[n])) for n in kept]
        # A state with many places counts more than one with few, but not proportionally.
        weights += [WEIGHTS[state.kind] / len(kept) ** 0.35] * len(kept)
        owners += [state.owner] * len(kept)
    return Rows(
        np.concatenate([np.zeros((0, len(NAMES)), np.float32), *values]),
        np.array(right, np.int8),
        np.array(weights, np.float32),
        tuple(owners),
    )


def _label(state: State, cell: int, start: int, end: int, text: str) -> bool | None:
    if cell not in state.after:
        return False
    after = state.after[cell]
    if after is None:
        return None
    return was_made(state.request.notebook.cells[cell].source, after, start, end, text)


def was_made(before: str, after: str, start: int, end: int, text: str) -> bool | None:
    """Whether `before[start:end]` became `text`; None if it became something else."""
    blocks = _aligned(before, after)
    starts = _mapped(blocks, start)
    ends = _mapped(blocks, end)
    if any(s <= e and after[s:e] == text for s in starts for e in ends):
        return True
    stayed = before[start:end]
    if any(s <= e and after[s:e] == stayed for s in starts for e in ends):
        return False
    return None


def _aligned(before: str, after: str) -> list[tuple[int, int, int]]:
    """Unchanged ranges (start, end, start after), and corresponding borders."""
    old, new = tokens(before), tokens(after)
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    at = [0, *accumulate(map(len, old))]
    to = [0, *accumulate(map(len, new))]
    blocks = [(0, at[head], 0)]
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        i, j = head + i1, head + j1
        if tag == "equal":
            blocks.append((at[i], at[head + i2], to[j]))
        elif tag == "replace" and i2 - i1 == j2 - j1:
            blocks += [(at[i + n], at[i + n], to[j + n]) for n in range(i2 - i1)]
    blocks.append((at[len(old) - tail], len(before), to[len(new) - tail]))
    return sorted(blocks)


def _mapped(blocks: Sequence[tuple[int, int, int]], offset: int) -> list[int]:
    last = bisect_right(blocks, (offset, len(blocks) + offset + 1, 0))
    near = blocks[: last + 1]
    return [to + offset - start for start, end, to in near if start <= offset <= end]
