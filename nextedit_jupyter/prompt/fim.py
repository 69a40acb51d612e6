"""Fill-in-the-middle prompts of imported models: text before and after the caret.

    fim-qwen        <|fim_prefix|> before <|fim_suffix|> after <|fim_middle|>      Qwen2.5-Coder
    fim-starcoder   <fim_prefix> before <fim_suffix> after <fim_middle>            StarCoder2
    fim-codellama   <s> ▁<PRE> before ▁<SUF> after ▁<MID>                          Code Llama
    fim-seed        <[fim-suffix]> after <[fim-prefix]> before <[fim-middle]>      Seed-Coder

after their publications (Qwen2.5-Coder technical report, StarCoder 2 and Code Llama papers,
Seed-Coder paper). These models read files, so the notebook is given as one: names that the kernel
knows as comments, then the other cells, then the caret's cell. They complete; they don't edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from nextedit_jupyter.core import SuggestRequest, TextEdit
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.prompt.cells_spm_v1 import STEP, drop_steps
from nextedit_jupyter.prompt.context import CHARS, Stops, file_context
from nextedit_jupyter.prompt.format import EncodingCache, Prompt
from nextedit_jupyter.prompt.healing import split_for_healing
from nextedit_jupyter.prompt.lines import head_window, tail_window
from nextedit_jupyter.prompt.tokenizer import TextTokenizer, encode_open

SUFFIX_SHARE, PREFIX_SHARE = 0.16, 0.45


@dataclass(frozen=True, slots=True)
class FillInTheMiddle:
    """One model family's tokens. `start` come before everything; `leading` is put before the text.

    Code Llama's tokenizer puts a space before a text's first word, and its models were trained that
    way.
    """

    name: str
    prefix: str
    suffix: str
    middle: str
    start: tuple[str, ...] = ()
    leading: str = ""
    order: Literal["prefix first", "suffix first"] = "prefix first"
    kinds: tuple[Kind, ...] = ("inline",)
    cache: EncodingCache = field(default_factory=EncodingCache, compare=False, repr=False)
    stops: Stops = field(default_factory=Stops, compare=False, repr=False)

    @property
    def control_tokens(self) -> tuple[str, ...]:
        return (*self.start, self.prefix, self.suffix, self.middle)

    def inline(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        source, caret = request.cell.source, request.caret.offset
        kept, held = split_for_healing(source[:caret], tokenizer.pieces)
        limit = int(budget * PREFIX_SHARE)
        window = tail_window(kept, max_chars=limit * CHARS, step=STEP * CHARS)
        before = drop_steps(encode_open(tokenizer, window), limit)
        limit = int(budget * SUFFIX_SHARE)
        suffix = head_window(source[caret:].rstrip(), max_chars=limit * CHARS)
        after = self.cache.encode(tokenizer, suffix)[:limit]
        marks = [tokenizer.control(token) for token in (self.prefix, self.suffix, self.middle)]
        start = [tokenizer.control(token) for token in self.start]
        left = budget - len(before) - len(after) - len(marks) - len(start)
        context = file_context(request, tokenizer, self.cache, left, leading=self.leading)
        if not context and self.leading and window == kept:
            before = drop_steps(tokenizer.encode(self.leading + window), len(before) + 1)
        text = [*context, *before]
        if self.order == "prefix first":
            ids = [*start, marks[0], *text, marks[1], *after, marks[2]]
        else:
            ids = [*start, marks[1], *after, marks[0], *text, marks[2]]
        return Prompt(
            ids=tuple(ids),
            stop=self.stops.of(tokenizer),
            heal=held.encode("utf-8", "replace"),
            kind="inline",
            draft_source=tuple(after),
        )

    def next_edit(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        """An empty prompt: these models don't edit (`kinds`)."""
        return Prompt((), self.stops.of(tokenizer), b"", "next_edit")

    def parse_next_edit(
        self, request: SuggestRequest, completion_ids: Sequence[int], tokenizer: TextTokenizer
    ) -> tuple[str, TextEdit] | None:
        return None


def qwen() -> FillInTheMiddle:
    return FillInTheMiddle("fim-qwen", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")


def starcoder() -> FillInTheMiddle:
    return FillInTheMiddle("fim-starcoder", "<fim_prefix>", "<fim_suffix>", "<fim_middle>")


def code_llama() -> FillInTheMiddle:
    return FillInTheMiddle(
        "fim-codellama", "▁<PRE>", "▁<SUF>", "▁<MID>", start=("<s>",), leading=" "
    )


def seed() -> FillInTheMiddle:
    return FillInTheMiddle(
        "fim-seed",
        "<[fim-prefix]>",
        "<[fim-suffix]>",
        "<[fim-middle]>",
        order="suffix first",
    )
