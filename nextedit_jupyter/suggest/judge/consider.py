"""From the last edits and the cells to candidates with their features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.suggest.judge.candidates import (
    MAX_CANDIDATES,
    Candidate,
    find_candidates,
    needle,
    note_left_alone,
    ruled_candidates,
)
from nextedit_jupyter.suggest.judge.features import NAMES, feature_rows
from nextedit_jupyter.suggest.judge.forest import Forest
from nextedit_jupyter.suggest.judge.last_edits import read_changes
from nextedit_jupyter.suggest.judge.lexed import LexedCell, LexedCells
from nextedit_jupyter.suggest.judge.view import Evidence, View


@dataclass(frozen=True, slots=True)
class CellPast:
    """A cell that the user edited: its number, and its text before these edits and now."""

    number: int
    before: str
    after: str
    recent: bool = True


@dataclass(frozen=True, slots=True)
class Considered:
    """Candidates and, for each, a row of features.

    `decided` are the indices of those whose definition was renamed and that bindings prove to
    follow: there is nothing to weigh, and their rows are empty. `edits` are the changes that the
    candidates repeat.
    """

    candidates: tuple[Candidate, ...]
    rows: NDArray[np.float32]
    cells: Mapping[int, LexedCell] = field(default_factory=dict)
    decided: frozenset[int] = frozenset()
    edits: Sequence[CellPast] = ()

    def sure(self, forest: Forest) -> NDArray[np.float32]:
        """How likely each candidate follows, float32.

        What reads one thing in one cell is changed there together or not at all, so a place is no
        less likely than those of its kind are on average. Of owners left out that finds 4 more of
        2,003 cells, and one wrong one less.
        """
        found = np.ones(len(self.candidates), np.float32)
        open_ = [n for n in range(len(self.candidates)) if n not in self.decided]
        found[open_] = forest.values(self.rows[open_])
        together: dict[tuple[object, ...], list[int]] = {}
        for n in open_:
            if (what := self._read_by(self.candidates[n])) is not None:
                together.setdefault(what, []).append(n)
        for places in together.values():
            found[places] = np.maximum(found[places], found[places].mean())
        return found

    def _read_by(self, place: Candidate) -> tuple[object, ...] | None:
        """What a name, an attribute or an import reads, as a key of its cell and its change."""
        if place.change.shape != "word":
            return None
        cell, i = self.cells[place.cell], place.first
        kind, read = cell.kinds[i], ""
        if kind == "attribute":
            read = cell.object(i)
        elif kind == "import":
            read = cell.lines[cell.line_of(place.start)].partition(" import ")[0]
        elif kind == "call":
            kind = "name"
        elif kind != "name":
            return None
        return id(place.change), place.cell, kind, read


NOTHING = Considered((), np.zeros((0, len(NAMES)), np.float32))


def consider(
    edits: Sequence[CellPast],
    sources: Mapping[int, str],
    evidence: Evidence,
    lexed: LexedCells,
) -> Considered:
    """Every place that may follow `edits` (newest first) in the code cells `sources`."""
    changes, edited = read_changes(
        [(str(e.number), e.before, e.after, e.recent) for e in edits], lexed
    )
    done = {e.number for e in edits}
    open_cells = [(n, source) for n, source in sources.items() if n not in done]
    words = {needle(c) for c in changes} | {c.new for c in changes if c.shape == "word"}
    ruled = {place[0] for rule in evidence.rules for place in rule.places}
    cells: dict[int, LexedCell] = {
        n: lexed.of(source)
        for n, source in open_cells
        if n in ruled or any(word in source for word in words)
    }
    for edit in edits:
        cells[edit.number] = lexed.of(edit.after)
    candidates = find_candidates(changes, open_cells, cells)
    for number, place in note_left_alone(changes, edited):
        candidates.append(replace(place, cell=edits[number].number))
    candidates += ruled_candidates(evidence.rules, changes, cells, candidates)
    view = View(cells, sources, edited, [e.number for e in edits], evidence, evidence.ruled())
    del candidates[MAX_CANDIDATES:]
    spend(2 * len(candidates))
    decided = frozenset(
        n for n, c in enumerate(candidates) if (c.cell, c.start) in evidence.decided
    )
    rows = feature_rows(candidates, view, decided)
    return Considered(tuple(candidates), rows, cells, decided, tuple(edits))
