"""Prompts of plain causal models: the notebook as a file that ends at the caret.

    # df: DataFrame[a, b]          names that the kernel knows
    other cells, separated by an empty line, in the order they ran
    [# below: the text after the caret in its cell]
    the caret's cell up to the caret

Such a model was not trained to fill in a middle, so the text after the caret, if any, comes first,
as comments: it shows which names follow. These models complete; they don't edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nextedit_jupyter.core import SuggestRequest, TextEdit
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.prompt.cells_spm_v1 import STEP, drop_steps
from nextedit_jupyter.prompt.context import CHARS, Stops, comment_mark, file_context
from nextedit_jupyter.prompt.format import EncodingCache, Prompt
from nextedit_jupyter.prompt.healing import split_for_healing
from nextedit_jupyter.prompt.lines import head_window, tail_window
from nextedit_jupyter.prompt.tokenizer import TextTokenizer, encode_open

SUFFIX_SHARE, PREFIX_SHARE = 0.12, 0.45


@dataclass(frozen=True, slots=True)
class PlainCausal:
    """Left to right, without any token that the model was not trained on."""

    name: str = "plain-ltr-v1"
    control_tokens: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ("inline",)
    cache: EncodingCache = field(default_factory=EncodingCache, compare=False, repr=False)
    stops: Stops = field(default_factory=Stops, compare=False, repr=False)

    def inline(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        source, caret = request.cell.source, request.caret.offset
        kept, held = split_for_healing(source[:caret], tokenizer.pieces)
        limit = int(budget * PREFIX_SHARE)
        window = tail_window(kept, max_chars=limit * CHARS, step=STEP * CHARS)
        before = drop_steps(encode_open(tokenizer, window), limit)
        after = self._behind(request, tokenizer, int(budget * SUFFIX_SHARE))
        context = file_context(
            request, tokenizer, self.cache, budget - len(before) - len(after), leading=""
        )
        # The model needs one token to begin with: an empty line adds the least.
        ids = (*context, *after, *before) or tuple(tokenizer.encode("\n"))
        return Prompt(
            ids=ids,
            stop=self.stops.of(tokenizer),
            heal=held.encode("utf-8", "replace"),
            kind="inline",
            draft_source=after,
        )

    def next_edit(self, request: SuggestRequest, tokenizer: TextTokenizer, budget: int) -> Prompt:
        """An empty prompt: these models don't edit (`kinds`)."""
        return Prompt((), self.stops.of(tokenizer), b"", "next_edit")

    def parse_next_edit(
        self, request: SuggestRequest, completion_ids: Sequence[int], tokenizer: TextTokenizer
    ) -> tuple[str, TextEdit] | None:
        return None

    def _behind(
        self, request: SuggestRequest, tokenizer: TextTokenizer, limit: int
    ) -> tuple[int, ...]:
        """The lines below the caret's as comments, in at most `limit` tokens; () without any."""
        below = request.cell.source[request.caret.offset :].partition("\n")[2].strip("\n")
        mark = comment_mark(request)
        if not below.strip() or mark is None:
            return ()
        text = head_window(below, max_chars=limit * CHARS)
        lines = "".join(f"{mark} {line}".rstrip() + "\n" for line in text.split("\n"))
        return tuple(self.cache.encode(tokenizer, lines)[:limit])
