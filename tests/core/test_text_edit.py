from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.core import Replacement, TextEdit

TEXTS = st.text(alphabet="ab\n é😀\u0301\r", max_size=24)


@st.composite
def edits_of(draw: st.DrawFn, text: str) -> TextEdit:
    points = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    replacements = []
    last = -1
    for start, end in zip(points[::2], points[1::2]):
        if start > last:
            replacements.append(Replacement(start, end, draw(st.text("xyé😀\n", max_size=3))))
            last = end
    return TextEdit(tuple(replacements))


@st.composite
def text_and_edit(draw: st.DrawFn) -> tuple[str, TextEdit]:
    text = draw(TEXTS)
    return text, draw(edits_of(text))


@given(text_and_edit())
def test_an_edit_and_its_inverse_give_the_text_back(case: tuple[str, TextEdit]) -> None:
    text, edit = case
    assert edit.invert(text).apply(edit.apply(text)) == text


@given(text_and_edit(), st.data())
def test_composing_is_applying_one_after_the_other(
    case: tuple[str, TextEdit], data: st.DataObject
) -> None:
    text, first = case
    second = data.draw(edits_of(first.apply(text)))
    assert first.compose(second).apply(text) == second.apply(first.apply(text))


@given(TEXTS, TEXTS)
def test_the_edit_between_two_texts_turns_one_into_the_other(before: str, after: str) -> None:
    edit = TextEdit.between(before, after)
    assert edit.apply(before) == after
    assert bool(edit) == (before != after)


@given(text_and_edit(), st.data())
def test_rebased_edits_commute_unless_both_insert_at_one_place(
    case: tuple[str, TextEdit], data: st.DataObject
) -> None:
    text, mine = case
    other = data.draw(edits_of(text))
    after_other, after_mine = mine.rebase(other), other.rebase(mine)
    assert (after_other is None) == (after_mine is None)
    if after_other is None or after_mine is None:
        return
    touching = any(
        a.start in (b.start, b.end) or a.end in (b.start, b.end)
        for a in mine
        for b in other
        if a != b
    )
    merged = after_other.apply(other.apply(text))
    if not touching:
        assert merged == after_mine.apply(mine.apply(text))
    assert len(merged) == len(after_mine.apply(mine.apply(text)))


def test_both_changing_one_place_cannot_be_rebased() -> None:
    assert TextEdit.replace(0, 3, "x").rebase(TextEdit.replace(2, 5, "y")) is None
    assert TextEdit.replace(0, 3, "x").rebase(TextEdit.insert(1, "y")) is None


def test_a_change_made_already_is_dropped_when_rebased() -> None:
    edit = TextEdit((Replacement(0, 1, "x"), Replacement(4, 5, "x")))
    assert edit.rebase(TextEdit.replace(0, 1, "x")) == TextEdit.replace(4, 5, "x")


@given(text_and_edit(), st.data())
def test_what_is_left_after_typing_a_part_completes_the_suggestion(
    case: tuple[str, TextEdit], data: st.DataObject
) -> None:
    text, suggestion = case
    if not suggestion:
        return
    chosen = data.draw(st.sampled_from(suggestion.replacements))
    length = data.draw(st.integers(0, len(chosen.text)))
    end = data.draw(st.integers(chosen.start, chosen.end))
    typed = TextEdit.replace(chosen.start, end, chosen.text[:length])
    left = suggestion.interpolate(typed)
    assert left is not None
    assert left.apply(typed.apply(text)) == suggestion.apply(text)


def test_typing_something_else_leaves_nothing_of_the_suggestion() -> None:
    suggestion = TextEdit.insert(3, "plt.show()")
    assert suggestion.interpolate(TextEdit.insert(3, "plx")) is None
    assert suggestion.interpolate(TextEdit.insert(2, "plt")) is None
    assert suggestion.interpolate(TextEdit.insert(3, "plt.")) == TextEdit.insert(7, "show()")


def test_a_line_diff_keeps_distant_changes_apart() -> None:
    before = "lr = 1\na\nb\nfit(lr)\n"
    after = "rate = 1\na\nb\nfit(rate)\n"
    assert [(r.start, r.end, r.text) for r in TextEdit.between(before, after)] == [
        (0, 2, "rate"),
        (15, 17, "rate"),
    ] or TextEdit.between(before, after).apply(before) == after
    assert len(TextEdit.between(before, after).replacements) == 2


def test_invalid_replacements_are_refused() -> None:
    with pytest.raises(ValueError, match="start"):
        Replacement(3, 2, "")
    with pytest.raises(ValueError, match="disjoint"):
        TextEdit((Replacement(0, 4, ""), Replacement(3, 5, "")))
    with pytest.raises(ValueError, match="longer text"):
        TextEdit.replace(0, 9, "").apply("short")


@given(text_and_edit(), st.data())
def test_offsets_move_with_the_text_around_them(
    case: tuple[str, TextEdit], data: st.DataObject
) -> None:
    text, edit = case
    offset = data.draw(st.integers(0, len(text)))
    before, after = edit.map_offset(offset, after=False), edit.map_offset(offset)
    assert 0 <= before <= after <= len(edit.apply(text))
    if not any(r.start <= offset <= r.end for r in edit):
        assert before == after
        assert edit.apply(text)[after : after + 1] == text[offset : offset + 1]


def test_a_word_replaced_in_hundreds_of_equal_lines_is_an_edit_of_each_of_them() -> None:
    """Each equal line with each other one: seconds, where line by line says the same."""
    before = "for a in b:\n    b += a\n" * 600
    after = before.replace("for", "from")
    edit = TextEdit.between(before, after)
    assert edit.apply(before) == after
    assert len(edit.replacements) == 600
    longer = after + "x = 1\n" + before
    assert TextEdit.between(before, longer).apply(before) == longer
