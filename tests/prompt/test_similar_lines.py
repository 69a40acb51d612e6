"""Which lines are like those just changed."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.prompt.similar_lines import (
    MAX_CHARS,
    MAX_COMPARED,
    MAX_LINES,
    LineChange,
    line_changes,
    similar_stretches,
)

INIT = LineChange("super(Decoder, self).__init__()", "super().__init__()", 0, 0)


def found(*sources: str, changes: list[LineChange], limit: int = 6) -> list[tuple[str, int, str]]:
    cells = [(f"c{i}", source) for i, source in enumerate(sources)]
    return [(s.cell, s.first, s.text) for s in similar_stretches(cells, changes, limit=limit)]


def test_lines_that_correspond_are_changes_of_their_own() -> None:
    changes = line_changes("a = 1\nb = 2\nc = 3", "a = 1\nb = 20\nc = 30")
    assert changes == [LineChange("b = 2", "b = 20", 1, 1), LineChange("c = 3", "c = 30", 2, 2)]


def test_insertions_and_large_changes_say_nothing_of_other_lines() -> None:
    assert line_changes("a = 1", "a = 1\nb = 2") == []
    block = "\n".join(f"line_{i} = {i}" for i in range(MAX_LINES + 1))
    assert line_changes(block, "one_line = 1") == []
    assert line_changes("x" * (MAX_CHARS + 1), "y") == []


def test_what_changed_in_a_long_cell_of_equal_lines_is_found_without_comparing_all() -> None:
    lines = ["x = 1"] * 10_000
    after = [*lines[:5_000], "x = 2", *lines[5_001:]]
    (change,) = line_changes("\n".join(lines), "\n".join(after))
    assert (change.old, change.new, change.first) == ("x = 1", "x = 2", 5_000)


def test_edits_far_apart_in_one_go_are_not_compared() -> None:
    lines = ["x = 1"] * (MAX_COMPARED + 2)
    assert line_changes("\n".join(lines), "\n".join(["y", *lines[1:-1], "y"])) == []


def test_a_line_that_holds_what_was_taken_away_is_found_before_others() -> None:
    other = "class Encoder:\n    super(Encoder, self).__init__()\n    print('ready')"
    assert found(other, "x = 1", changes=[INIT])[0] == (
        "c0", 1, "    super(Encoder, self).__init__()",
    )  # fmt: skip


def test_a_line_without_what_was_taken_away_is_not_asked_about() -> None:
    change = LineChange("plt.plot(x, lw=1)", "plt.plot(x)", 0, 0)
    assert found("plt.plot(y)", "plt.plot(z, lw=1)", changes=[change]) == [
        ("c1", 0, "plt.plot(z, lw=1)")
    ]


def test_a_part_of_a_name_is_a_word() -> None:
    change = LineChange("m = TensorGraphMultiTaskClassifier(x)", "m = MultiTaskClassifier(x)", 0, 0)
    assert found("r = TensorGraphMultiTaskRegressor(x)", changes=[change])


def test_what_a_change_wrote_is_no_candidate() -> None:
    change = LineChange("a = f(x, 1)", "a = f(x, 2)", 0, 0)
    assert found("a = f(x, 2)", "b = f(x, 1)", changes=[change]) == [("c1", 0, "b = f(x, 1)")]


def test_as_many_lines_are_asked_about_as_were_changed() -> None:
    change = LineChange("fit(\n    steps=10)", "fit(steps=10)", 0, 0)
    assert found("x = 1\nfit(\n    steps=20)\ny = 2", changes=[change])[0] == (
        "c0", 1, "fit(\n    steps=20)",
    )  # fmt: skip


def test_nothing_is_alike_where_nothing_was_changed_or_no_word_is_shared() -> None:
    assert found("a = 1", changes=[]) == []
    assert found("import os", changes=[INIT]) == []
    assert found("((", changes=[LineChange("((", "(", 0, 0)]) == []


@given(
    st.lists(st.text(alphabet="ab_X1 (=\n", max_size=60), max_size=8),
    st.text(alphabet="ab_X1 (=", min_size=1, max_size=20),
    st.text(alphabet="ab_X1 (=", max_size=20),
    st.integers(1, 4),
)
def test_stretches_stand_where_they_say_and_share_no_line(
    sources: list[str], old: str, new: str, limit: int
) -> None:
    cells = [(str(i), source) for i, source in enumerate(sources)]
    stretches = similar_stretches(cells, [LineChange(old, new, 0, 0)], limit=limit)
    assert len(stretches) <= limit
    lines = [(s.cell, s.first + k) for s in stretches for k in range(s.count)]
    assert len(lines) == len(set(lines))
    for stretch in stretches:
        rows = dict(cells)[stretch.cell].split("\n")[stretch.first : stretch.first + stretch.count]
        assert "\n".join(rows) == stretch.text
    assert [s.likeness for s in stretches] == sorted((s.likeness for s in stretches), reverse=True)


def test_a_cell_of_thousands_of_like_lines_is_cut_into_lines_once_a_change() -> None:
    class Counted(str):
        cuts = 0

        def split(self, *args: Any, **kwargs: Any) -> list[str]:
            Counted.cuts += 1
            return super().split(*args, **kwargs)

    cell = Counted("\n".join(f"x = load(a, {n})" for n in range(2_000)))
    change = LineChange("x = load(a, 1)", "x = fetch(a, 1)", 0, 0)
    assert similar_stretches([("c", cell)], [change], limit=3)
    assert Counted.cuts <= 4
