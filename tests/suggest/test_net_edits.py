"""What the record of edits did to each cell, which is what other cells are measured against."""

from __future__ import annotations

from dataclasses import replace

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


def after_accepting() -> SuggestRequest:
    """A rename was accepted in three cells; then a keyword was spelt out in one."""
    renamed = [source.replace("readings", "weather") for source in PLOTS]
    spelt = renamed[0].replace("lw", "linewidth")
    cells = [Cell(f"c{i}", "code", source) for i, source in enumerate((spelt, *renamed[1:]))]
    cells.append(Cell("c3", "code", "weather = 1"))
    byhand = EditEvent("c3", "readings = 1", "weather = 1", "typed", 0.0)
    accepted = [
        EditEvent(f"c{i}", old, new, "accepted", 1.0 + i)
        for i, (old, new) in enumerate(zip(PLOTS, renamed, strict=True))
    ]
    typed = EditEvent("c0", renamed[0], spelt, "typed", 9.0)
    caret = Caret("c0", spelt.index("linewidth") + len("linewidth"))
    return SuggestRequest(Notebook("python", tuple(cells)), caret, (byhand, *accepted, typed))


def test_what_was_accepted_elsewhere_before_the_last_typing_is_settled() -> None:
    assert [net.cell for net in net_edits(after_accepting())] == ["c0", "c3"]
    known = after_accepting()
    first, *rest = known.notebook.cells
    first = replace(first, source=known.history[-1].before)
    just_accepted = replace(
        known,
        notebook=Notebook("python", (first, *rest)),
        caret=Caret("c0", 0),
        history=known.history[:-1],
    )
    assert {net.cell for net in net_edits(just_accepted)} == {"c0", "c1", "c2", "c3"}


def test_cells_in_which_a_rename_was_accepted_are_offered_what_comes_after() -> None:
    found = Suggester().answer(after_accepting()).suggestions
    assert {change.cell for s in found for change in s.edits} == {"c1", "c2"}


def test_ghost_text_is_a_part_of_what_is_typed_around_it() -> None:
    texts = ("plt.plot(x, lw=1)", "plt.plot(x, lin=1)", "plt.plot(x, linewidth=1)")
    last = "plt.plot(x, linewidth=12)"
    origins = ("typed", "accepted", "typed")
    history = tuple(
        EditEvent("c0", old, new, origin, at)  # type: ignore[arg-type]
        for at, (old, new, origin) in enumerate(
            zip(texts, (*texts[1:], last), origins, strict=True)
        )
    )
    notebook = Notebook("python", (Cell("c0", "code", last),))
    (net,) = net_edits(SuggestRequest(notebook, Caret("c0", len(last)), history))
    assert net.before == texts[0]


def test_what_was_undone_is_no_edit_of_its_cell() -> None:
    assert [(net.cell, net.before) for net in net_edits(request())] == [("c0", PLOTS[0])]


def test_cells_in_which_something_was_undone_are_offered_what_comes_after() -> None:
    found = Suggester().answer(request()).suggestions
    assert {change.cell for s in found for change in s.edits} == {"c1", "c2"}
