"""The kernel's completions in plotting calls: ours alone, and never a traceback."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from nextedit_jupyter.core.facts import (
    AxesFacts,
    ColumnFacts,
    FigureFacts,
    KernelFacts,
    TableFacts,
)
from nextedit_jupyter.kernel.completing import MAX_COMPLETIONS, make_matcher

AXES = AxesFacts(x=("height",), y=("a", "b", "c", "d", "e", "f"), names=("ax",))
FACTS = KernelFacts(
    figures=(FigureFacts("", (AXES,)),),
    tables=(TableFacts("df", (1, 1), "", (ColumnFacts("sex", "category", ("f", "m")),)),),
)


def asked(text: str, facts: Any = lambda: FACTS) -> dict[str, Any]:
    lines = text.split("\n")
    context = SimpleNamespace(
        full_text=text, cursor_line=len(lines) - 1, text_until_cursor=lines[-1]
    )
    found: dict[str, Any] = make_matcher(facts)(context)
    return found


def test_a_call_gets_its_few_candidates_and_nothing_beside_them() -> None:
    found = asked("x = 1\nax.set_xlabel('he")
    assert [one.text for one in found["completions"]] == ["'height'"]
    assert (found["matched_fragment"], found["suppress"]) == ("'he", True)
    assert len(asked("ax.set_ylabel(")["completions"]) == MAX_COMPLETIONS


def test_a_category_takes_the_place_of_what_is_typed() -> None:
    found = asked('df[df["sex"] == "f')
    assert ([one.text for one in found["completions"]], found["matched_fragment"]) == (['f"'], "f")


def test_elsewhere_ipython_has_the_word() -> None:
    for text in ("ax.plot(", "x = 1", ""):
        assert asked(text) == {"completions": [], "suppress": False}


def test_what_is_replaced_lies_in_the_last_line() -> None:
    found = asked("ax.set_xlabel(\n    'he")
    assert ([one.text for one in found["completions"]], found["matched_fragment"]) == (
        ["'height'"],
        "'he",
    )


def test_facts_that_fail_are_silence() -> None:
    def failing() -> KernelFacts:
        raise RuntimeError

    assert asked("ax.set_xlabel(", failing) == {"completions": [], "suppress": False}
