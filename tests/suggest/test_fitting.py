"""What is left of a completion once the line is read as it will stand."""

from __future__ import annotations

import pytest

from nextedit_jupyter.suggest.fitting import fitted


def line(marked: str, text: str) -> str | None:
    """The line with what is shown of the text at the bar; None if nothing is."""
    before, _, after = marked.partition("|")
    found = fitted(before, text, after)
    return None if found is None else found.apply(before, after)


@pytest.mark.parametrize(
    ("marked", "text", "becomes"),
    [
        ("plt.plot(x, |)", "label=", "plt.plot(x, label)"),  # `label=)` would not parse
        ("print(a|)", ".mean() +", "print(a.mean())"),
        ("f(|, y)", "x, z=1", "f(x, z, y)"),
        ("total = |  # of all", "sum(x)  # of", "total = sum(x)  # of all"),
        ("for i in range(|):", "10):", "for i in range(10):"),
        ("if isinstance(x, str|):\n    y = 1", "):", None),
        ("if x| == 1:", " = foo", None),
        ("pri|(e)", "nt('", "print(e)"),
        ("plt.sho|(x)", "w()", "plt.show(x)"),
        ("x = [f(1|)] + y", ")]\nz = 3", None),
        ("f(a|)\nprint(f'{b}')", ") + ", None),
        ("f(a=b,|)\nprint(f'{b}')", " c=1, d", "f(a=b, c=1,)\nprint(f'{b}')"),
        ("assert a, f'b|'\nc", "{x}', ", "assert a, f'b{x}'\nc"),
        ("f(g((a for b|)))", "c(0)", "f(g((a for bc(0))))"),
    ],
)
def test_in_mid_line_as_much_is_shown_as_parses_with_the_rest(
    marked: str, text: str, becomes: str | None
) -> None:
    assert line(marked, text) == becomes


@pytest.mark.parametrize("marked", ["pri|nt(x)", "x = va|lue", "a|_b"])
def test_within_a_word_nothing_is_shown(marked: str) -> None:
    assert line(marked, "abc(1)") is None


def test_words_are_not_glued_together() -> None:
    assert line("f(|a, b)", "x") is None
    assert line("f(|a, b)", "x, ") == "f(x,a, b)"


def test_at_the_end_of_a_line_it_may_stay_unfinished() -> None:
    assert line("x = |", "np.mean(") == "x = np.mean"
    assert line("|", "x =") == "x ="
    assert line("for i in |", "range(10):") == "for i in range(10):"


def test_a_broken_cell_gets_no_fault_more() -> None:
    assert line("y = = 1\nprin|(x)", "t('") == "y = = 1\nprint(x)"


def test_other_languages_keep_the_rules_of_brackets_alone() -> None:
    found = fitted("x <- c(1", "):", ")", python=False)
    assert found is not None
    assert found.apply("x <- c(1", ")") == "x <- c(1):"


def test_of_several_lines_each_is_shown_whole() -> None:
    said = "x = 1\ny = 2\nplt.plot(x,"
    assert line("|", said) == "x = 1\ny = 2"
    assert line("|", "plt.plot(\n    x,") == "plt.plot"
    assert line("|", "for i in a:\n    f(i)\n    g(i)") == "for i in a:\n    f(i)\n    g(i)"
