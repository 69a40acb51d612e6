"""Uses that were changed where the definition was not: when that is a rename, and when not."""

from __future__ import annotations

import pytest
from offering import after, offers, request

from nextedit_jupyter.core import Silence
from nextedit_jupyter.suggest.symbols import SymbolsLane

LOADED = "rows = load('rows.csv')"
SHOWN = "print(rows)\nsave(rows)"


def is_renamed(before: str, now: str, *others: str) -> bool:
    """Whether bindings claim a rename after the edit of the first cell."""
    asked = request([now, *others], (0, before, now))
    return not isinstance(SymbolsLane().suggest(asked), Silence)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("total(rows)", "total(table)"),
        ("total(rows, rows)", "total(table, table)"),
        ("x = 1\ntotal(rows)", "x = 2 + 3\ntotal(table)"),
        ("def f():\n    return rows.sum()", "def f():\n    return table.sum()"),
    ],
)
def test_a_use_under_a_new_name_begins_a_rename(before: str, now: str) -> None:
    assert is_renamed(before, now, LOADED, SHOWN)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        # The word stands in a text now.
        ("print('no rows: ' + rows)", "print('no such table')"),
        ("raise KeyError(rows)", "raise KeyError('table')"),
        ("fail(rows)", "fail()  # no table"),
        # The statement does something else.
        ("n = round(rows['a', 1])", "n = [round(table['a', 1].x) for t in days]"),
        ("rows.utils.head(3)", "table.DataFrame(3)"),
        ("draw(rows, 'red')", "draw(table, colour='blue')"),
        # The edit brought the other thing along.
        ("total(rows)", "import table\ntotal(table)"),
        ("total(rows)", "from data import table\ntotal(table)"),
        ("total(rows)", "table = load('table.csv')\ntotal(table)"),
        ("rows.sum()", "import tables as table\ntable.sum()"),
        (
            "def f():\n    rows = load()\n    return rows * 2",
            "def f():\n    rows = load()\n    table = 3 * rows\n    return table * 2",
        ),
    ],
)
def test_a_use_that_gave_way_to_something_else_is_no_rename(before: str, now: str) -> None:
    assert not is_renamed(before, now, LOADED, SHOWN)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (
            "state, loss = step(state)\nprint(loss)",
            "state, metrics = step(state)\nprint(metrics.loss)",
        ),
        (
            "fig = plot(rows)\nfig.tight_layout()",
            "result = plot(rows, whole=True)\nresult.fig.tight_layout()",
        ),
    ],
)
def test_a_definition_whose_uses_became_its_members_is_no_rename(before: str, now: str) -> None:
    assert not is_renamed(before, now, "show(loss, fig)\nfig.show()\nprint(loss)")
    pure = now.replace(".loss", "").replace(".fig", "").replace(", whole=True", "")
    assert is_renamed(before, pure, "show(loss, fig)\nfig.show()\nprint(loss)")


def test_nothing_is_offered_where_a_name_became_text() -> None:
    assert not offers(request(["a = 'table'", LOADED, SHOWN], (0, "a = rows", "a = 'table'")))


def test_a_name_that_functions_read_from_the_notebook_is_followed_outside_of_them() -> None:
    """Nothing binds it here: a magic or a start-up file may."""
    was = "def draw(x):\n    plt.figure()\n    plt.plot(x)\n    plt.show()"
    now = was.replace("plt.", "pyplot.")
    other = "def draw(y):\n    plt.figure()\n    plt.plot(y)\n    plt.show()"
    asked = request(
        [now, other.replace("plt.", "pyplot."), "plt.figure()\nplt.plot(1)\nplt.show()"],
        (0, was, now),
        (1, other, other.replace("plt.", "pyplot.")),
    )
    assert "pyplot.plot(1)" in after(asked)[2]


@pytest.mark.parametrize(
    ("comment", "is_followed"),
    [
        ("# DRtester is fitted first", True),
        ("x = 1  # the DRtester of old", True),
        ("# DRtester(2).fit()", False),  # a line of code that is switched off
    ],
)
def test_a_comment_that_names_an_identifier_follows_its_rename(
    comment: str, is_followed: bool
) -> None:
    was, now = "from tests import DRtester", "from tests import DRTester"
    asked = request([now, "DRtester(1).fit()", f"{comment}\nDRtester(3)"], (0, was, now))
    expected = comment.replace("DRtester", "DRTester") if is_followed else comment
    assert after(asked)[2] == f"{expected}\nDRTester(3)"
