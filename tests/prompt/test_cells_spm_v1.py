from __future__ import annotations

from itertools import pairwise

import pytest
from prompt_letters import Letters, answer, request, shown

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    NamedObject,
    NextEditError,
    Notebook,
    SuggestRequest,
)
from nextedit_jupyter.prompt import Prompt, get_format


def inline(asked: SuggestRequest, budget: int = 4_000) -> Prompt:
    return get_format("cells-spm-v1").inline(asked, Letters(), budget)


def next_edit(asked: SuggestRequest, budget: int = 4_000) -> Prompt:
    return get_format("cells-spm-v1").next_edit(asked, Letters(), budget)


def test_an_inline_prompt_is_cells_then_suffix_then_prefix() -> None:
    prompt = inline(request("import numpy as np", "x = np.ze\ny = 1", caret=(1, 9)))
    assert shown(prompt) == ("<|bos|><|cell|>import numpy as np<|suffix|>\ny = 1<|prefix|>x = np")
    assert prompt.heal == b".ze"


def test_cells_stand_in_the_order_they_ran() -> None:
    prompt = inline(request("second", "first", "not run", "here", ran=[2, 1, None, None]))
    assert shown(prompt).startswith("<|bos|><|cell|>first<|cell|>second<|cell|>not run<|suffix|>")


def test_cells_below_that_did_not_run_come_first() -> None:
    prompt = inline(request("above", "here", "below", caret=(1, 4)))
    assert shown(prompt).startswith("<|bos|><|cell|>below<|cell|>above<|suffix|>")


def test_the_nearest_cells_are_kept_when_room_is_short() -> None:
    cells = [f"cell_{i} = '{'x' * 40}'" for i in range(20)]
    text = shown(inline(request(*cells, "here"), budget=400))
    assert "cell_19" in text
    assert "cell_0 " not in text


def test_markdown_is_left_out() -> None:
    cells = (Cell("m", "markdown", "# Title"), Cell("c", "code", "x"))
    prompt = inline(SuggestRequest(Notebook("python", cells), Caret("c", 1)))
    assert "Title" not in shown(prompt)


def test_names_are_told_with_their_columns_and_keywords() -> None:
    names = [
        NamedObject("np", "module", members=("zeros",), module="numpy"),
        NamedObject("x", "numpy.ndarray"),
        NamedObject("f", "function", keywords=("a", "b")),
        NamedObject("df", "pandas.DataFrame", subscripts=("a", "b c")),
        NamedObject("_", "int"),
    ]
    text = shown(inline(request("df", names=names)))
    assert text.startswith("<|bos|><|names|>df: DataFrame[a, b c]\nf(a, b)\nx: ndarray\n<|suffix|>")


def test_typing_changes_only_the_end_of_an_inline_prompt() -> None:
    whole = "result = model.predict(values)"
    prompts = []
    for end in range(len("result = model."), len(whole) + 1):
        event = EditEvent("c1", "result", whole[:end])
        prompts.append(inline(request("model = 1", whole[:end], history=[event])).ids)
    for earlier, later in pairwise(prompts):
        assert later[: len(earlier)] == earlier


def test_inline_prompts_leave_out_the_newest_edits_of_the_carets_cell() -> None:
    events = [EditEvent("c0", "old = 1", "new = 1"), EditEvent("c1", "b", "bb")]
    text = shown(inline(request("new = 1", "bb", history=events)))
    assert "<|old|>old = 1<|new|>new = 1" in text
    assert "<|new|>bb" not in text


def test_a_next_edit_prompt_shows_edits_and_the_caret() -> None:
    events = [EditEvent("c0", "a = 1", "b = 1")]
    prompt = next_edit(request("b = 1", "print(a)\na", caret=(1, 6), history=events))
    assert shown(prompt).endswith("<|old|>a = 1<|new|>b = 1<|edit|>print(<|cursor|>a)\na<|old|>")
    assert prompt.heal == b""


@pytest.mark.parametrize("budget", [40, 100, 300, 1_000])
@pytest.mark.parametrize("kind", ["inline", "next_edit"])
def test_a_prompt_keeps_to_its_budget(budget: int, kind: str) -> None:
    events = [EditEvent("c0", "q" * 300, "r" * 300)] * 8
    names = [NamedObject(f"df{i}", "DataFrame", subscripts=("a",) * 50) for i in range(100)]
    asked = request(
        *["r" * 300 for _ in range(30)],
        "long line " * 100 + "\n" + "more\n" * 100,
        caret=(30, 700),
        history=events,
        names=names,
    )
    prompt = (inline if kind == "inline" else next_edit)(asked, budget)
    assert len(prompt.ids) <= budget


def test_a_thousand_cells_cost_no_more_than_ten() -> None:
    format, tokenizer = get_format("cells-spm-v1"), Letters()
    few = request(*[f"x{i} = {i}" * 20 for i in range(10)], "y = ")
    many = request(*[f"x{i} = {i}" * 20 for i in range(1_000)], "y = ")
    for asked in (few, many):
        format.inline(asked, tokenizer, 1_000)
    before = tokenizer.encoded
    format.inline(many, tokenizer, 1_000)
    assert tokenizer.encoded - before < 50


@pytest.mark.parametrize("line", ["x = '" + "a" * 1_000_000, "a " * 500_000], ids=["word", "words"])
@pytest.mark.parametrize("kind", ["inline", "next_edit"])
def test_a_line_of_a_megabyte_is_cut_before_it_is_tokenized(line: str, kind: str) -> None:
    for offset in (3, len(line) // 2, len(line)):
        tokenizer = Letters()
        asked = request(
            line, line, caret=(1, offset), ran=(1, 2), history=[EditEvent("c1", "", line)]
        )
        prompt = getattr(get_format("cells-spm-v1"), kind)(asked, tokenizer, 900)
        assert 0 < len(prompt.ids) <= 900
        assert tokenizer.encoded < 8 * 900


def parse(asked: SuggestRequest, text: str) -> tuple[str, str] | None:
    tokenizer = Letters()
    found = get_format("cells-spm-v1").parse_next_edit(asked, answer(tokenizer, text), tokenizer)
    return None if found is None else (found[0], found[1].apply(asked.cell.source))


def test_an_answer_becomes_an_edit_of_the_carets_cell() -> None:
    asked = request("x = 1\ny = a\nz = 2", caret=(0, 8))
    assert parse(asked, "y = a<|new|>y = b<|end|>") == ("c0", "x = 1\ny = b\nz = 2")


def test_an_answer_may_insert_and_delete_lines() -> None:
    asked = request("x = 1\ny = a\nz = 2", caret=(0, 8))
    assert parse(asked, "x = 1<|new|>x = 1\nw = 0<|end|>") == ("c0", "x = 1\nw = 0\ny = a\nz = 2")
    assert parse(asked, "y = a<|new|><|end|>") == ("c0", "x = 1\nz = 2")


def test_an_answer_in_an_empty_cell_fills_it() -> None:
    assert parse(request("", caret=(0, 0)), "<|new|>x = 1<|end|>") == ("c0", "x = 1")


@pytest.mark.parametrize(
    "text",
    [
        "<|end|>",
        "",
        "y = a<|new|>y = b",
        "y = a<|end|>",
        "y = a<|new|>y = a<|end|>",
        "not there<|new|>y<|end|>",
        "<|new|>y<|end|>",
        "y = a<|new|>y<|new|>z<|end|>",
    ],
)
def test_silence_and_unusable_answers_are_no_edit(text: str) -> None:
    assert parse(request("x = 1\ny = a\nz = 2", caret=(0, 8)), text) is None


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(NextEditError, match="cells-spm-v1"):
        get_format("nothing")
