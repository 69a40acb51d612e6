"""Checks whether a bundle recites its training texts: long verbatim spans in greedy output.

A prompt is the first half of a cell of a training document after its preceding cells, as the
product would render it; the model continues over several lines. A span counts as recited if it
occurs in the training texts, in at most `COMMON - 1` documents (what occurs in more is
boilerplate), and not in the prompt. The same with held-out documents shows how often such spans
occur by chance. After Carlini et al., "Quantifying memorization across neural language models",
2023, who count continuations of 50 tokens; 150 characters are about as many.
"""

from __future__ import annotations

import random
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nextedit_jupyter.core import Caret, Cell, Notebook, SuggestRequest
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.engine import Engine
from nextedit_jupyter.engine.decoder import CacheSizes
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.format import PromptFormat
from nextedit_jupyter.training.corpus.document import Document

SPAN = 150  # characters
COMMON = 3  # documents
_GRAM, _STRIDE = 40, 20  # every span of 60 characters or more is found
_MAX_PLACES = 40  # examined per gram


@dataclass(frozen=True, slots=True)
class Recited:
    """For some prompts: how many answers contained a recited span of `SPAN`, and the longest
    one."""

    prompts: int
    recited: int
    longest: int


@dataclass(frozen=True, slots=True)
class Memorisation:
    """What was recited after prompts from training texts and from held-out ones."""

    training: Recited
    held_out: Recited

    def to_card(self) -> str:
        """A sentence or two for a bundle's card."""
        training, held = self.training, self.held_out
        text = (
            f"After the first halves of {training.prompts} cells of the training texts, "
            f"{training.recited} greedy continuations held a verbatim span of {SPAN} characters or "
            f"more that stands in fewer than {COMMON} training documents and not in the prompt; "
            f"the longest one had {training.longest} characters."
        )
        if held.prompts:
            text += (
                f" After {held.prompts} cells of held-out texts: {held.recited}, the longest "
                f"{held.longest}."
            )
        return text

    def to_json(self) -> dict[str, Any]:
        return {"span": SPAN, **asdict(self)}


class Texts:
    """Documents as one text with an index for looking up spans."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._starts: list[int] = []
        parts, at = [], 0
        for document in documents:
            self._starts.append(at)
            text = "\n".join(document.cells) + "\0"
            parts.append(text)
            at += len(text)
        self.text = "".join(parts)

    def longest(self, output: str, prompt: str) -> int:
        """The length of the longest span of `output` that is recited."""
        best = 0
        for start in range(0, len(output) - _GRAM + 1, _STRIDE):
            gram = output[start : start + _GRAM]
            if not gram.strip():
                continue
            for place in self._places(gram):
                first, last = self._grow(output, start, place)
                if last - first > best and not self._is_common(output[first:last]):
                    span = output[first:last]
                    if span not in prompt:
                        best = last - first
        return best

    def _places(self, gram: str) -> list[int]:
        found: list[int] = []
        at = self.text.find(gram)
        while at >= 0 and len(found) < _MAX_PLACES:
            found.append(at)
            at = self.text.find(gram, at + 1)
        return found

    def _grow(self, output: str, start: int, place: int) -> tuple[int, int]:
        """The span around output[start] that matches the text around `place`."""
        first, last, shift = start, start + _GRAM, place - start
        while first > 0 and first + shift > 0 and output[first - 1] == self.text[first - 1 + shift]:
            first -= 1
        while (
            last < len(output)
            and last + shift < len(self.text)
            and output[last] == self.text[last + shift]
        ):
            last += 1
        return first, last

    def _is_common(self, span: str) -> bool:
        documents: set[int] = set()
        at = self.text.find(span)
        while at >= 0 and len(documents) < COMMON:
            number = bisect_right(self._starts, at)
            documents.add(number)
            following = self._starts[number] if number < len(self._starts) else len(self.text)
            at = self.text.find(span, following)
        return len(documents) >= COMMON


def recited(
    texts: Texts,
    documents: Sequence[Document],
    answer: Callable[[SuggestRequest], tuple[str, str]],
    *,
    prompts: int,
    seed: int = 0,
) -> Recited:
    """Prompt with the first halves of `prompts` cells; `answer` returns everything that was shown
    to the model, and what it wrote."""
    rng = random.Random(seed)
    places = [
        (document, index)
        for document in documents
        for index, cell in enumerate(document.cells)
        if len(cell) >= 2 * SPAN
    ]
    chosen = rng.sample(places, min(prompts, len(places)))
    count = longest = 0
    for document, index in chosen:
        prompt, output = answer(half_typed(document, index))
        span = texts.longest(output, prompt)
        longest = max(longest, span)
        count += span >= SPAN
    return Recited(len(chosen), count, longest)


def half_typed(document: Document, index: int) -> SuggestRequest:
    """The notebook with cell `index` typed up to the line end after its middle."""
    text = document.cells[index]
    end = text.find("\n", len(text) // 2)
    typed = text[: end if end > 0 else len(text) // 2]
    cells = [
        Cell(f"c{i}", "code", source, execution_count=i + 1)
        for i, source in enumerate(document.cells[:index])
    ]
    cells.append(Cell("here", "code", typed))
    return SuggestRequest(Notebook("python", tuple(cells)), Caret("here", len(typed)))


def check_memorisation(
    bundle: Path,
    shape: CacheSizes,
    fmt: PromptFormat,
    documents: Sequence[Document],
    held_out: Sequence[Document] = (),
    *,
    prompts: int = 60,
    max_new: int = 96,
    budget: int = 700,
    seed: int = 0,
) -> Memorisation:
    """Check the bundle in a folder against the documents that it was trained on.

    The folder needs only the graph and the tokenizer: the card is written from the results. Raises
    TrainingError if none of the documents has a cell that is long enough.
    """
    tokenizer = BundleTokenizer(bundle / "tokenizer.json")
    engine = Engine(bundle / "model.onnx", tokenizer, shape)

    def answer(request: SuggestRequest) -> tuple[str, str]:
        prompt = fmt.inline(request, tokenizer, budget)
        completion = engine.complete(
            prompt, max_new=max_new, deadline=time.monotonic() + 120, cancelled=lambda: False
        )
        # All cells count as shown, even if the prompt truncated them.
        shown = "\n".join(cell.source for cell in request.notebook.cells)
        return shown, completion.text

    texts = Texts(documents)
    training = recited(texts, documents, answer, prompts=prompts, seed=seed)
    if not training.prompts:
        raise TrainingError("no cell of the training texts is long enough for a memorisation check")
    return Memorisation(training, recited(texts, held_out, answer, prompts=prompts // 2, seed=seed))
