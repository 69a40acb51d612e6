"""Figure facts as lines of a prompt, and the columns that a cell draws."""

from __future__ import annotations

import pytest

from nextedit_jupyter.core.facts import AxesFacts, FigureFacts
from nextedit_jupyter.core.figure_text import (
    MAX_LINE,
    MAX_LINES,
    DrawnColumns,
    drawing_calls,
    drawn_columns,
    figure_lines,
)

FIGURE = FigureFacts(
    "People",
    (
        AxesFacts(
            xlabel="height", xlim=(1.5, 2.0), legend=("a", "b"), kinds=("scatter",), colors=("red",)
        ),
        AxesFacts(kinds=("colorbar",)),
    ),
)
SCATTER = (
    "for g, part in df.groupby('sex'):\n    ax.scatter(part['height'], part['weight'], label=g)"
)


def test_lines_say_what_is_set_and_no_more() -> None:
    assert figure_lines([FIGURE]) == (
        "# figure: title='People'",
        "# figure: xlabel='height' xlim=[1.5, 2] legend=['a', 'b'] kinds=['scatter']",
        "# figure: kinds=['colorbar']",
    )
    assert figure_lines([]) == ()
    long = FigureFacts("", tuple(AxesFacts(title="t" * 400) for _ in range(30)))
    assert len(figure_lines([long])) == MAX_LINES
    assert max(map(len, figure_lines([long]))) <= MAX_LINE


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (SCATTER, DrawnColumns(("height",), ("weight",), ("sex",))),
        ("%matplotlib inline\nplt.plot(df.day, df['sales'])", DrawnColumns(("day",), ("sales",))),
        ("ax.barh(df['name'], df['size'])", DrawnColumns(("size",), ("name",))),
        ("df['age'].hist(bins=20)", DrawnColumns(("age",))),
        ("df['age'].plot()", DrawnColumns((), ("age",))),
        ("ax.scatter(df['a'].values, df.loc[:, 'b'], c='red')", DrawnColumns(("a",), ("b",))),
        ("px.scatter(df, x='a', y='b', color='c')", DrawnColumns(("a",), ("b",), ("c",))),
        ("alt.Chart(df).mark_bar().encode(x='a:N', y='mean(b):Q')", DrawnColumns(("a",), ("b",))),
        ("df.plot(x='day', y=['s', 'c'])", DrawnColumns(("day",), ("s", "c"))),
        ("plt.plot(df.day, df['sales'])", DrawnColumns(("day",), ("sales",))),
        ("ax.plot(df['sales'])", DrawnColumns((), ("sales",))),
        ("ax.hist(df['age'])", DrawnColumns(("age",))),
        ("sns.scatterplot(data=df, x='a', y='b', hue='c')", DrawnColumns(("a",), ("b",), ("c",))),
        ("df.plot.scatter(x='a', y='b')", DrawnColumns(("a",), ("b",))),
        ("df.plot(x='day')", DrawnColumns(("day",))),
        ("ax.scatter('a', 'b', data=df)", DrawnColumns(("a",), ("b",))),
        ("f(x['a'], y['b'])", DrawnColumns()),
        ("ax.plot(", DrawnColumns()),
        ("\0", DrawnColumns()),
    ],
)
def test_columns_are_read_from_the_cell(source: str, expected: DrawnColumns) -> None:
    assert drawn_columns(source) == expected


def test_calls_know_what_they_draw_on() -> None:
    calls = drawing_calls(
        "left.plot(df['a'])\naxes[0, 1].hist(df['b'])\nsns.lineplot(data=df, x='c', ax=right)"
    )
    assert [call.owner for call in calls] == ["left", "axes[0, 1]", "right"]


@pytest.mark.parametrize(
    "text", ["(" * 5_000 + "plot", "plot(" * 900, "x.plot(\0)", "plot" * 9_000]
)
def test_hostile_texts_draw_nothing(text: str) -> None:
    assert drawing_calls(text) == ()
