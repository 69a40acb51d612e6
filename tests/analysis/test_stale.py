"""Cells whose results no longer stand, in the order to run them."""

from __future__ import annotations

from nextedit_jupyter.analysis.stale import stale_cells
from nextedit_jupyter.core import Cell, CellRun, KernelFacts, Notebook


def stale(*sources: str, changed: str, runs: str = "", ran: str = "") -> str:
    cells = tuple(
        Cell(f"c{i}", "code", source, 1 if f"c{i}" in ran else None)
        for i, source in enumerate(sources)
    )
    facts = KernelFacts(tuple(CellRun(cell, "") for cell in runs.split()))
    return " ".join(stale_cells(Notebook("python", cells), facts, changed.split()))


def test_what_depends_on_a_changed_cell_is_stale_and_what_does_not_is_fresh() -> None:
    sources = ("x = 1", "y = 2", "z = x + 1", "print(y)", "print(z)")
    assert stale(*sources, changed="c0", runs="c0 c1 c2 c3 c4") == "c0 c2 c4"


def test_a_fresh_definition_stops_it() -> None:
    assert stale("x = 1", "x = 2", "print(x)", changed="c0", runs="c0 c1 c2") == "c0"


def test_cells_stand_in_the_order_of_their_runs() -> None:
    assert stale("print(x)", "x = 1", changed="c1", runs="c1 c0") == "c1 c0"


def test_a_cell_that_binds_stands_before_one_that_reads() -> None:
    assert stale("print(x)", "x = 1", changed="c0 c1") == "c1 c0"


def test_cells_that_never_ran_hold_no_results() -> None:
    assert stale("x = 1", "print(x)", "print(x)", changed="c0", ran="c0 c2") == "c0 c2"


def test_a_function_s_callers_depend_on_what_it_reads() -> None:
    sources = ("k = 1", "def f(): return k", "f()", "print(2)")
    assert stale(*sources, changed="c0", runs="c0 c1 c2 c3") == "c0 c1 c2"
