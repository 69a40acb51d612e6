"""A cell was copied and adapted: the original, and what uses it, stay as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from offering import after, offers, optional, request

COUNT = "n = count(rows)\nprint(n)"
ADAPTED = COUNT.replace("n =", "total =")
DOUBLE = "def double(x):\n    return x * n"


@pytest.mark.parametrize(
    "above", [[COUNT, DOUBLE], [COUNT, DOUBLE, "print(double(n))"], [DOUBLE, COUNT]]
)
@pytest.mark.parametrize("below", [[], ["print(double(2))"]])
def test_a_variable_of_the_copy_is_renamed_without_the_original(
    above: list[str], below: list[str]
) -> None:
    asked = request([*above, ADAPTED, *below], (len(above), COUNT, ADAPTED))
    assert after(asked) == [*above, ADAPTED.replace("(n)", "(total)"), *below]
    assert any("of which this is a copy" in note for note in offers(asked)[0].notes)


def test_what_reads_a_copy_further_down_follows() -> None:
    cells = [COUNT, DOUBLE, ADAPTED, "print(n + 1)"]
    asked = request(cells, (2, COUNT, ADAPTED))
    assert after(asked)[3] == "print(total + 1)"
    assert optional(asked)[0] == COUNT.replace("n =", "total =").replace("(n)", "(total)")


def test_the_cells_below_a_copy_beside_the_original_were_made_for_that() -> None:
    cells = [DOUBLE, COUNT, ADAPTED, "print(n + 1)"]
    asked = request(cells, (2, COUNT, ADAPTED))
    assert after(asked)[3] == "print(n + 1)"
    assert optional(asked)[3] == "print(total + 1)"


def test_a_copy_that_was_adapted_in_another_way_first_is_still_one() -> None:
    first = COUNT.replace("rows", "lines")
    asked = request(
        [COUNT, DOUBLE, first.replace("n =", "total =")],
        (2, COUNT, first),
        (2, first, first.replace("n =", "total =")),
    )
    assert after(asked)[:2] == [COUNT, DOUBLE]


@pytest.mark.parametrize(
    ("cell", "now"),
    [
        ("def f(x):\n    return x + 1", "def g(x):\n    return x + 1"),
        ("import numpy as np", "import numpy as xp"),
        (COUNT, COUNT.replace("rows", "lines").replace("n", "m")),
    ],
)
def test_uses_elsewhere_mean_what_the_original_defines(cell: str, now: str) -> None:
    uses = ["print(f(2), np.pi, n)", "def late():\n    return f(3), np.e, n"]
    cells = [uses[0], cell, now, uses[1]]
    assert after(request(cells, (2, cell, now))) == cells


def test_the_original_itself_can_be_renamed() -> None:
    asked = request([ADAPTED, "print(n)", COUNT], (0, COUNT, ADAPTED))
    assert after(asked)[1] == "print(total)"


@pytest.mark.parametrize("above", ["", "total", "print(n)"])
def test_a_text_that_binds_nothing_is_no_original(above: str) -> None:
    cells = ["def late():\n    return n", above, "total = 1", "print(n)"]
    asked = request(cells, (2, above, "n = 1"), (2, "n = 1", "total = 1"))
    assert after(asked)[0] == "def late():\n    return total"
    assert after(asked)[3] == "print(total)"


def test_a_cell_that_was_typed_is_no_copy_of_one_that_begins_alike() -> None:
    first, loop = "total = 0", "total = 0\nfor row in rows:\n    total += row"
    renamed = loop.replace("total = 0", "count = 0")
    typed = (2, "", first), (2, first, loop), (2, loop, renamed)
    asked = request(["rows = load()", first, renamed, "print(total)"], *typed)
    assert after(asked)[2:] == [loop.replace("total", "count"), "print(count)"]


def test_a_cell_that_was_pasted_into_an_empty_one_is_a_copy() -> None:
    asked = request([COUNT, DOUBLE, ADAPTED], (2, "", COUNT), (2, COUNT, ADAPTED))
    first, last = asked.history
    pasted = replace(asked, history=(replace(first, origin="pasted"), last))
    assert after(pasted)[:2] == [COUNT, DOUBLE]
