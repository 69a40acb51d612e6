"""A shell's session: what a cell drew is in the facts of the next request."""

from __future__ import annotations

import sys

import pytest
from shell_fixtures import Shell

from nextedit_jupyter.core.wire import decode_facts

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")

SETUP = """
import matplotlib.pyplot as plt
import pandas as pd
df = pd.DataFrame({"height": [1, 2], "weight": [3, 4], "sex": pd.Categorical(["f", "m"])})
"""
DRAW = """
fig, ax = plt.subplots()
for sex, part in df.groupby("sex", observed=True):
    ax.scatter(part["height"], part["weight"], label=sex)
"""


def test_facts_hold_the_figure_and_the_table(user: Shell) -> None:
    user.run(SETUP, cell="a")
    user.run(DRAW, cell="b")
    facts = decode_facts(user.session.facts_wire())
    (axes,) = facts.figures[-1].axes
    assert (axes.x, axes.y, axes.by, axes.groups) == (
        ("height",),
        ("weight",),
        ("sex",),
        ("f", "m"),
    )
    table = facts.table("df")
    assert table is not None
    assert table.shape == (2, 3)


def test_purging_and_switching_off_forget_figures(user: Shell) -> None:
    user.run(SETUP, cell="a")
    user.run("plt.plot(df['height'])", cell="b")
    assert user.session.facts().figures
    user.run("%nextedit off")
    assert user.session.facts().figures == ()
    user.run("%nextedit on")
    user.run("plt.close('all')", cell="c")
    assert user.session.facts().figures  # closed, and still what was drawn last
    user.session.purge()
    assert user.session.facts().figures == ()


def test_a_cell_with_a_secret_tells_no_columns(user: Shell) -> None:
    user.run(SETUP, cell="a")
    key = "ghp_" + "aB3dE5gH7j" * 4
    user.run(f"token = '{key}'\nfig, ax = plt.subplots()\nax.plot(df['height'])", cell="b")
    facts = user.session.facts()
    assert key not in repr(facts)
    assert facts.figures[-1].axes[0].y == ()


def test_without_a_drawing_library_nothing_of_this_is_imported(
    user: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("matplotlib.figure", "plotly.basedatatypes", "altair"):
        monkeypatch.delitem(sys.modules, library, raising=False)
    user.run("x = 1", cell="a")
    assert user.session._figures is None
