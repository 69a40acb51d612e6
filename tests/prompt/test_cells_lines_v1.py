"""The format that asks about one stretch of lines after the other."""

from __future__ import annotations

import pytest
from prompt_letters import Letters, answer, request, shown

from nextedit_jupyter.core import EditEvent, SuggestRequest
from nextedit_jupyter.prompt import get_format
from nextedit_jupyter.prompt.cells_lines_v1 import (
    CellsLinesV1,
    lines_at_caret,
    recent_changes,
    stretch_edit,
)
from nextedit_jupyter.prompt.cells_spm_v1 import CellsSpmV1
from nextedit_jupyter.prompt.control import END, NEW
from nextedit_jupyter.prompt.similar_lines import Stretch

FORMAT = CellsLinesV1()
LETTERS = Letters()
HISTORY = (EditEvent("c0", "a = f(1)", "a = g(1)"),)


def asked(source: str = "x = 0\nb = f(2)\ny = 1") -> SuggestRequest:
    return request("a = g(1)", source, caret=(1, 8), history=HISTORY)


def test_the_prompt_tells_what_changed_and_asks_about_the_lines_at_the_caret() -> None:
    prompt = FORMAT.next_edit(asked(), LETTERS, 1000)
    assert shown(prompt) == "<|bos|><|old|>a = f(1)<|new|>a = g(1)<|edit|>b = f(2)"
    assert prompt.begin is None
    assert LETTERS.control(END) in prompt.stop
    assert LETTERS.control(NEW) not in prompt.stop


def test_a_stretch_is_asked_for_its_change_whatever_is_likelier() -> None:
    prompt = FORMAT.stretch_prompt(
        FORMAT.changes_prefix(recent_changes(HISTORY), LETTERS), "b = f(2)", LETTERS
    )
    assert prompt.begin == LETTERS.control(NEW)


def test_inline_prompts_are_those_of_cells_spm_v1() -> None:
    plain = CellsSpmV1().inline(asked(), LETTERS, 1000)
    assert get_format("cells-lines-v1").inline(asked(), LETTERS, 1000) == plain


@pytest.mark.parametrize(
    ("after", "written"),
    [
        ("x = 0\nb = g(2)\ny = 1", "<|new|>b = g(2)<|end|>"),
        ("x = 0\nb = f(2)\ny = 1", "<|end|>"),
        ("x = 0\ny = 1", "<|new|><|end|>"),
        ("x = 0\nb = g(2)\nc = 3\ny = 1", "<|new|>b = g(2)\nc = 3<|end|>"),
    ],
)
def test_what_is_to_be_said_leads_to_the_text_after(after: str, written: str) -> None:
    ids = FORMAT.answer(asked(), after, LETTERS)
    assert ids == answer(LETTERS, written)
    found = FORMAT.parse_next_edit(asked(), ids or [], LETTERS)
    now = asked().cell.source
    assert (found[1].apply(now) if found else now) == after


def test_a_change_elsewhere_or_after_no_change_cannot_be_said() -> None:
    assert FORMAT.answer(asked(), "x = 5\nb = f(2)\ny = 1", LETTERS) is None
    assert FORMAT.answer(request("b = f(2)"), "b = g(2)", LETTERS) is None


@pytest.mark.parametrize("said", ["", "<|new|>b = g(2)", "b = g(2)<|end|>", "<|end|>", "<|new|>"])
def test_an_answer_that_is_none_is_no_edit(said: str) -> None:
    assert FORMAT.parse_next_edit(asked(), answer(LETTERS, said), LETTERS) is None


def test_what_was_typed_in_several_goes_is_one_change_and_what_was_taken_back_is_none() -> None:
    goes = (
        EditEvent("c", "x = 1\ny = 2", "x = 10\ny = 2"),
        EditEvent("d", "z", "w"),
        EditEvent("c", "x = 10\ny = 2", "x = 100\ny = 2"),
    )
    assert [(c.old, c.new) for c in recent_changes(goes)] == [("z", "w"), ("x = 1", "x = 100")]
    back = (*goes, EditEvent("c", "x = 100\ny = 2", "x = 1\ny = 2"))
    assert [(c.old, c.new) for c in recent_changes(back)] == [("z", "w")]


def test_as_many_lines_stand_at_the_caret_as_the_newest_change_replaced() -> None:
    history = (EditEvent("c0", "f(\n    1)", "f(1)"),)
    asked = request("f(1)", "a\ng(\n    2)\nb", caret=(1, 3), history=history)
    stretch = lines_at_caret(asked, recent_changes(history))
    assert (stretch.first, stretch.count, stretch.text) == (1, 2, "g(\n    2)")


def test_a_stretch_that_no_longer_stands_there_is_not_edited() -> None:
    stretch = Stretch("c", 1, 1, "b = 2", 1.0)
    assert stretch_edit("a = 1\nb = 2", stretch, "b = 3") is not None
    assert stretch_edit("a = 1\nb = 20", Stretch("c", 1, 1, "b = 30", 1.0), "x") is None
    assert stretch_edit("a = 1\nb = 2", stretch, "b = 2") is None
    assert stretch_edit("a = 1\nb = 2", stretch, None) is None


@pytest.mark.parametrize(
    ("first", "text", "after"), [(0, "a", "b\nc"), (1, "b", "a\nc"), (2, "c", "a\nb")]
)
def test_a_line_goes_with_one_line_end(first: int, text: str, after: str) -> None:
    edit = stretch_edit("a\nb\nc", Stretch("c", first, 1, text, 1.0), "")
    assert edit is not None
    assert edit.apply("a\nb\nc") == after
