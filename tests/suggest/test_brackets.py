"""A completion takes its place among the brackets and quotes that are there."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nextedit_jupyter.suggest.brackets import Fit, faults, fit


def placed(line: str, text: str) -> str | None:
    """The line with what fits of the text at the bar; None if nothing does."""
    before, _, after = line.partition("|")
    found = fit(before, text, after)
    return found.apply(before, after) if found.text else None


@pytest.mark.parametrize(
    ("line", "text", "becomes"),
    [
        ("for i in range(10|)", "):", "for i in range(10):"),
        ("while cfg.get('run|')", "'):", "while cfg.get('run'):"),
        ("for i, r in enumerate(df.iterrows(|))", ")):", "for i, r in enumerate(df.iterrows()):"),
        ("print(|)", "x, y)", "print(x, y)"),
        ("print(f'{x|}')", "}: {y}')", "print(f'{x}: {y}')"),
        ("x = [f(1|)]", ") for _ in y]", "x = [f(1) for _ in y]"),
        ("d = {'a': [1|]}", "], 'b': [2]}", "d = {'a': [1], 'b': [2]}"),
        ("a[0|]", "] = 1", "a[0] = 1"),
        ("f(a| )", "):", "f(a):"),
        ('s = """a|"""', '""".strip()', 's = """a""".strip()'),
        ("if isinstance(x, str|) and y:", ") or", "if isinstance(x, str) or and y:"),
    ],
)
def test_a_text_that_runs_over_closers_replaces_them(line: str, text: str, becomes: str) -> None:
    assert placed(line, text) == becomes


@pytest.mark.parametrize(
    ("line", "text", "becomes"),
    [
        ("train_test_s|", "plit(", "train_test_split"),
        ("x = |", "np.array([1, 2", "x = np.array"),
        ("prin|(x, y)", "t('", "print(x, y)"),
        ("plt.plot(x, |)", "label='a", "plt.plot(x, label=)"),
        ("print|", "(f'{x", None),
        ("x = |", "f'{a", None),
        ("x = rb|", "'", None),
        ("x = |", "f(a) + g(", "x = f(a) + g"),
        ("x = f(|", "a, b", "x = f(a, b"),  # the user's own bracket may stay open
        ("x = f(|", "a, b)", "x = f(a, b)"),
    ],
)
def test_a_text_stops_before_what_it_leaves_open(line: str, text: str, becomes: str | None) -> None:
    assert placed(line, text) == becomes


@pytest.mark.parametrize(
    ("line", "text", "becomes"),
    [
        ("plot(\n    x=|\n)", "1)", "plot(\n    x=1\n)"),
        ("f(| + 1)", "a)", "f(a + 1)"),
        ("f(a[|)", "0])", "f(a[0])"),
        ("x = 1|", ")", None),
        ("x = (1|)", "]", None),
        ("f(|a, b)", "x # note", "f(xa, b)"),
        ("x = 'a|'", "b\nc'", "x = 'ab'"),
    ],
)
def test_a_text_closes_nothing_that_another_place_closes(
    line: str, text: str, becomes: str | None
) -> None:
    assert placed(line, text) == becomes


def test_an_end_that_stands_there_makes_a_plain_insertion() -> None:
    assert fit("plot(", "x, y)", ")") == Fit("x, y", 0)
    assert fit("f(a", ")", ")") == Fit("", 0)


def test_in_a_comment_brackets_are_words() -> None:
    assert placed("# see |", "(fig. 1") == "# see (fig. 1"
    assert placed("x = 1  # a|\n", " :)") == "x = 1  # a :)\n"


def test_an_unfinished_field_of_an_f_string_ends_with_the_string() -> None:
    assert placed("x = f'{a|", "}'") == "x = f'{a}'"
    assert faults("x = f'{a'\ny = (1)") == 0


PIECES = st.lists(
    st.sampled_from(
        ["(", ")", "[", "]", "{", "}", "'", '"', '"""', "f'", "a", " ", "\n", "#", "\\", ","]
    ),
    max_size=12,
).map("".join)


@example("#", "\n(", "")
@given(PIECES, PIECES, PIECES)
def test_no_text_adds_a_fault_among_the_brackets(before: str, text: str, after: str) -> None:
    found = fit(before, text, after)
    assert after[: found.replaced].strip(")]}'\" \t") == ""
    assert faults(found.apply(before, after)) <= faults(before + after)
