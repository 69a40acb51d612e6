"""Notebooks of thousands of cells: what one request cannot read, the next ones do."""

from __future__ import annotations

from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, SuggestRequest
from nextedit_jupyter.suggest import Suggester


def test_a_name_is_renamed_in_five_thousand_cells_after_a_few_requests() -> None:
    """More cells than a cache held: each was forgotten before the next request came to it."""
    cells = [f'price_{i} = total * {i}\ndf["c{i}"] = price_{i}' for i in range(5_000)]
    cells[0] = "amount = 3\nprint(amount)"
    notebook = Notebook("python", tuple(Cell(f"c{i}", "code", s) for i, s in enumerate(cells)))
    typed = EditEvent("c0", "total = 3\nprint(amount)", cells[0], "typed")
    request = SuggestRequest(
        notebook, Caret("c0", 6), (typed,), want=("rename",), deadline_ms=600_000.0
    )
    suggester, asked = Suggester(None, None), 1
    while not (found := suggester.answer(request).suggestions):
        asked += 1
        assert asked < 8, suggester.answer(request).silence
    assert len(found[0].edits) == 4_999
