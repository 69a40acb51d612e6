"""The prompts of models made elsewhere, as readable goldens, and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_checkpoint import (
    LINES,
    QWEN_TOKENS,
    STARCODER_TOKENS,
    byte_level_tokenizer,
    sentence_piece_tokenizer,
)

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    KernelFacts,
    NamedObject,
    Notebook,
    SuggestRequest,
)
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.prompt import BundleTokenizer, get_format

GOLDEN = Path(__file__).parent.parent / "golden" / "prompts"
SEED_TOKENS = (
    "<[begin▁of▁sentence]>",
    "<[end▁of▁sentence]>",
    "<[fim-prefix]>",
    "<[fim-suffix]>",
    "<[fim-middle]>",
)
CODE = """def load(path):
    frame = pd.read_csv(path)
    frame = frame.dropna()
    return frame

def plot(frame, column):
    figure, axes = plt.subplots()
    axes.plot(frame[column])
    axes.set_title(column)
    return figure"""
TOKENS = {
    "fim-qwen": QWEN_TOKENS,
    "fim-starcoder": STARCODER_TOKENS,
    "fim-codellama": None,
    "fim-seed": SEED_TOKENS,
    "sweep": QWEN_TOKENS,
    "zeta-2.1": SEED_TOKENS,
}
EDITORS = ("sweep", "zeta-2.1")
Tokenizers = dict[str, BundleTokenizer]


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> Tokenizers:
    folder = tmp_path_factory.mktemp("tokenizers")
    made = {}
    for name, tokens in TOKENS.items():
        path = folder / f"{name}.json"
        if tokens is None:
            sentence_piece_tokenizer(path)
        else:
            byte_level_tokenizer(path, tokens)
        made[name] = BundleTokenizer(path)
    return made


def request(source: str = CODE, marker: str = "axes.set_ti") -> SuggestRequest:
    """A notebook of three cells; `column` was just renamed from `name` in the second's header."""
    cells = (
        Cell("a", "code", "import pandas as pd\nimport matplotlib.pyplot as plt", 1),
        Cell("t", "markdown", "# Plots"),
        Cell("b", "code", source),
        Cell("c", "code", "sales = load('sales.csv')", 2),
    )
    before = source.replace("def plot(frame, column)", "def plot(frame, name)")
    return SuggestRequest(
        Notebook("python", cells),
        Caret("b", source.index(marker) + len(marker)),
        (
            EditEvent("c", "data = load('sales.csv')", "sales = load('sales.csv')"),
            EditEvent("b", before, source),
        ),
        KernelFacts(names=(NamedObject("sales", "DataFrame", subscripts=("month", "amount")),)),
    )


def shown(ids: Sequence[int], tokenizer: BundleTokenizer, name: str) -> str:
    """Ids as text, control tokens by their names."""
    names = {tokenizer.control(token): token for token in TOKENS[name] or _llama_tokens(tokenizer)}
    return "".join(names.get(id) or tokenizer.decode([id]) for id in ids)


def _llama_tokens(tokenizer: BundleTokenizer) -> tuple[str, ...]:
    return ("<s>", "</s>", "▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>")


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize("kind", ["inline", "next_edit"])
def test_the_prompt_is_the_golden_one(
    name: str, kind: str, tokenizers: Tokenizers, pytestconfig: pytest.Config
) -> None:
    format, tokenizer = get_format(name), tokenizers[name]
    prompt = getattr(format, kind)(request(), tokenizer, 1500)
    if kind == "next_edit" and name not in EDITORS:
        assert prompt.ids == ()
        return
    assert len(prompt.ids) <= 1500
    text = shown(prompt.ids, tokenizer, name) + f"\n--- held back: {prompt.heal.decode()!r}\n"
    golden = GOLDEN / f"{name}-{kind}.txt"
    if pytestconfig.getoption("--update-goldens"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize("budget", [40, 120, 400])
def test_no_prompt_is_over_its_budget(name: str, budget: int, tokenizers: Tokenizers) -> None:
    format, tokenizer = get_format(name), tokenizers[name]
    long = request("".join(LINES) * 40 + CODE)
    assert len(format.inline(long, tokenizer, budget).ids) <= budget
    assert len(format.next_edit(long, tokenizer, budget).ids) <= budget


@pytest.mark.parametrize("name", TOKENS)
def test_control_tokens_that_were_typed_stay_text(name: str, tokenizers: Tokenizers) -> None:
    format, tokenizer = get_format(name), tokenizers[name]
    plain = format.inline(request(), tokenizer, 1500).ids
    control = {tokenizer.control(token) for token in format.control_tokens}
    typed = "".join(format.control_tokens) + "\n"
    prompt = format.inline(request(typed + CODE), tokenizer, 1500)
    assert [id for id in prompt.ids if id in control] == [id for id in plain if id in control]


@pytest.mark.parametrize("name", TOKENS)
def test_every_id_without_text_ends_an_answer(name: str, tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers[name]
    stop = get_format(name).inline(request(), tokenizer, 800).stop
    assert {tokenizer.control(token) for token in get_format(name).control_tokens} <= stop
    assert all(tokenizer.token_bytes(id) == b"" for id in stop)


@pytest.mark.parametrize("name", TOKENS)
def test_an_empty_notebook_has_a_prompt(name: str, tokenizers: Tokenizers) -> None:
    empty = SuggestRequest(Notebook("python", (Cell("a", "code", ""),)), Caret("a", 0))
    prompt = get_format(name).inline(empty, tokenizers[name], 512)
    assert len(prompt.ids) >= 3
    get_format(name).next_edit(empty, tokenizers[name], 512)


def test_a_tokenizer_of_another_family_is_refused_by_name(tokenizers: Tokenizers) -> None:
    with pytest.raises(BundleError, match="no control token <fim_prefix>"):
        get_format("fim-starcoder").inline(request(), tokenizers["fim-qwen"], 512)


def test_code_llama_gets_its_blank_before_the_first_word_alone(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["fim-codellama"]
    alone = SuggestRequest(Notebook("python", (Cell("a", "code", "def f"),)), Caret("a", 4))
    text = shown(
        get_format("fim-codellama").inline(alone, tokenizer, 512).ids, tokenizer, "fim-codellama"
    )
    assert text == "<s>▁<PRE> def▁<SUF>f▁<MID>"


class TestSweep:
    """Its answers: the rest of the window, from two lines above the caret on."""

    def answer(self, tokenizers: Tokenizers, text: str, *, end: bool = True) -> str | None:
        tokenizer = tokenizers["sweep"]
        ids = tokenizer.encode(text) + ([tokenizer.control("<|endoftext|>")] if end else [])
        parsed = get_format("sweep").parse_next_edit(request(), ids, tokenizer)
        return None if parsed is None else parsed[1].apply(CODE)

    def test_a_rewritten_window_is_an_edit_of_what_changed(self, tokenizers: Tokenizers) -> None:
        rest = CODE[CODE.index("    figure, axes") :]
        changed = rest.replace("axes.set_title(column)", "axes.set_title(column.title())")
        assert self.answer(tokenizers, changed + "\n") == CODE.replace(rest, changed)

    def test_the_same_window_or_one_cut_off_is_no_edit(self, tokenizers: Tokenizers) -> None:
        rest = CODE[CODE.index("    figure, axes") :]
        assert self.answer(tokenizers, rest + "\n") is None
        assert self.answer(tokenizers, rest.replace("axes", "ax"), end=False) is None
        assert self.answer(tokenizers, "", end=False) is None

    def test_a_cursor_that_is_repeated_is_left_out(self, tokenizers: Tokenizers) -> None:
        rest = CODE[CODE.index("    figure, axes") :].replace(
            "return figure", "return <|cursor|>fig"
        )
        found = self.answer(tokenizers, rest)
        assert found is not None
        assert found.endswith("return fig")

    def test_a_cell_that_holds_the_cursor_s_mark_is_not_asked_about(
        self, tokenizers: Tokenizers
    ) -> None:
        asked = request(CODE + "\n# <|cursor|>")
        assert get_format("sweep").next_edit(asked, tokenizers["sweep"], 1500).ids == ()


class TestZeta:
    """Its answers: two markers and what is to stand between them."""

    def answer(
        self, tokenizers: Tokenizers, text: str, *, source: str = CODE, end: bool = True
    ) -> str | None:
        tokenizer = tokenizers["zeta-2.1"]
        stop = [tokenizer.control("<[end▁of▁sentence]>")] if end else []
        asked = request(source)
        parsed = get_format("zeta-2.1").parse_next_edit(
            asked, tokenizer.encode(text) + stop, tokenizer
        )
        return None if parsed is None else parsed[1].apply(source)

    def test_the_text_between_two_markers_is_replaced(self, tokenizers: Tokenizers) -> None:
        new = CODE.replace("axes.set_title(column)", "axes.set_title(column, pad=8)")
        assert self.answer(tokenizers, f"<|marker_1|>{new}<|marker_2|>") == new

    def test_a_block_is_replaced_and_keeps_its_line_end(self, tokenizers: Tokenizers) -> None:
        lines = [f"x{i} = {i}" for i in range(8)]
        source = "\n".join([*lines, "", *lines, "axes.set_ti"])
        found = self.answer(tokenizers, "<|marker_1|>y = 1<|marker_2|>", source=source)
        assert found == "\n".join(["y = 1", *lines, "axes.set_ti"])

    @pytest.mark.parametrize(
        "text",
        [
            "<|marker_1|><|marker_1|>",
            "<|marker_2|>x<|marker_1|>",
            "<|marker_1|>x<|marker_9|>",
            "<|marker_0|>x<|marker_2|>",
            "<|marker_1|>x",
            "so <|marker_1|>x<|marker_2|>",
            "",
        ],
    )
    def test_markers_that_say_nothing_usable_are_no_edit(
        self, tokenizers: Tokenizers, text: str
    ) -> None:
        assert self.answer(tokenizers, text) is None

    def test_an_answer_that_was_cut_off_is_no_edit(self, tokenizers: Tokenizers) -> None:
        assert self.answer(tokenizers, "<|marker_1|>x<|marker_2|>", end=False) is None

    def test_a_cell_that_holds_markers_is_not_asked_about(self, tokenizers: Tokenizers) -> None:
        asked = request(CODE + "\n# <|marker_1|>")
        assert get_format("zeta-2.1").next_edit(asked, tokenizers["zeta-2.1"], 1500).ids == ()


def test_another_language_has_no_python_comments(tokenizers: Tokenizers) -> None:
    other = replace(request(), notebook=replace(request().notebook, language="brainfuck"))
    tokenizer = tokenizers["fim-qwen"]
    text = shown(get_format("fim-qwen").inline(other, tokenizer, 1500).ids, tokenizer, "fim-qwen")
    assert "sales: DataFrame" not in text
