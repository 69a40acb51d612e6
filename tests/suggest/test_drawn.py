"""Ghost text of what figures and tables show: without a model, and before what a model says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellEdit,
    Notebook,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.core.facts import (
    AxesFacts,
    ColumnFacts,
    FigureFacts,
    KernelFacts,
    NamedObject,
    TableFacts,
)
from nextedit_jupyter.suggest.drawn import what_is_drawn
from nextedit_jupyter.suggest.model_lane import ModelAnswer
from nextedit_jupyter.suggest.suggester import Suggester

AXES = AxesFacts(
    xlim=(1.5, 2.0),
    ylim=(40.0, 90.0),
    groups=("f", "m"),
    x=("height",),
    y=("weight",),
    by=("sex",),
    names=("ax",),
)
FACTS = KernelFacts(
    names=(NamedObject("df", "pandas.DataFrame", subscripts=("sex", "height")),),
    figures=(FigureFacts("", (AXES,), ("fig",)),),
    tables=(TableFacts("df", (9, 2), "", (ColumnFacts("sex", "category", ("female", "male")),)),),
)


def request(text: str, facts: KernelFacts = FACTS, cell_type: str = "code") -> SuggestRequest:
    """The caret stands at the bar."""
    offset = text.index("|")
    cells = (
        Cell("a", "code", "import pandas as pd", 1),
        Cell("b", cell_type, text.replace("|", "")),  # type: ignore[arg-type]
    )
    return SuggestRequest(
        notebook=Notebook("python", cells), caret=Caret("b", offset), facts=facts, want=("inline",)
    )


def shown(text: str, model: object = None, facts: KernelFacts = FACTS) -> str | None:
    """The cell as it would be with the ghost text taken; None without any."""
    asked = request(text, facts)
    answer = Suggester(model).answer(asked)  # type: ignore[arg-type]
    if not answer.suggestions:
        return None
    (change,) = answer.suggestions[0].edits
    return change.edit.apply(asked.cell.source)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ax.set_xlabel(|", 'ax.set_xlabel("height")'),
        ("ax.set_xlabel(|)", 'ax.set_xlabel("height")'),
        ('ax.set_xlabel("|")', 'ax.set_xlabel("height")'),
        ("ax.set_ylabel('we|", "ax.set_ylabel('weight')"),
        ("ax.set_xlim(|", "ax.set_xlim(1.5, 2)"),
        ("ax.set_ylim(4|)", "ax.set_ylim(40, 90)"),
        ("ax.legend(|)", 'ax.legend(["f", "m"], title="sex")'),
        ("ax.set(xlabel=|", 'ax.set(xlabel="height"'),
        (
            "if x:\n    ax.set_xlabel(|\nelse:\n    y",
            'if x:\n    ax.set_xlabel("height")\nelse:\n    y',
        ),
        ('df[df["sex"] == "f|', 'df[df["sex"] == "female"'),
        ('df[df["sex"] == "|', None),
        ("ax.set_title(|", None),
        ("ax.set_xlabel('hei|ght')", None),
        ("x = 1|", None),
    ],
)
def test_what_is_drawn_is_shown_without_a_model(text: str, expected: str | None) -> None:
    assert shown(text) == expected


class Says:
    """A model that says one text at the caret."""

    def __init__(self, text: str) -> None:
        self.bundles: list[dict[str, str]] = []
        self._text = text

    def inline(self, asked: SuggestRequest, *_: object) -> ModelAnswer:
        edit = TextEdit.insert(asked.caret.offset, self._text)
        edits = (CellEdit.of(asked.caret.cell, asked.cell.source, edit),)
        return ModelAnswer((Suggestion("s", "inline", "model", "", 0.9, edits),))


def test_what_is_drawn_comes_before_what_a_model_says_instead() -> None:
    assert shown("ax.set_xlabel(|", Says('"width")')) == 'ax.set_xlabel("height")'


def test_a_model_that_says_the_same_and_more_is_left_alone() -> None:
    more = "'height', fontsize=12)"
    assert shown("ax.set_xlabel(|", Says(more)) == f"ax.set_xlabel({more}"


def test_a_model_is_left_alone_where_nothing_is_sure() -> None:
    assert shown("ax.set_title(|", Says('"People")')) == 'ax.set_title("People")'
    assert shown('df[df["sex"] == "|', Says('male"]')) == 'df[df["sex"] == "male"]'


def test_without_figures_and_tables_nothing_is_looked_at() -> None:
    bare = replace(FACTS, figures=(), tables=())
    assert what_is_drawn(request("ax.set_xlabel(|", bare)) is None
    assert shown("ax.set_xlabel(|", facts=bare) is None
    assert what_is_drawn(request("ax.set_xlabel(|", FACTS, "markdown")) is None


def test_quotes_follow_the_notebooks_own() -> None:
    assert shown("x['a'], y['b']\nax.set_xlabel(|") == "x['a'], y['b']\nax.set_xlabel('height')"
