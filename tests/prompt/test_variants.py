from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_letters import Letters, answer, request, shown

from nextedit_jupyter.core import EditEvent
from nextedit_jupyter.prompt import format_names, get_format
from nextedit_jupyter.prompt.control import END
from nextedit_jupyter.prompt.variants import VARIANTS, Layout, Variant, summary, variant

TEXT = "x = 1\nframe = load(path)\nprint(df, df)\nz = df.mean()"


def test_there_are_a_dozen_variants_and_each_is_known_by_its_name() -> None:
    assert len(VARIANTS) >= 12
    assert set(VARIANTS) <= set(format_names())
    assert len({layout.label for layout in VARIANTS.values()}) == len(VARIANTS)
    assert get_format("edit-span-numbers-v1").name == "edit-span-numbers-v1"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("edit-blocks-v1", "print(df, df)<|new|>print(frame, frame)<|end|>"),
        ("edit-window-v1", TEXT.replace("df, df", "frame, frame") + "<|end|>"),
        ("edit-diff-v1", "@@ @@\n frame = load(path)\n-print(df, df)\n+print(frame, frame)\n"
         " z = df.mean()<|end|>"),
        ("edit-diff-numbers-v1", "@@ -2 @@\n frame = load(path)\n-print(df, df)\n"
         "+print(frame, frame)\n z = df.mean()<|end|>"),
        ("edit-rows-v1", "3:<|new|>print(frame, frame)<|end|>"),
        ("edit-span-v1", "df, df<|new|>frame, frame<|end|>"),
        ("edit-span-numbers-v1", "3:df, df<|new|>frame, frame<|end|>"),
    ],
)  # fmt: skip
def test_an_edit_is_written_as_its_format_says(name: str, written: str) -> None:
    asked = request(TEXT, caret=(0, 3))
    after = TEXT.replace("df, df", "frame, frame")
    fmt = variant(name)
    ids = fmt.answer(asked, after, Letters())
    assert ids == answer(Letters(), written)
    found = fmt.parse_next_edit(asked, ids, Letters())
    assert found is not None
    assert found[1].apply(TEXT) == after


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("edit-blocks-v1", "not there<|new|>y<|end|>"),
        ("edit-blocks-v1", "x = 1<|end|>"),
        ("edit-diff-v1", "-x = 1\n+x = 2<|end|>"),
        ("edit-diff-v1", "@@ @@\n-x = 3\n+x = 2<|end|>"),
        ("edit-diff-v1", "@@ @@\nx = 1<|end|>"),
        ("edit-rows-v1", "9:<|new|>y<|end|>"),
        ("edit-rows-v1", "3-2:<|new|>y<|end|>"),
        ("edit-rows-v1", "x<|new|>y<|end|>"),
        ("edit-span-v1", "<|new|>y<|end|>"),
        ("edit-span-v1", "nowhere<|new|>y<|end|>"),
        ("edit-span-numbers-v1", "1:df<|new|>y<|end|>"),
        ("edit-span-numbers-v1", "0:x<|new|>y<|end|>"),
        ("edit-span-numbers-v1", "df<|new|>y<|end|>"),
        ("edit-span-numbers-v1", "3:df<|new|>y"),
        ("edit-span-numbers-v1", "3:df<|new|>y<|old|><|end|>"),
        *((name, "<|end|>") for name in VARIANTS),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_no_edit(name: str, written: str) -> None:
    asked = request(TEXT, caret=(0, 3))
    assert variant(name).parse_next_edit(asked, answer(Letters(), written), Letters()) is None


LINES = st.lists(st.sampled_from(["", "a = b", "b = a(a)", "  c", "a = b  "]), max_size=7)


@pytest.mark.parametrize("name", sorted(VARIANTS))
@given(before=LINES, after=LINES, far=st.integers(0, 60))
def test_what_is_written_reads_back_or_is_not_written(
    name: str, before: list[str], after: list[str], far: int
) -> None:
    now, then = "\n".join(before), "\n".join(after)
    asked = request(now, caret=(0, min(far, len(now))))
    fmt, tokenizer = variant(name), Letters()
    ids = fmt.answer(asked, then, tokenizer)
    if now == then:
        assert ids == [tokenizer.control(END)]
    elif ids is not None:
        found = fmt.parse_next_edit(asked, ids, tokenizer)
        assert found is not None
        assert found[1].apply(now) == then


@pytest.mark.parametrize("name", sorted(VARIANTS))
@given(
    lines=st.integers(2, 8),
    row=st.integers(0, 7),
    what=st.sampled_from(["replace", "insert", "delete"]),
)
def test_one_changed_line_among_different_ones_can_always_be_told(
    name: str, lines: int, row: int, what: str
) -> None:
    before = [f"x{i} = f({i})" for i in range(lines)]
    after = list(before)
    row %= lines
    after[row : row + (what != "insert")] = [] if what == "delete" else ["y = g(1)"]
    asked = request("\n".join(before), caret=(0, 0))
    assert variant(name).answer(asked, "\n".join(after), Letters()) is not None


def test_a_changed_word_is_told_by_as_few_words_as_say_where_it_stands() -> None:
    asked = request("df = 1\nprint(df)\ndf.x", caret=(0, 0))
    letters = Letters()
    numbered = variant("edit-span-numbers-v1").answer(asked, "df = 1\nprint(a)\ndf.x", letters)
    assert numbered == answer(letters, "2:df<|new|>a<|end|>")
    plain = variant("edit-span-v1").answer(asked, "df = 1\nprint(a)\ndf.x", letters)
    assert plain == answer(letters, "(df<|new|>(a<|end|>")


def test_the_window_is_shown_with_numbers_cursor_language_and_summary() -> None:
    event = EditEvent("c0", "a = 1\nb = a", "n = 1\nb = a")
    asked = request("n = 1\nb = a", caret=(0, 8), history=[event])
    fmt = Variant("t", layout=Layout("span", numbers=True, language=True, summary=True))
    assert shown(fmt.next_edit(asked, Letters(), 900)) == (
        "<|bos|><|language|>python<|old|>a = 1<|new|>n = 1<|history|>renamed a to n"
        "<|edit|>1:n = 1\n2:b <|cursor|>= a<|old|>"
    )


def test_the_suffix_may_come_after_the_prefix() -> None:
    asked = request("a = 1\nb = \nc", caret=(0, 10))
    first = shown(variant("edit-blocks-psm-v1").inline(asked, Letters(), 900))
    assert first == "<|bos|><|prefix|>a = 1\nb = <|suffix|>\nc<|new|>".replace("b = <", "b =<")
    assert shown(variant("edit-span-v1").inline(asked, Letters(), 900)) == shown(
        get_format("cells-spm-v1").inline(asked, Letters(), 900)
    )


@pytest.mark.parametrize("name", sorted(VARIANTS))
@pytest.mark.parametrize("budget", [40, 200, 1_000])
def test_prompts_keep_to_their_budget(name: str, budget: int) -> None:
    history = [EditEvent("c1", "x\n" * 50, "y\n" * 50)] * 6
    asked = request("cell " * 300, "long line " * 90 + "\n" + "more\n" * 100,
                    caret=(1, 700), history=history)  # fmt: skip
    assert len(variant(name).next_edit(asked, Letters(), budget).ids) <= budget
    assert len(variant(name).inline(asked, Letters(), budget).ids) <= budget


def test_a_megabyte_in_one_line_is_cut_before_it_is_tokenized() -> None:
    text = "x = '" + "a" * 1_000_000
    tokenizer = Letters()
    variant("edit-span-numbers-v1").next_edit(request(text), tokenizer, 900)
    assert tokenizer.encoded < 8 * 900


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("a = 1", "b = 1", "renamed a to b"),
        ("a = 'x'", "a = 'y'", "changed 'x' to 'y'"),
        ("def f(a):", "def f(a, b):", "modified function signature"),
        ("def f(a):", "def g(a):", "renamed f to g"),
        ("f(a)", "f(a, b=1)", "added , b = 1"),
        ("f(a, b)", "f(a)", "removed , b"),
        ("a", "a\nb", "inserted lines"),
        ("a\nb", "a", "deleted lines"),
        ("a + b", "c * d", "changed a line"),
    ],
)
def test_the_newest_edit_in_words(before: str, after: str, said: str) -> None:
    assert summary(request(after, history=[EditEvent("c0", before, after)])) == said


def test_without_history_there_is_no_summary() -> None:
    assert summary(request("a")) == ""
