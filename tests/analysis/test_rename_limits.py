"""Cells that a rename may not touch, or never saw: they stay as they are, and are named."""

from __future__ import annotations

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    LeftOut,
    Notebook,
    Silence,
    Suggestion,
    SuggestRequest,
)
from nextedit_jupyter.core.wire import decode_request, encode_request
from nextedit_jupyter.suggest.symbols import SymbolsLane

FIRST = Cell("a", "code", "rate = 1")
USE = Cell("b", "code", "print(rate)")


def renamed(*cells: Cell, left_out: tuple[LeftOut, ...] = ()) -> Suggestion | Silence:
    notebook = Notebook("python", cells, left_out)
    answer = SymbolsLane().suggest(SuggestRequest(notebook, Caret("a", 0), rename_to="share"))
    return answer if isinstance(answer, Silence) else answer[0]


def test_a_locked_cell_keeps_its_text_and_is_named() -> None:
    locked = Cell("c", "code", "rate + 1", editable=False)
    offered = renamed(FIRST, USE, locked)
    assert isinstance(offered, Suggestion)
    assert [change.cell for change in offered.edits] == ["a", "b"]
    assert offered.notes == ("cell 3 is locked: not changed",)


def test_a_locked_cell_is_no_optional_place_either() -> None:
    offered = renamed(FIRST, USE, Cell("m", "markdown", "the `rate`", editable=False))
    assert isinstance(offered, Suggestion)
    assert not offered.optional


def test_cells_that_are_switched_off_are_named_together() -> None:
    off = [Cell(id, "code", "rate", tags=("nextedit-off",)) for id in ("c", "d")]
    offered = renamed(FIRST, *off)
    assert isinstance(offered, Suggestion)
    assert [change.cell for change in offered.edits] == ["a"]
    assert offered.notes == ("cells 2, 3 are switched off by the tag nextedit-off: not changed",)


def test_nothing_is_offered_where_every_place_is_locked() -> None:
    answer = renamed(Cell("a", "code", "rate = 1", editable=False))
    assert isinstance(answer, Silence)
    assert answer.detail == "cell 1 is locked: not changed"


def test_cells_that_were_not_read_are_named_and_counted() -> None:
    left_out = (LeftOut(1, "switched_off"), LeftOut(3, "too_large"))
    offered = renamed(FIRST, Cell("b", "code", "rate", editable=False), left_out=left_out)
    assert isinstance(offered, Suggestion)
    assert offered.notes == (
        "cell 4 is locked: not changed",
        "cell 3 is too large to read: not read",
        "cell 1 is switched off by the tag nextedit-off: not read",
    )


def test_a_change_of_signature_leaves_locked_callers() -> None:
    before, after = "def f(a):\n    return a", "def f(a, b):\n    return a"
    notebook = Notebook(
        "python",
        (
            Cell("a", "code", after),
            Cell("b", "code", "f(1)"),
            Cell("c", "code", "f(2)", editable=False),
        ),
    )
    answer = SymbolsLane().suggest(
        SuggestRequest(notebook, Caret("a", 0), (EditEvent("a", before, after),))
    )
    assert not isinstance(answer, Silence)
    assert [change.cell for change in answer[0].edits] == ["b"]
    assert "cell 3 is locked: not changed" in answer[0].notes


def test_a_cell_too_large_for_the_request_is_named_by_the_offer() -> None:
    large = Cell("c", "code", "rate = 0  #" + "x" * 70_000)
    request = SuggestRequest(Notebook("python", (FIRST, large, USE)), Caret("a", 0))
    read = decode_request(encode_request(request))
    assert read.notebook.left_out == (LeftOut(2, "too_large"),)
    assert read.notebook.number("b") == 3
    assert decode_request(encode_request(read)) == read
