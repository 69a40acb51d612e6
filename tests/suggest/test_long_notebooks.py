"""Notebooks of thousands of cells: what one request cannot read, the next ones do."""

from __future__ import annotations

import pytest
from offering import offers, request

from nextedit_jupyter.analysis.index import cell_index
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


def test_a_function_that_thousands_of_keywords_reach_is_looked_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once for each call, a notebook of 1,500 cells took ten seconds."""
    read: list[str] = []

    def counted(source: str) -> object:
        read.append(source)
        return cell_index(source)

    monkeypatch.setattr("nextedit_jupyter.suggest.judge.homes.cell_index", counted)
    was = "def f(*args, **options):\n    return args, options"
    now = was.replace("args", "items")
    asked = request([now, *("f(args=1); f(args=2)" for _ in range(200))], (0, was, now))
    assert offers(asked) == []
    assert len(read) <= 2 * 400 + 10


@pytest.mark.parametrize(("count", "is_offered"), [(200, True), (2_000, False)])
def test_a_fixture_is_followed_into_as_many_functions_as_one_request_may_look_at(
    count: int, is_offered: bool
) -> None:
    was = "@fix\ndef data():\n    return 1"
    now = was.replace("data", "rows")
    users = (f"def test_{i}(data):\n    return data" for i in range(count))
    assert bool(offers(request([now, *users], (0, was, now)))) == is_offered
