"""The measures of a suggestion."""

from __future__ import annotations

import pytest

from nextedit_jupyter.evals import measures

BEFORE = "x = 1\nplot(x)\n"
WANTED = "x = 1\nplot(x, color='r')\n"


def test_an_interval_holds_its_share_and_knows_nothing_of_nothing() -> None:
    low, high = measures.wilson(13, 100)
    assert 0.07 < low < 0.13 < high < 0.22
    assert measures.wilson(0, 0) == (0.0, 1.0)
    assert measures.wilson(5, 5)[1] == 1.0


def test_cells_drawn_anew_give_an_interval_that_narrows_with_them() -> None:
    few, many = [(1, 10), (5, 10)], [(1, 10), (5, 10)] * 50
    wide, narrow = measures.ratio_interval(few), measures.ratio_interval(many)
    assert wide[0] <= narrow[0] < 0.3 < narrow[1] <= wide[1]
    assert measures.ratio_interval(many) == narrow


def test_line_ends_and_blanks_at_ends_do_not_count_but_indentation_does() -> None:
    assert measures.same_lines("a\nb", "a  \r\nb\n")
    assert not measures.same_lines("if a:\n    b", "if a:\n  b")


def test_delta_chrf_looks_at_what_changed_alone() -> None:
    assert measures.delta_chrf(BEFORE, WANTED, WANTED) == 1.0
    assert measures.delta_chrf(BEFORE, WANTED, BEFORE) == 0.0
    near = measures.delta_chrf(BEFORE, WANTED, "x = 1\nplot(x, color='b')\n")
    far = measures.delta_chrf(BEFORE, WANTED, "y = 2\nplot(x)\n")
    assert 0.5 < near < 1.0
    assert far < 0.2


def test_delta_chrf_counts_a_deletion_the_wrong_way_as_nothing() -> None:
    assert measures.delta_chrf("ab", "", "abab") < 0.05


def test_exact_lines_are_those_that_came_and_went() -> None:
    assert measures.exact_lines(BEFORE, WANTED, WANTED) == (2, 2, 2)
    assert measures.exact_lines(BEFORE, WANTED, BEFORE) == (0, 0, 2)
    assert measures.exact_lines(BEFORE, WANTED, "x = 1\nplot(y)\n") == (1, 2, 2)
    assert measures.f1(1, 2, 2) == 0.5


def test_the_first_changed_line_is_where_the_texts_part() -> None:
    assert measures.first_changed_line(BEFORE, WANTED) == 1
    assert measures.first_changed_line(BEFORE, BEFORE) is None


def test_bringing_back_what_the_user_deleted_is_a_reversal() -> None:
    assert measures.reversal_ratio("x = old + 1", "x =  + 1", "x = old + 1") == 1.0
    assert measures.reversal_ratio("x = old + 1", "x = new + 1", "x = new + 1\ny = 2") == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "x =", "for i", "for i in", "if x", "f(a, b=", "f('un", "[i for", "d = {'a': ",
        "def f(", "def f(a):", "class A", "import", "from a", "from a import", "try:\n    x = 1",
        "@cached", "# note", "if a:\n    # note", "%matplotlib inl", "x = (1,\n  2", "return x",
        "with open(p) as", "lambda x", "'''doc", "f(*",
    ],
)  # fmt: skip
def test_the_beginning_of_a_program_can_be_gone_on_with(text: str) -> None:
    assert measures.begins_python(text)


@pytest.mark.parametrize(
    "text", ["x = )", "f(a b c d", "for for x", "x = 1 2", "import 3", "if x))"]
)
def test_what_no_end_can_mend_is_no_beginning(text: str) -> None:
    assert not measures.begins_python(text)
