"""A page that edits cells, accepts what one suggester offers, and undoes it."""

from __future__ import annotations

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    EditHistory,
    Notebook,
    Suggestion,
    SuggestRequest,
)
from nextedit_jupyter.core.history import Origin
from nextedit_jupyter.suggest import Suggester

Texts = dict[str, str]


class EditedPage:
    """Cells by id; each change is recorded and followed by a request, as the page does it."""

    def __init__(self, **cells: str) -> None:
        self.cells: Texts = dict(cells)
        self.history = EditHistory()
        self.offers: tuple[Suggestion, ...] = ()
        self._suggester = Suggester(problem="no model")
        self._now = 0.0

    @property
    def notebook(self) -> Notebook:
        return Notebook("python", tuple(Cell(id, "code", text) for id, text in self.cells.items()))

    def edit(self, cell: str, after: str, origin: Origin = "typed") -> tuple[Suggestion, ...]:
        """Change a cell, and ask behind the change."""
        self._now += 3.0
        event = EditEvent(cell, self.cells[cell], after, origin, self._now)
        self.history.append(event)
        self.cells[cell] = after
        last = event.edit.replacements[-1]
        shift = sum(r.growth for r in event.edit)
        history = self.history.events
        request = SuggestRequest(
            self.notebook,
            Caret(cell, last.end + shift),
            history,
            want=("next_edit", "rename"),
            deadline_ms=600_000.0,
        )
        self.offers = self._suggester.answer(request).suggestions
        return self.offers

    def accept(self, offer: int = -1) -> Texts:
        """Accept one of the offers; returns the texts before it."""
        texts = self.offers[offer].apply(self.notebook)
        assert texts is not None
        was = {id: self.cells[id] for id in texts}
        for id, text in texts.items():
            self.edit(id, text, "accepted")
        return was

    def take_back(self, was: Texts, origin: Origin = "undone") -> tuple[Suggestion, ...]:
        for id, text in was.items():
            self.edit(id, text, origin)
        return self.offers

    def offered(self) -> list[tuple[str, str]]:
        """The cells and new texts of all offered replacements."""
        return [(c.cell, r.text) for s in self.offers for c in s.edits for r in c.edit]
