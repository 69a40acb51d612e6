"""Training tasks in the form of the product's requests, with the right answers.

A task can be rendered by any prompt format; loss is taken only on the answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from nextedit_jupyter.core import Caret, Cell, Notebook, SuggestRequest
from nextedit_jupyter.prompt import control
from nextedit_jupyter.prompt.format import EditFormat
from nextedit_jupyter.prompt.tokenizer import TextTokenizer
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.edits import LONGEST_CELL, MAX_CELLS, draw_case
from nextedit_jupyter.training.packing import NO_LOSS

MAX_MISSES = 1_000  # consecutive failed attempts


@dataclass(frozen=True, slots=True)
class PromptTask:
    """`target` is the expected text of the caret's cell, or for `line` the rest of the caret's
    line.

    `change` is a kind of `training.edits`, `none` if nothing is to be done, or `line`.
    """

    kind: Literal["edit", "line"]
    request: SuggestRequest
    target: str
    change: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A task's ids: the prompt and the right answer."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    @property
    def packed(self) -> list[int]:
        """All ids, with those of the prompt marked as without loss."""
        return [id | NO_LOSS for id in self.prompt] + list(self.answer)


def edit_tasks(documents: Sequence[Document], rng: random.Random) -> Iterator[PromptTask]:
    """Half-done edits of stretches of documents, a quarter of them with nothing left to do.

    Endless, unless the documents offer none.
    """
    chosen = [document for document in documents if len(document.cells) > 1]
    misses = 0
    while chosen and misses < MAX_MISSES:
        misses += 1
        document = rng.choice(chosen)
        case = draw_case(document.cells, rng)
        if case is not None:
            misses = 0
            yield PromptTask("edit", case.request(), case.after, case.kind)


def line_tasks(documents: Sequence[Document], rng: random.Random) -> Iterator[PromptTask]:
    """Carets within lines, with or without the lines below; endless like `edit_tasks`."""
    chosen = [document for document in documents if any(document.cells)]
    misses = 0
    while chosen and misses < MAX_MISSES:
        misses += 1
        document = rng.choice(chosen)
        index = rng.randrange(len(document.cells))
        text = document.cells[index]
        lines = text.split("\n")
        row = rng.randrange(len(lines))
        line = lines[row]
        blanks = len(line) - len(line.lstrip())
        if len(line) - blanks < 4 or len(text) > LONGEST_CELL:
            continue
        start = sum(len(above) + 1 for above in lines[:row])
        caret = start + rng.randrange(blanks, len(line) - 1)
        rest = line[caret - start :]
        below = text[start + len(line) :] if rng.random() < 0.5 else ""
        cells = tuple(
            Cell(f"c{i}", "code", source, execution_count=i + 1)
            for i, source in enumerate(document.cells[max(0, index - MAX_CELLS) : index])
        )
        here = Cell("here", "code", text[:caret] + below)
        request = SuggestRequest(Notebook("python", (*cells, here)), Caret("here", caret))
        misses = 0
        yield PromptTask("line", request, rest, "line")


def render(
    task: PromptTask, fmt: EditFormat, tokenizer: TextTokenizer, *, length: int
) -> Rendered | None:
    """The task in a format, in at most `length` tokens; None if the format cannot express it."""
    if task.kind == "line":
        prompt = fmt.inline(task.request, tokenizer, length * 3 // 4)
        heal = prompt.heal.decode("utf-8", "replace")
        end = tokenizer.control(control.END)
        answer: list[int] | None = [*tokenizer.encode(heal + task.target), end]
    else:
        answer = fmt.answer(task.request, task.target, tokenizer)
        if answer is None or len(answer) > length // 2:
            return None
        prompt = fmt.next_edit(task.request, tokenizer, length - len(answer))
    assert answer is not None
    if not prompt.ids or len(prompt.ids) + len(answer) > length:
        return None
    return Rendered(prompt.ids, tuple(answer))
