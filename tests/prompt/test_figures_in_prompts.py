"""What a figure shows in prompts: in the form that each format knows, bounded, else nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prompt_letters import Letters, request, shown

from nextedit_jupyter.core import NamedObject
from nextedit_jupyter.core.facts import AxesFacts, FigureFacts
from nextedit_jupyter.prompt import get_format

AXES = AxesFacts(
    xlabel="height (cm)",
    x=("height",),
    y=("weight",),
    by=("sex",),
    groups=("f", "m"),
    names=("ax",),
)
NAMES = (NamedObject("df", "pandas.DataFrame", subscripts=("height", "weight")),)


class FewLetters(Letters):
    """Without surrogates, of which plain formats would ask the bytes."""

    vocab_size = 1_000


def prompt(name: str, *figures: FigureFacts, budget: int = 4_000) -> str:
    asked = request("import numpy as np", "ax.set_xlabel(", names=NAMES)
    asked = replace(asked, facts=replace(asked.facts, figures=figures))
    return shown(get_format(name).inline(asked, FewLetters(), budget))


def test_our_own_format_names_a_figure_as_it_names_a_frame() -> None:
    text = prompt("cells-spm-v1", FigureFacts("", (AXES,)))
    assert "<|names|>ax: Axes[height (cm), height, weight, sex, f, m]\ndf: DataFrame[" in text


def test_a_plain_model_reads_a_comment() -> None:
    text = prompt("plain-ltr-v1", FigureFacts("", (AXES,)))
    assert "# df: DataFrame[height, weight]\n# figure: ax: xlabel='height (cm)'" in text


@pytest.mark.parametrize("name", ["cells-spm-v1", "plain-ltr-v1", "edit-span-told-v1"])
def test_without_a_figure_nothing_is_added(name: str) -> None:
    assert "igure" not in prompt(name)
    assert "Axes" not in prompt(name)
    assert prompt(name, FigureFacts("", ())) == prompt(name)


@pytest.mark.parametrize("name", ["cells-spm-v1", "plain-ltr-v1", "edit-span-told-v1"])
def test_large_figures_keep_to_the_budget(name: str) -> None:
    large = AxesFacts(title="t" * 120, legend=tuple("g" * 100 + str(i) for i in range(12)))
    for budget in (64, 300, 1_000):
        text = prompt(name, *[FigureFacts("t" * 120, (large,) * 8)] * 4, budget=budget)
        assert len(text) <= budget + 200  # control tokens are several letters here
