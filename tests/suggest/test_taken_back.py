"""What was accepted and taken back is not offered again; what is new, or made again, is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from edited_page import EditedPage

from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellEdit,
    EditEvent,
    EditHistory,
    Notebook,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.core.history import Origin
from nextedit_jupyter.suggest import Suggester, gates
from nextedit_jupyter.suggest.model_lane import ModelAnswer

KINDS = {
    "a renamed variable": ("val = 1", "amount = 1", "print(val)", "total = val + 2"),
    "a renamed keyword": (
        "plt.plot(x, lw=2)",
        "plt.plot(x, linewidth=2)",
        "plt.plot(y, lw=2)",
        "plt.plot(z, lw=2)",
    ),
    "a column": (
        "df['price'].sum()",
        "df['cost'].sum()",
        "df['price'].mean()",
        "df['price'].max()",
    ),
    "a function": (
        "def scale(x):\n    return x",
        "def grow(x):\n    return x",
        "scale(1)",
        "y = scale(2)",
    ),
}


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def begun(request: pytest.FixtureRequest) -> EditedPage:
    """A page on which an offer was accepted: in one cell, or in two."""
    was, becomes, one, other = request.param
    page = EditedPage(a=was, b=one, c=other, d="note = 1")
    assert page.edit("a", becomes)
    return page


@pytest.mark.parametrize("origin", ["undone", "typed"])
@pytest.mark.parametrize("offer", [0, -1])
def test_what_was_accepted_and_taken_back_is_not_offered_again(
    begun: EditedPage, offer: int, origin: Origin
) -> None:
    was = begun.accept(offer)
    assert not begun.take_back(was, origin)
    for text in ("note = 12", "note = 123", "note = 1234"):
        assert not begun.edit("d", text)


def test_what_was_undone_in_one_cell_of_two_is_not_offered_again(begun: EditedPage) -> None:
    was = begun.accept(-1)
    id, text = was.popitem()
    assert not begun.take_back({id: text})
    assert not begun.edit("d", "note = 12")


def test_what_was_undone_and_redone_and_undone_is_not_offered_again(begun: EditedPage) -> None:
    was = begun.accept(-1)
    becomes = {id: begun.cells[id] for id in was}
    begun.take_back(was)
    begun.take_back(becomes)
    assert not begun.take_back(was)
    assert not begun.edit("d", "note = 12")


def test_an_edit_made_again_by_hand_has_its_offer_again(begun: EditedPage) -> None:
    reason = begun.history.events[0]
    was = begun.accept(-1)
    begun.take_back(was)
    assert not begun.take_back({"a": reason.before})
    assert begun.edit("a", reason.after)


def test_what_was_accepted_is_offered_back_once_its_reason_is_changed_back(
    begun: EditedPage,
) -> None:
    reason = begun.history.events[0]
    was = begun.accept(-1)
    begun.edit("d", "note = 12")
    begun.edit("a", reason.before)
    assert {cell for cell, _ in begun.offered()} == set(was)
    begun.accept(-1)
    assert {id: begun.cells[id] for id in was} == was


def test_a_name_changed_twice_and_then_back_to_the_first_has_its_uses_offered() -> None:
    page = EditedPage(a="sums = 1\nprint(sums)", b="sums + 1")
    for before, after in (("sums", "totals"), ("totals", "means"), ("means", "sums")):
        page.edit("a", page.cells["a"].replace(before, after, 1))
        page.accept(-1)
    assert page.cells == {"a": "sums = 1\nprint(sums)", "b": "sums + 1"}


def test_two_names_exchanged_by_hand_are_not_changed_back() -> None:
    page = EditedPage(a="print(x)", b="print(y)", c="x = 1\ny = 2")
    page.edit("a", "print(y)")
    page.edit("b", "print(x)")
    assert "a" not in {cell for cell, _ in page.offered()}


VARIABLE = ("val = 1", "amount = 1", "print(val)", "total = val + 2")
FUNCTION = ("def load(x):\n    return x", "def read(x):\n    return x", "load(1)", "y = load(2)")
MADE = ("df['total'] = 1", "df['amount'] = 1", "df['total'].mean()", "df['total'].max()")


@pytest.mark.parametrize(("was", "becomes", "one", "other"), [VARIABLE, FUNCTION, MADE])
def test_a_rename_back_by_hand_takes_the_accepted_uses_along(
    was: str, becomes: str, one: str, other: str
) -> None:
    page = EditedPage(z="import pandas as pd\ndf = pd.read_csv('a.csv')", a=was, b=one, c=other)
    page.edit("a", becomes)
    page.accept()
    assert page.edit("a", was)
    page.accept()
    assert (page.cells["a"], page.cells["b"], page.cells["c"]) == (was, one, other)


@pytest.mark.parametrize(("was", "becomes", "one", "other"), [VARIABLE, FUNCTION, MADE])
def test_an_undone_definition_does_not_take_the_accepted_uses_along(
    was: str, becomes: str, one: str, other: str
) -> None:
    page = EditedPage(a=was, b=one, c=other, d="note = 1")
    page.edit("a", becomes)
    page.accept()
    assert not page.take_back({"a": was})
    assert not page.edit("d", "note = 12")


def test_another_edit_after_a_refused_one_is_offered_without_the_refused_one() -> None:
    plot = "plt.plot({}, lw=2, ls='-')".format
    page = EditedPage(a=plot("x"), b=plot("y"), c=plot("z"))
    page.edit("a", "plt.plot(x, linewidth=2, ls='-')")
    page.take_back(page.accept())
    page.edit("a", "plt.plot(x, linewidth=2, linestyle='-')")
    assert {text for _, text in page.offered()} == {"linestyle"}


def test_a_refused_change_that_is_made_elsewhere_is_offered_but_where_it_was_refused() -> None:
    plot = "plt.plot({}, lw=2)".format
    page = EditedPage(a=plot("x"), b=plot("y"), c=plot("z"), d=plot("w"))
    page.edit("a", "plt.plot(x, linewidth=2)")
    page.take_back(page.accept(0))  # in the first of three cells
    page.edit("d", "plt.plot(w, linewidth=2)")
    assert {cell for cell, _ in page.offered()} == {"c"}


def test_ghost_text_that_was_undone_may_come_again_once_its_beginning_is_typed() -> None:
    was, whole = "x = np.", "x = np.linspace(0, 1)"
    events = (
        EditEvent("c", was, whole, "accepted", 1.0),
        EditEvent("c", whole, was, "undone", 2.0),
        EditEvent("c", was, "x = np.linspace", "typed", 9.0),
    )
    source = events[-1].after
    notebook = Notebook("python", (Cell("c", "code", source),))
    request = SuggestRequest(notebook, Caret("c", len(source)), events)
    change = CellEdit.of("c", source, TextEdit.insert(len(source), "(0, 1)"))
    ghost = Suggestion("s", "inline", "model", "", 0.9, (change,))
    assert gates.reverts_user(request, ghost) is None
    refused = gates.reverts_user(request, replace(ghost, kind="next_edit"))
    assert refused is not None
    assert refused.reason == "reverts_user"


def test_a_model_sees_no_edit_that_was_taken_back() -> None:
    seen: list[tuple[EditEvent, ...]] = []

    class Sees:
        def inline(self, request: SuggestRequest, deadline: float, cancelled: Any) -> ModelAnswer:
            seen.append(request.history)
            return ModelAnswer()

        def prefill(self, request: SuggestRequest, cancelled: Any) -> None:
            seen.append(request.history)

    history = EditHistory()
    first = EditEvent("d", "", "y = 1", "typed", 0.0)
    for event in (
        first,
        EditEvent("c", "lw", "linewidth", "accepted", 1.0),
        EditEvent("c", "linewidth", "lw", "undone", 2.0),
    ):
        history.append(event)
    cells = (Cell("c", "code", "lw"), Cell("d", "code", "y = 1"))
    request = SuggestRequest(
        Notebook("python", cells), Caret("d", 5), history.events, want=("inline",)
    )
    suggester = Suggester(Sees(), "b")  # type: ignore[arg-type]
    suggester.answer(request)
    suggester.prefill(request)
    assert seen == [(first,), (first,)]
