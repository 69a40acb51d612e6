"""What an answer earns, case by case."""

from __future__ import annotations

import pytest
from prompt_letters import request

from nextedit_jupyter.training.reward import (
    SILENT,
    STYLE,
    UNREADABLE,
    ReadAnswer,
    RewardTask,
    judge,
    reward,
    similarity,
    style_match,
)

NOW = "df = load('a.csv')\nprint(data.mean())\nprint(data.std())"
AFTER = "df = load('a.csv')\nprint(df.mean())\nprint(df.std())"


def task(now: str = NOW, after: str = AFTER, tokens: int = 10) -> RewardTask:
    return RewardTask("next_edit", request(now), after, tokens)


@pytest.mark.parametrize("after", [NOW, AFTER])
def test_silence_is_worth_nothing_whatever_was_wanted(after: str) -> None:
    verdict = judge(task(after=after), SILENT)
    assert (verdict.reward, verdict.silent, verdict.wrong) == (0.0, True, False)
    assert verdict.exact == (after == NOW)


def test_what_cannot_be_read_or_parsed_costs_one() -> None:
    assert reward(task(), UNREADABLE) == -1.0
    assert (
        reward(task(), ReadAnswer("df = load('a.csv'\nprint(df.mean())\nprint(df.std())")) == -1.0
    )
    assert reward(task(after=NOW), ReadAnswer(NOW + "\n)")) == -1.0


def test_errors_that_stood_there_before_are_not_held_against_an_answer() -> None:
    now, after = "x = (1,\nprint(data)", "x = (1,\nprint(df)"
    assert reward(task(now, after), ReadAnswer(after, 10)) == pytest.approx(1.0 + STYLE)


def test_what_the_target_leaves_unfinished_an_answer_may_too() -> None:
    now, after = "x = 1\nfor name", "x = 1\nfor name in names:"
    assert reward(task(now, after), ReadAnswer(after, 10)) == pytest.approx(1.0 + STYLE)
    assert reward(task(now, after), ReadAnswer("x = 1\nfor name = 3:", 10)) < 0


def test_magics_are_masked_before_a_cell_is_parsed() -> None:
    now = "%matplotlib inline\n!pip install x\ndata = load()\nprint(data.mean())"
    after = now.replace("print(data.mean())", "print(data.std())")
    assert reward(task(now, after), ReadAnswer(after, 10)) == pytest.approx(1.0 + STYLE)
    assert reward(task(now, after), ReadAnswer(after + ")", 10)) == -1.0
    shell = "%%bash\necho (("
    assert judge(task(shell, shell + "\nls"), ReadAnswer(shell + "\nls", 10)).exact


def test_an_answer_where_nothing_is_to_do_or_far_from_the_target_costs_a_quarter() -> None:
    assert reward(task(after=NOW), ReadAnswer(AFTER, 10)) == -0.25
    assert reward(task(), ReadAnswer(NOW.replace("data", "values"), 10)) == -0.25
    assert reward(task(), ReadAnswer(NOW.replace("'a.csv'", "'b.csv'"), 10)) == -0.25
    assert reward(task(), ReadAnswer(NOW, 10)) == -0.25


def test_half_of_the_way_is_worth_half_and_all_of_it_most() -> None:
    half = ReadAnswer(NOW.replace("data.mean", "df.mean"), 5)
    assert reward(task(), half) == pytest.approx(0.5 + STYLE)
    verdict = judge(task(), ReadAnswer(AFTER, 10))
    assert verdict.reward == pytest.approx(1.0 + STYLE)
    assert verdict.exact
    assert verdict.parsed


def test_each_token_more_than_the_target_costs_and_fewer_earn_nothing() -> None:
    even, more, fewer = (reward(task(), ReadAnswer(AFTER, tokens)) for tokens in (10, 15, 5))
    assert even - more == pytest.approx(0.05)
    assert fewer == even


def test_an_answer_is_never_worth_less_than_a_wrong_one_for_its_length_alone() -> None:
    assert reward(task(), ReadAnswer(AFTER, 5_000)) == -0.25


def test_similarity_is_of_the_change_and_by_words() -> None:
    assert similarity(NOW, AFTER, AFTER) == 1.0
    assert similarity(NOW, AFTER, NOW) == 0.0
    assert similarity(NOW, AFTER, NOW.replace("data", "dff")) == 0.0  # nearly right is wrong
    assert similarity(NOW, AFTER, "\n".join(NOW.split("\n")[:1])) < 0.0
    long = "\n".join(f"y{i} = {i}" for i in range(200))
    assert similarity(f"{long}\na", f"{long}\nb", f"{long}\nb") == 1.0
    assert similarity(f"{long}\na", f"{long}\nb", f"{long}\na\nb") < 1.0


@pytest.mark.parametrize(
    ("cell", "kept", "broken"),
    [
        ("a = 'x'\nb = 'y'", "c = 'z'", 'c = "z"'),
        ("if a:\n    b = 1", "    c = 2", "  c = 2"),
        ("if a:\n\tb = 1", "\tc = 2", "    c = 2"),
        ("a = 1", "b = 2", "b=2"),
        ("f(\n    1,\n)", "g(\n    2,\n)", "g(\n    2\n)"),
    ],
)
def test_style_is_that_of_the_cell(cell: str, kept: str, broken: str) -> None:
    assert style_match(cell, kept) == 1.0
    assert style_match(cell, broken) < 1.0


def test_a_habit_that_cannot_be_told_is_not_broken() -> None:
    assert style_match("print(x)", "a='b'") == 1.0
    assert style_match("a = 'x'", 'b = "it\'s"') == 1.0  # the other quotes for a reason
    assert style_match("a = 1", "f(\n    key=2,\n)") == 1.0  # a keyword is no assignment


def test_style_is_a_small_part_of_what_is_earned() -> None:
    now = "a = 'x'\nb = f(a)"
    kept, broken = now + "\nc = g('y')", now + '\nc = g("y")'
    assert reward(task(now, kept), ReadAnswer(kept, 10)) > reward(
        task(now, kept), ReadAnswer(broken, 10)
    )
