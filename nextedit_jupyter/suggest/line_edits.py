"""Next edits line by line: the model is asked about the lines most similar to those just changed.

The lines are found without the model (`prompt.similar_lines`), which is not asked if nothing is
similar. They are asked about in a fixed order, with the earlier answers in the prompt, so each
stretch costs only its own tokens; the first answer that is confident enough is the next edit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from nextedit_jupyter.core import SuggestRequest, TextEdit
from nextedit_jupyter.engine import Completion
from nextedit_jupyter.prompt import Prompt, TextTokenizer
from nextedit_jupyter.prompt.cells_lines_v1 import CellsLinesV1, recent_changes, stretch_edit
from nextedit_jupyter.prompt.similar_lines import LineChange, similar_stretches

ASKED = 6  # stretches per request
_LONGER = 1.5  # how much longer than a stretch its replacement may be, and
_SPARE = 24  # extra tokens
# What a user left unchanged in the cell that they just edited is mostly meant to stay: on
# validation commits seven of nine wrong edits were there, all with less confidence than this, and
# no right one.
SURE_AT_HOME = 0.4

Complete = Callable[[Prompt, int, float], Completion]


@dataclass(frozen=True, slots=True)
class LineEdit:
    """An edit of a cell and its probability according to the model."""

    cell: str
    edit: TextEdit
    confidence: float


@dataclass(frozen=True, slots=True)
class LineScan:
    """The result of a scan: the edit, if one was confident enough, and the completions made.

    `unsure`: a stretch would have been changed, but with too little confidence.
    """

    found: LineEdit | None
    completions: tuple[Completion, ...]
    unsure: bool = False


def scan_lines(
    request: SuggestRequest,
    format: CellsLinesV1,
    tokenizer: TextTokenizer,
    complete: Complete,
    threshold: float,
) -> LineScan:
    """Ask about the most similar stretches, one after the other, until one should be changed.

    `complete(prompt, max_tokens, min_probability)` continues a prompt while the total probability
    is at least that. A completion that was stopped ends the scan and is the last one.
    """
    changes = recent_changes(request.history)
    prefix = format.changes_prefix(changes, tokenizer)
    done: list[Completion] = []
    unsure = False
    for stretch in similar_stretches(_nearest_first(request), changes, limit=ASKED):
        prompt = format.stretch_prompt(prefix, stretch.text, tokenizer)
        max_tokens = int(_LONGER * (len(prompt.ids) - len(prefix))) + _SPARE
        at_home = bool(request.history) and stretch.cell == request.history[-1].cell
        needed = max(threshold, SURE_AT_HOME) if at_home else threshold
        completion = complete(prompt, max_tokens, needed)
        done.append(completion)
        if completion.finish in ("cancelled", "deadline", "invalid"):
            break
        cell = request.notebook.cell(stretch.cell)
        new = format.read(completion.ids, tokenizer) if completion.finish == "stop" else None
        edit = stretch_edit(cell.source, stretch, new) if cell is not None else None
        if edit is not None and not _undoes(stretch.text, new or "", changes):
            confidence = min(math.exp(sum(completion.logprobs)), 1.0)
            if confidence >= needed:
                return LineScan(LineEdit(stretch.cell, edit, confidence), tuple(done))
        unsure |= completion.finish == "unlikely" or edit is not None
        prefix = [*prompt.ids, *format.stretch_answer(None, tokenizer)]
    return LineScan(None, tuple(done), unsure)


def _nearest_first(request: SuggestRequest) -> list[tuple[str, str]]:
    """Editable code cells, by their distance from the caret's cell."""
    cells = request.notebook.cells
    here = next((i for i, cell in enumerate(cells) if cell.id == request.caret.cell), 0)
    order = sorted(range(len(cells)), key=lambda i: (abs(i - here), i < here))
    return [(cells[i].id, cells[i].source) for i in order if cells[i].is_code and cells[i].editable]


def _undoes(old: str, new: str, changes: list[LineChange]) -> bool:
    """Whether an edit undoes a change."""
    return any(c.new.strip() == old.strip() and c.old.strip() == new.strip() for c in changes)
