"""What is offered after edits of a small notebook, through all lanes but the model's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, Suggestion, SuggestRequest
from nextedit_jupyter.suggest import Suggester
from nextedit_jupyter.suggest.judge.forest import Forest, Thresholds
from nextedit_jupyter.suggest.judge.judge_lane import JudgeLane

Others = list[str]


class Trees(Forest):
    """Trees that find every place equally likely."""

    def __init__(self, level: float) -> None:
        self.thresholds = Thresholds(0.5, 0.5, 0.3)
        self.level = level

    def values(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.full(len(rows), self.level, np.float32)


def request(cells: Others, *edits: tuple[int, str, str]) -> SuggestRequest:
    """After edits (cell, before, after), with the caret after the text written last."""
    events = tuple(EditEvent(f"c{c}", a, b, "typed", float(n)) for n, (c, a, b) in enumerate(edits))
    written = max((r.start + len(r.text) for r in events[-1].edit), default=0)
    written = min(written, len(events[-1].after))
    return SuggestRequest(
        Notebook("python", tuple(Cell(f"c{n}", "code", s, n + 1) for n, s in enumerate(cells))),
        Caret(events[-1].cell, written),
        events,
        want=("rename", "next_edit"),
        deadline_ms=10_000,
    )


def offers(asked: SuggestRequest, trees: Forest | None = None) -> list[Suggestion]:
    return list(Suggester(judge=JudgeLane(trees)).answer(asked).suggestions)


def after(asked: SuggestRequest, trees: Forest | None = None) -> list[str]:
    """The cells after the offers; for each cell the first offer that changes it."""
    found: dict[str, str] = {}
    for said in offers(asked, trees):
        for cell, text in (said.apply(asked.notebook) or {}).items():
            found.setdefault(cell, text)
    return [found.get(cell.id, cell.source) for cell in asked.notebook.cells]


def notes(asked: SuggestRequest) -> str:
    return "; ".join(note for said in offers(asked) for note in said.notes)


def optional(asked: SuggestRequest, trees: Forest | None = None) -> list[str]:
    """The cells with the optional edits of the first offer made alone."""
    (said, *_) = offers(asked, trees)
    found = {c.cell: c.edit for c in said.optional}
    return [
        found[c.id].apply(c.source) if c.id in found else c.source for c in asked.notebook.cells
    ]
