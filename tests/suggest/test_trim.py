"""How much of a completion is shown."""

from __future__ import annotations

import math

import pytest

from nextedit_jupyter.suggest.trim import (
    CutPolicy,
    GeneratedToken,
    best_cut,
    says_what_follows,
    token_steps,
    without_loop,
    without_overlap,
    without_rejoined,
)


def steps(*parts: tuple[str, float]) -> tuple[str, list[GeneratedToken]]:
    text, found = "", []
    for part, probability in parts:
        text += part
        found.append(GeneratedToken(len(text), math.log(probability)))
    return text, found


def cut(
    text: str, found: list[GeneratedToken], finished: bool = True, **policy: object
) -> str | None:
    best = best_cut(text, found, CutPolicy(**policy), finished=finished)  # type: ignore[arg-type]
    return None if best is None else text[: best.end]


def test_a_sure_line_is_shown_to_its_end() -> None:
    assert cut(*steps(("plt", 0.9), (".show", 0.9), ("()", 0.95), ("", 0.9))) == "plt.show()"


def test_a_line_is_cut_where_the_model_gets_unsure() -> None:
    assert (
        cut(*steps(("df", 0.9), (".head", 0.9), ("(", 0.9), ("12", 0.2), (")", 1.0))) == "df.head("
    )


def test_a_whole_line_or_nothing_where_that_is_asked() -> None:
    unsure = steps(("df", 0.9), (".head", 0.9), ("(", 0.9), ("12", 0.2), (")", 1.0))
    assert cut(*unsure, whole_lines=True) is None


def test_a_word_is_never_parted() -> None:
    assert cut(*steps(("x = ", 0.9), ("rand", 0.9), ("om", 0.3), ("()", 1.0))) == "x = "


def test_the_end_of_a_word_counts_only_if_the_model_ended_there() -> None:
    sure = steps(("df", 0.9), (".mean", 0.9), ("", 0.95))
    assert cut(*sure) == "df.mean"
    unsure = steps(("df", 0.9), (".mean", 0.9), ("", 0.1))
    assert cut(*unsure) == "df"
    assert cut(*steps(("df", 0.9), (".mean", 0.9)), finished=False) == "df"


def test_several_lines_are_shown_only_where_they_may_be() -> None:
    two = steps(("a = 1", 0.95), ("\n", 0.95), ("b = 2", 0.95), ("", 0.95))
    assert cut(*two) == "a = 1"
    assert cut(*two, multi_line=True) == "a = 1\nb = 2"


def test_a_later_line_is_shown_whole_or_not_at_all() -> None:
    half = steps(("a = 1", 0.95), ("\n", 0.95), ("b =", 0.95), (" 2", 0.1))
    assert cut(*half, multi_line=True) == "a = 1"


def test_nothing_sure_is_nothing() -> None:
    assert cut(*steps(("x", 0.3), ("", 1.0))) is None
    assert cut(*steps((" ", 0.9), ("x", 0.1))) is None


def test_confidence_is_the_product_of_what_is_shown() -> None:
    text, found = steps(("a", 0.9), ("(", 0.8), ("b", 0.1))
    best = best_cut(text, found, CutPolicy(threshold=0.5), finished=True)
    assert best is not None
    assert best.confidence == pytest.approx(0.72)


def test_steps_skip_the_healed_bytes_and_count_characters() -> None:
    table = {1: b".groupby", 2: '("é'.encode(), 3: b""}
    found = token_steps([1, 2, 3], [0.0, -1.0, -2.0], table.__getitem__, b".gro", 'upby("é')
    assert [step.end for step in found] == [4, 7, 7]


def test_a_token_that_ends_inside_a_character_ends_before_it() -> None:
    emoji = "🎉".encode()
    table = {1: b"a" + emoji[:2], 2: emoji[2:]}
    assert [s.end for s in token_steps([1, 2], [0, 0], table.__getitem__, b"", "a🎉")] == [1, 2]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x = 1\ny = 2", "x = 1\ny = 2"),
        ("x = 1\nx = 1\nx = 1\nx = 1", "x = 1"),
        ("a(b(a(b(a(b(a(b(a(b(a(b(", ""),
        ("print('-----------')", "print('-----------')"),
        ("x = 1000000000", "x = 1000000000"),
        ("y = 1\nnananananananananana", "y = 1"),
    ],
)
def test_a_loop_ends_the_text_before_it_begins(text: str, kept: str) -> None:
    assert without_loop(text) == kept


@pytest.mark.parametrize(
    ("text", "after", "kept"),
    [
        ("x, y)", ")", "x, y"),
        ('data.csv")', '")', "data.csv"),
        ("x", "", "x"),
        ("x", ")\nx", "x"),
        ("head()", ".mean()", "head()"),
    ],
)
def test_what_stands_after_the_caret_is_not_offered_again(text: str, after: str, kept: str) -> None:
    assert without_overlap(text, after) == kept


def test_only_what_follows_is_no_completion() -> None:
    assert says_what_follows("x + 1", " x + 1\n")
    assert says_what_follows("  ", "")
    assert not says_what_follows("x + 1", "y")


@pytest.mark.parametrize(
    ("text", "after", "kept"),
    [
        ("x = 1\ny = 2\nz = 3", "\ny = 2", "x = 1"),
        ("x = 1\n\n    y = 2", "\n\n    y = 2\n", "x = 1"),
        ("x = 1\ny = 2", "\nother()", "x = 1\ny = 2"),
        ("f(\n)\nx", "\n)", "f(\n)\nx"),
        ("y = 2", "\ny = 2", "y = 2"),  # a single line: a gate looks at that
    ],
)
def test_lines_end_where_they_come_to_what_stands_below(text: str, after: str, kept: str) -> None:
    assert without_rejoined(text, after) == kept
