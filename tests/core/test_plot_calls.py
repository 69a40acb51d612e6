"""What may be written in a plotting call, from what the figure shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nextedit_jupyter.core.facts import (
    AxesFacts,
    ColumnFacts,
    FigureFacts,
    KernelFacts,
    NamedObject,
    TableFacts,
)
from nextedit_jupyter.core.plot_calls import (
    call_candidates,
    completions,
    level_asked,
    plot_call,
    usual_quote,
)

AXES = AxesFacts(
    xlabel="height (cm)",
    xlim=(1.5, 2.0),
    ylim=(40.0, 90.0),
    groups=("f", "m"),
    kinds=("scatter",),
    x=("height",),
    y=("weight",),
    by=("sex",),
    names=("ax",),
)
FACTS = KernelFacts(
    names=(
        NamedObject("ax", "matplotlib.axes.Axes"),
        NamedObject("plt", "module", module="matplotlib.pyplot"),
        NamedObject("df", "pandas.DataFrame"),
        NamedObject("name", "str"),
        NamedObject("title", "str"),
    ),
    figures=(FigureFacts("People", (AXES, AxesFacts(kinds=("colorbar",))), ("fig",)),),
    tables=(TableFacts("df", (9, 2), "", (ColumnFacts("sex", "category", ("f", "m")),)),),
)


def offered(before: str, facts: KernelFacts = FACTS) -> list[str]:
    call = plot_call(before, facts)
    return [] if call is None else [one.text for one in call_candidates(call, facts, before)]


def sure(before: str, facts: KernelFacts = FACTS) -> list[str]:
    call = plot_call(before, facts)
    found = () if call is None else call_candidates(call, facts, before)
    return [one.text for one in found if one.is_sure]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("ax.set_xlabel(", ['"height (cm)"', '"height"']),
        ("ax.set_xlabel( ", ['"height (cm)"', '"height"']),
        ("ax.set_xlabel('he", ["'height (cm)'", "'height'"]),
        ('ax.set_ylabel("', ['"weight"']),
        ("plt.ylabel(", ['"weight"']),
        ("ax.set_xlim(", ["1.5, 2"]),
        ("ax.set_xlim(1.5, ", ["1.5, 2"]),
        ("plt.ylim(4", ["40, 90"]),
        ("ax.set(xlim=", ["(1.5, 2)"]),
        ("ax.set(xlabel='height', ylim=(", ["(40, 90)"]),
        ("fig.update_xaxes(range=", ["[1.5, 2]"]),
        ("ax.legend(", ['["f", "m"], title="sex"', '["f", "m"]', 'title="sex"']),
        ("ax.legend(['f', ", ["['f', 'm'], title='sex'", "['f', 'm']"]),
        ("ax.legend(title=", ['"sex"']),
        ("ax.legend(loc='best', labels=[", ['["f", "m"]']),
        ("fig.colorbar(dots, label=", ['"sex"']),
        ("fig.suptitle(", ['"People"']),
        ("ax.set_title(", ['"weight by height"']),
        ("if show:\n    ax.set_ylabel(", ['"weight"']),
        # What is something else, or not known.
        ("ax.set_xlabel('hi", []),
        ("ax.set_xlabel('height', fontsize=", []),
        ("ax.set_xlabel(str(", []),
        ("# ax.set_xlabel(", []),
        ("'ax.set_xlabel(", []),
        ("ax.set_xscale(", []),
        ("ax.savefig(", []),
        ("name.title(", []),
        ("df.set_xlabel(x)(", []),
        ("def set_xlabel(", []),
        ("", []),
        ("(", []),
    ],
)
def test_candidates_of_a_call(before: str, expected: list[str]) -> None:
    assert offered(before) == expected


def test_titles_are_offered_but_never_sure() -> None:
    assert sure("ax.set_title(") == []
    assert sure("ax.set_xlabel(") == ['"height (cm)"', '"height"']


def test_of_two_columns_none_is_sure_until_one_is_typed() -> None:
    axes = replace(AXES, y=("sales", "cost"))
    facts = replace(FACTS, figures=(FigureFacts("", (axes,)),))
    assert offered("ax.set_ylabel(", facts) == ['"sales"', '"cost"']
    assert sure("ax.set_ylabel(", facts) == []
    assert sure('ax.set_ylabel("c', facts) == ['"cost"']


def test_each_of_several_axes_says_its_own() -> None:
    left = AxesFacts(y=("price",), ylim=(0.0, 5.0), names=("left", "axes[0]"))
    right = AxesFacts(y=("volume",), ylim=(0.0, 900.0), names=("right", "axes[1]"))
    facts = KernelFacts(figures=(FigureFacts("", (left, right), ("fig",)),))
    assert offered("left.set_ylabel(", facts) == ['"price"']
    assert offered("axes[1].set_ylabel(", facts) == ['"volume"']
    assert offered("right.set_ylim(", facts) == ["0, 900"]
    assert offered("axes[2].set_ylabel(", facts) == []  # one that was not read


def test_a_cell_that_draws_anew_speaks_for_itself() -> None:
    new = "fig, ax = plt.subplots()\n"
    assert offered(f"{new}ax.scatter(df['age'], df['size'])\nax.set_xlabel(") == ['"age"']
    assert offered(f"{new}ax.set_xlabel(") == []
    assert offered(f"{new}ax.scatter(x, y)\nax.set_xlim(") == []


def test_a_unit_that_another_figure_says_is_kept() -> None:
    older = FigureFacts("", (AxesFacts(ylabel="Weight [kg]", y=("weight",)),))
    newer = FigureFacts("", (AxesFacts(x=("weight",), names=("ax",)),))
    facts = KernelFacts(figures=(older, newer))
    assert offered("ax.set_xlabel(", facts) == ['"Weight [kg]"', '"weight"']


def test_without_labels_the_categories_of_the_column_are_the_groups() -> None:
    facts = replace(FACTS, figures=(FigureFacts("", (replace(AXES, groups=()),)),))
    assert offered("ax.legend(", facts)[0] == '["f", "m"], title="sex"'


def test_quotes_and_backslashes_in_names_are_escaped() -> None:
    odd = AxesFacts(x=('a"b\\c',), names=("ax",))
    facts = KernelFacts(figures=(FigureFacts("", (odd,)),))
    (text,) = offered("ax.set_xlabel(", facts)
    assert eval(text) == 'a"b\\c'


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ('df[df["sex"] == "', ("f", "m")),
        ("df[df.sex != 'm", ("f", "m")),
        ('df.sex.isin(["f", "', ("f", "m")),
        ('df["age"] == "', None),
        ('other["sex"] == "', None),
        ('df["sex"] = "', None),
    ],
)
def test_categories_may_be_compared_with(before: str, expected: tuple[str, ...] | None) -> None:
    asked = level_asked(before, FACTS)
    assert (asked and asked.levels) == expected


def test_completions_take_the_place_of_what_is_typed() -> None:
    found = completions("ax.set_xlabel('he", FACTS)
    assert found is not None
    assert (found.prefix, found.texts) == ("'he", ("'height (cm)'", "'height'"))
    level = completions('df[df["sex"] == "f', FACTS)
    assert level is not None
    assert (level.prefix, level.texts) == ("f", ('f"',))
    assert completions("ax.plot(", FACTS) is None
    assert completions("ax.set_xlabel(", KernelFacts()) is None


def test_the_quote_is_the_one_that_the_cells_use() -> None:
    assert usual_quote(["x['a']", "y['b'] + \"c\""]) == "'"
    assert usual_quote([]) == '"'


@pytest.mark.parametrize("text", ["(" * 60_000, "a." * 30_000, "x[" * 20_000 + "(", '"""' * 9_999])
def test_long_hostile_texts_have_no_place(text: str) -> None:
    assert offered(text) == []
