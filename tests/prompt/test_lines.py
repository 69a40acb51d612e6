from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.prompt.lines import (
    changed_lines,
    find_lines,
    head_window,
    line_window,
    tail_window,
)

texts = st.lists(st.text("ab ", max_size=6), max_size=12).map("\n".join)


@given(text=texts, max_chars=st.integers(1, 40))
def test_a_head_window_is_a_beginning_and_holds_its_bound(text: str, max_chars: int) -> None:
    window = head_window(text, max_chars=max_chars)
    assert text.startswith(window)
    assert len(window) <= max_chars


@given(text=texts, max_chars=st.integers(8, 40), step=st.integers(1, 8))
def test_a_tail_window_is_an_end_and_holds_its_bound(text: str, max_chars: int, step: int) -> None:
    window = tail_window(text, max_chars=max_chars, step=step)
    assert text.endswith(window)
    assert len(window) <= max_chars


def test_a_tail_window_keeps_its_beginning_while_a_line_is_typed() -> None:
    text = "".join(f"line number {i}\n" for i in range(40))
    begins = {
        len(text) + n - len(tail_window(text + "x" * n, max_chars=300, step=64)) for n in range(64)
    }
    assert len(begins) <= 2


def test_changed_lines_are_whole_lines() -> None:
    assert changed_lines("a\nbc\nd", "a\nbx\nd") == ("bc", "bx")
    assert changed_lines("a\nd", "a\nb\nd") == ("", "b")
    assert changed_lines("a\nb\nd", "a\nd") == ("b", "")
    assert changed_lines("a", "a") == ("", "")


@given(text=texts, offset=st.integers(0, 80))
def test_a_line_window_holds_whole_lines_around_the_caret(text: str, offset: int) -> None:
    offset = min(offset, len(text))
    start, end = line_window(text, offset, above=2, below=3, step=2)
    assert start <= offset <= end
    assert start == 0 or text[start - 1] == "\n"
    assert end == len(text) or text[end] == "\n"


def test_lines_are_found_whole_and_nearest_to_the_caret() -> None:
    text = "x = 1\nxx = 1\nx = 1"
    assert find_lines(text, "x = 1", 0, len(text), near=0) == (0, 5)
    assert find_lines(text, "x = 1", 0, len(text), near=len(text)) == (13, 18)
    assert find_lines(text, "= 1", 0, len(text), near=0) is None
