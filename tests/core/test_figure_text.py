"""Figure facts as lines of a prompt and as candidates of plotting calls."""

from __future__ import annotations

import pytest

from nextedit_jupyter.core.facts import AxesFacts, FigureFacts
from nextedit_jupyter.core.figure_text import (
    MAX_LINE,
    MAX_LINES,
    DrawnColumns,
    call_candidates,
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
        (SCATTER, DrawnColumns(("height",), ("weight",))),
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


@pytest.mark.parametrize(
    ("callee", "expected"),
    [
        ("set_xlabel", ('"height"',)),
        ("ylabel", ('"weight"',)),
        ("set_xlim", ("1.5, 2",)),
        ("set_ylim", ()),
        ("legend", ('["a", "b"]',)),
        ("set_title", ('"weight by height"',)),
        ("suptitle", ('"People"',)),
        ("savefig", ()),
    ],
)
def test_candidates_of_a_call(callee: str, expected: tuple[str, ...]) -> None:
    assert call_candidates(callee, [FIGURE], ["x = 1", SCATTER, "print(1)"]) == expected


def test_without_figures_the_source_is_enough_and_without_both_there_is_nothing() -> None:
    assert call_candidates("set_xlabel", (), [SCATTER]) == ('"height"',)
    assert call_candidates("set_xlabel", ()) == ()
