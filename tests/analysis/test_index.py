"""Cells in the order they ran, and which definition a use can see."""

from __future__ import annotations

import pytest

from nextedit_jupyter.analysis.index import NotebookIndex, index_notebook, run_sequence
from nextedit_jupyter.core import Cell, CellRun, KernelFacts, Notebook


def notebook(*sources: str, counts: tuple[int | None, ...] = ()) -> Notebook:
    return Notebook(
        "python",
        tuple(
            Cell(f"c{i}", "code", source, counts[i] if counts else None)
            for i, source in enumerate(sources)
        ),
    )


def runs(*cells: str) -> KernelFacts:
    return KernelFacts(tuple(CellRun(cell, "") for cell in cells))


def web(index: NotebookIndex, cell: str, name: str, nth: int = 0) -> set[tuple[str, int]]:
    """Cells and lines of the variable that the nth `name` of a cell is."""
    names = index.cells[cell].names
    place = [i for i, found in enumerate(names) if found.name == name][nth]
    return {
        (id, index.cell(id).source.count("\n", 0, index.cells[id].names[i].start) + 1)
        for id, i in index.references([(cell, place)])
    }


@pytest.mark.parametrize(
    ("counts", "facts", "sequence"),
    [
        ((None, None, None), (), "c0 c1 c2"),
        ((3, 1, 2), (), "c1 c2 c0"),
        ((1, None, 2), (), "c0 c1 c2"),
        ((None, 2, 1), (), "c0 c2 c1"),
        ((3, 1, 2), ("c0", "c1", "c0"), "c0 c1 c2 c0"),
        ((None, None, None), ("c2", "c0"), "c2 c0 c1"),
        ((None, None, None), ("gone", "c1"), "c0 c1 c2"),
        ((None, None, None), ("c0",) * 9, "c0 c0 c0 c1 c2"),
    ],
)
def test_cells_stand_in_the_order_of_their_runs_and_the_others_after_the_cell_above(
    counts: tuple[int | None, ...], facts: tuple[str, ...], sequence: str
) -> None:
    cells = notebook("a", "b", "c", counts=counts)
    assert " ".join(run_sequence(cells, runs(*facts))) == sequence


def test_a_fresh_definition_begins_another_variable() -> None:
    index = index_notebook(notebook("x = 1", "print(x)", "x = 2", "print(x)"))
    assert web(index, "c0", "x") == {("c0", 1), ("c1", 1)}
    assert web(index, "c3", "x") == {("c2", 1), ("c3", 1)}


def test_a_definition_in_a_branch_joins_what_it_may_leave_standing() -> None:
    index = index_notebook(notebook("x = 1", "if flag:\n    x = 2", "print(x)"))
    assert web(index, "c0", "x") == {("c0", 1), ("c1", 2), ("c2", 1)}


def test_branches_that_all_define_hide_what_stood_before() -> None:
    source = "if a:\n    x = 2\nelif b:\n    x = 3\nelse:\n    x = 4"
    index = index_notebook(notebook("x = 1", source, "print(x)"))
    assert web(index, "c0", "x") == {("c0", 1)}
    assert web(index, "c2", "x") == {("c1", 2), ("c1", 4), ("c1", 6), ("c2", 1)}


def test_a_loop_sees_its_own_last_round() -> None:
    source = "for i in y:\n    print(x)\n    x = i"
    index = index_notebook(notebook("x = 1", source))
    assert web(index, "c0", "x") == {("c0", 1), ("c1", 2), ("c1", 3)}


def test_any_statement_of_a_try_may_be_the_last_that_ran() -> None:
    source = "try:\n    x = 1\n    x = 2\nexcept E:\n    print(x)"
    index = index_notebook(notebook(source))
    assert web(index, "c0", "x") == {("c0", 2), ("c0", 3), ("c0", 5)}


def test_a_function_sees_every_later_definition() -> None:
    index = index_notebook(notebook("x = 1", "def f(): return x", "x = 2", "x = 3\nf()"))
    assert web(index, "c0", "x") == {("c0", 1), ("c1", 1), ("c2", 1), ("c3", 1)}


def test_a_definition_before_a_function_that_never_saw_it_is_apart() -> None:
    index = index_notebook(notebook("x = 0\nprint(x)", "x = 1", "def f(): return x"))
    assert web(index, "c0", "x") == {("c0", 1), ("c0", 2)}


def test_deleting_ends_a_variable() -> None:
    index = index_notebook(notebook("x = 1\ndel x", "if a:\n    x = 2\nprint(x)"))
    assert web(index, "c0", "x") == {("c0", 1), ("c0", 2)}


def test_comprehensions_and_class_bodies_run_where_they_stand() -> None:
    index = index_notebook(
        notebook("x = 1\ny = [x for _ in z]\nclass A:\n    a = x", "x = 2\nprint(x)")
    )
    assert web(index, "c0", "x") == {("c0", 1), ("c0", 2), ("c0", 4)}


def test_a_use_above_the_only_definition_belongs_to_it_unless_it_is_a_builtin() -> None:
    index = index_notebook(notebook("print(x, list)", "x = 1\nlist = 2"))
    assert web(index, "c0", "x") == {("c0", 1), ("c1", 1)}
    assert web(index, "c0", "list") == {("c0", 1)}


def test_a_cell_that_ran_again_links_to_what_it_saw_then() -> None:
    cells = notebook("x = 1", "print(x)", "x = 2")
    assert web(index_notebook(cells, runs("c0", "c1", "c2")), "c1", "x") == {("c0", 1), ("c1", 1)}
    again = index_notebook(cells, runs("c0", "c1", "c2", "c1"))
    assert web(again, "c1", "x") == {("c0", 1), ("c1", 1), ("c2", 1)}


def test_broken_cells_bind_names_but_hold_no_places() -> None:
    index = index_notebook(notebook("x = 1\ny = (", "print(x)"))
    assert "x" in index.bound_names()
    assert index.definitions("x") == []
    assert [id for id, _ in index.broken()] == ["c0"]


@pytest.mark.parametrize(
    ("source", "bound"),
    [
        ("total = sum(xs\nprint(total)", {"total"}),
        ("def f(x:\n    y = 1\nz = 2", {"f", "z"}),
        ("class C(:\n    a = 1\n\n    def g(self): pass\nb = 1", {"C", "b"}),
        ("from m import (a, b as c\nx: int = f(", {"a", "c", "x"}),
        ("a, (b, *c) = 1, 2\nif a:\n    d = 1\nelse\n    e = 2", {"a", "b", "c", "d", "e"}),
        ("x == 1\nf(a=3)\nd['k'] = 1\no.p = 2\ng(\n    b=1,\n    c=2,\n", set()),
    ],
)
def test_a_cell_that_does_not_parse_binds_what_its_lines_visibly_bind(
    source: str, bound: set[str]
) -> None:
    index = index_notebook(notebook(source, "print(1)"))
    assert [id for id, _ in index.broken()] == ["c0"]
    assert index.bound_names() == bound


def test_cells_of_other_languages_and_notebooks_of_other_languages_hold_no_names() -> None:
    assert index_notebook(notebook("%%bash\nx=1")).bound_names() == set()
    julia = Notebook("julia", (Cell("a", "code", "x = 1"),))
    assert index_notebook(julia).cells == {}
