"""From the last edits and the cells to candidates with their features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextedit_jupyter.suggest.judge.candidates import (
    Candidate,
    find_candidates,
    needle,
    note_left_alone,
)
from nextedit_jupyter.suggest.judge.changes import read_changes
from nextedit_jupyter.suggest.judge.features import Evidence, View, feature_rows
from nextedit_jupyter.suggest.judge.lexed import LexedCell, LexedCells


@dataclass(frozen=True, slots=True)
class CellPast:
    """A cell that the person edited: its number, its text before all that and now."""

    number: int
    before: str
    after: str
    recent: bool = True


@dataclass(frozen=True, slots=True)
class Considered:
    """Candidates and, for each, a row of features."""

    candidates: tuple[Candidate, ...]
    rows: NDArray[np.float32]


def consider(
    edits: Sequence[CellPast],
    sources: Mapping[int, str],
    evidence: Evidence,
    lexed: LexedCells,
) -> Considered:
    """Every place that could follow `edits` (newest first) in the code cells `sources`."""
    changes, edited = read_changes(
        [(str(e.number), e.before, e.after, e.recent) for e in edits], lexed
    )
    done = {e.number for e in edits}
    open_cells = [(n, source) for n, source in sources.items() if n not in done]
    words = {needle(c) for c in changes} | {c.new for c in changes if c.shape == "word"}
    cells: dict[int, LexedCell] = {
        n: lexed.of(source)
        for n, source in open_cells
        if any(word in source for word in words)
    }
    candidates = find_candidates(changes, open_cells, cells)
    note_left_alone(changes, edited)
    view = View(cells, sources, edited, [e.number for e in edits], evidence)
    return Considered(tuple(candidates), feature_rows(candidates, view))
