"""Which names are known, and how well a cell parses."""

from __future__ import annotations

import pytest

from nextedit_jupyter.analysis.names import known_names, unknown_names
from nextedit_jupyter.analysis.syntax import error_count, parses_at_least_as_well
from nextedit_jupyter.core import (
    Caret,
    Cell,
    KernelFacts,
    NamedObject,
    Notebook,
    SuggestRequest,
)


def request(*sources: str, kernel: tuple[str, ...] = ()) -> SuggestRequest:
    cells = tuple(Cell(f"c{i}", "code", source) for i, source in enumerate(sources))
    names = tuple(NamedObject(name, "int") for name in kernel)
    return SuggestRequest(Notebook("python", cells), Caret("c0", 0), facts=KernelFacts(names=names))


def test_names_of_cells_and_of_the_kernel_are_known() -> None:
    asked = request("import a as b\nc = 1", "%%capture d\nx", "def e(): f = 1", kernel=("g",))
    assert known_names(asked.notebook, asked.facts) == {"b", "c", "d", "e", "g"}


@pytest.mark.parametrize(
    ("after", "unknown"),
    [
        ("print(known, kernel)", set()),
        ("print(missing)", {"missing"}),
        ("missing = 1\nprint(missing)", set()),
        ("[i for i in known]", set()),
        ("def f(a): return a + gone", {"gone"}),
        ("f'{missing} {known}'", {"missing"}),
        ("old_unknown + 1", set()),
        ("_ + __ + len(In) + exit", set()),
        ("!echo $HOME {shell}", set()),
        ("missing.attribute(key=1)", {"missing"}),
        ("import sys\nsys.exit", set()),
        ("missing += 1", set()),
        ("x: 'Missing' = 1", {"Missing"}),
    ],
)
def test_names_that_a_text_would_read_and_nobody_knows(after: str, unknown: set[str]) -> None:
    asked = request("old_unknown", "known = 1", kernel=("kernel",))
    assert unknown_names(asked, "c0", after) == unknown


def test_a_star_import_without_a_kernel_may_bring_any_name() -> None:
    assert unknown_names(request("x", "from m import *"), "c0", "missing") == frozenset()
    assert unknown_names(request("x", "from m import *", kernel=("a",)), "c0", "missing") == {
        "missing"
    }


@pytest.mark.parametrize(
    "source",
    [
        "",
        "x = 1",
        "%matplotlib inline\n!ls\nx?",
        "%%bash\nif [ x ]; then",
        "    x = 1\n    y = 2",
        "await f()",
        "def f[T](x: T) -> T: ...",
        "type A = int",
        "f'{d['a']}'",
        "if x:\n    %time f()\n",
        "return 1",
    ],
)
def test_a_cell_that_ipython_runs_has_no_errors(source: str) -> None:
    assert error_count(source) == 0


@pytest.mark.parametrize(
    "source", ["x = ", "(", "def f(:\n pass", "x = = 1", "if x:\npass", "print x"]
)
def test_a_cell_that_python_refuses_has_errors(source: str) -> None:
    assert error_count(source) >= 1


@pytest.mark.parametrize(
    "newer",
    [
        "x = f'{a['b']}'",
        "x = f'{a['b']:>{w['c']}}' 'd'",
        "x = f'{f'{f'{a}'}'}'",
        "f'''{\n x['a']  # c\n}'''",
        "    é = f'{x['é']=}'",
        "def f[T](x: T): pass",
        "type X = int",
    ],
)
def test_syntax_that_is_newer_than_this_python_hides_no_other_error(newer: str) -> None:
    assert error_count(newer) == 0
    margin = newer[: len(newer) - len(newer.lstrip())]
    for wrong in ("f(a=1, b)", "y = 1 +\n" + margin + "z = 2", "assert y, 'z',", "f'{y as z}'"):
        assert error_count(f"{newer}\n{margin}{wrong}") >= 1, wrong
    assert error_count("print(f'{a['b'].c as d}')") >= 1


def test_an_edit_may_not_add_errors() -> None:
    assert parses_at_least_as_well("x = 1", "x = 2")
    assert parses_at_least_as_well("x = (", "x = (1)")
    assert parses_at_least_as_well("x = (", "y = (")
    assert not parses_at_least_as_well("x = 1", "x = (")
    assert not parses_at_least_as_well("x = (", "x = (\n\ny = = ) 1\nz = ]")
