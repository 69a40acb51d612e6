"""Cells whose results no longer stand, in the order to run them."""

from __future__ import annotations

from nextedit_jupyter.analysis.stale import stale_cells
from nextedit_jupyter.core import Cell, CellRun, KernelFacts, NamedObject, Notebook


def stale(
    *sources: str,
    changed: str,
    runs: str = "",
    ran: str = "",
    names: str = "",
    before: str | None = None,
) -> str:
    cells = tuple(
        Cell(f"c{i}", "code", source, 1 if f"c{i}" in ran else None)
        for i, source in enumerate(sources)
    )
    facts = KernelFacts(
        tuple(CellRun(cell, "") for cell in runs.split()),
        tuple(NamedObject(name, "int") for name in names.split()),
    )
    ran_before = None if before is None else before.split()
    found = stale_cells(Notebook("python", cells), facts, changed.split(), ran_before)
    return " ".join(found)


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


def test_after_a_restart_the_cells_that_define_what_is_needed_are_run_as_well() -> None:
    sources = ("import math", "x = 1", "unused = 2", "y = math.sqrt(x)", "print(y)")
    assert stale(*sources, changed="c3") == "c0 c1 c3 c4"
    assert stale(*sources, changed="c4") == "c0 c1 c3 c4"


def test_after_a_restart_the_kernel_s_facts_count_for_more_than_the_document_s_numbers() -> None:
    sources = ("import math", "x = 1", "y = math.sqrt(x)", "print(y)")
    everything = "c0 c1 c2 c3"
    assert stale(*sources, changed="c2", ran=everything, runs="c0") == "c1 c2 c3"
    assert stale(*sources, changed="c2", ran=everything, names="math x y") == "c2 c3"
    assert stale(*sources, changed="c2", ran=everything) == "c2 c3"  # nothing else is known


def test_after_a_restart_a_cell_that_never_ran_is_run_only_if_it_is_needed() -> None:
    sources = ("x = 1", "print(x)", "delete_all(x)", "def f(): return x", "f()")
    assert stale(*sources, changed="c0", before="c0 c1") == "c0 c1"
    assert stale(*sources, changed="c4", before="c0 c4") == "c0 c3 c4"
    assert stale(*sources, changed="c0", before="") == "c0"  # their results were cleared


def test_what_the_kernel_still_has_is_not_run_again() -> None:
    sources = ("x = slow()", "y = x + 1", "print(y)")
    assert stale(*sources, changed="c1", runs="c0 c1 c2") == "c1 c2"


def test_a_value_that_is_built_up_is_built_from_its_start() -> None:
    sources = ("total = 0", "total += 1", "other = 3", "print(total)")
    assert stale(*sources, changed="c3") == "c0 c1 c3"
    assert stale("total = 9", *sources, changed="c4") == "c1 c2 c4"


def test_a_function_s_needs_count_where_it_is_needed() -> None:
    sources = ("k = 1", "def f(): return k", "f()")
    assert stale(*sources, changed="c2") == "c0 c1 c2"


def test_names_that_an_extension_hides_or_cuts_are_taken_as_present_if_their_cell_ran() -> None:
    many = " ".join(f"n{i}" for i in range(150))
    assert stale("x = 1", "print(x)", changed="c1", ran="c0 c1", names=many) == "c1"
    assert stale("_x = 1", "print(_x)", changed="c1", ran="c0 c1", names="a") == "c1"


def test_a_ring_of_needs_ends() -> None:
    assert stale("a = b", "b = a", changed="c0") in ("c0 c1", "c1 c0")
