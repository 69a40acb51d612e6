"""What the record of edits did to each cell, which is what other cells are measured against."""

from __future__ import annotations

from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, SuggestRequest
from nextedit_jupyter.suggest.patterns import net_edits
from nextedit_jupyter.suggest.suggester import Suggester

PLOTS = tuple(f"{name} = readings\nplt.plot({name}, lw=1)" for name in ("one", "two", "three"))


def request() -> SuggestRequest:
    """A rename was accepted in three cells and undone; then a keyword was spelt out in one."""
    spelt = PLOTS[0].replace("lw", "linewidth")
    cells = [Cell(f"c{i}", "code", source) for i, source in enumerate((spelt, *PLOTS[1:]))]
    undone = [
        EditEvent(f"c{i}", source.replace("readings", "weather"), source, "undone", float(i))
        for i, source in enumerate(PLOTS)
    ]
    typed = EditEvent("c0", PLOTS[0], spelt, "typed", 9.0)
    caret = Caret("c0", spelt.index("linewidth") + len("linewidth"))
    return SuggestRequest(Notebook("python", tuple(cells)), caret, (*undone, typed))


def test_what_was_undone_is_no_edit_of_its_cell() -> None:
    assert [(net.cell, net.before) for net in net_edits(request())] == [("c0", PLOTS[0])]


def test_cells_in_which_something_was_undone_are_offered_what_comes_after() -> None:
    found = Suggester().answer(request()).suggestions
    assert {change.cell for s in found for change in s.edits} == {"c1", "c2"}
