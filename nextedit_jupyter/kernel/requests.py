"""Builds a request about the notebook as it ran: which cells and edits fit, and where the caret
is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from nextedit_jupyter.kernel.recorder import Recorder, json_bytes

if TYPE_CHECKING:
    from nextedit_jupyter.core.facts import CellRun, KernelFacts
    from nextedit_jupyter.core.history import EditEvent
    from nextedit_jupyter.core.notebook import Caret, Cell, Notebook
    from nextedit_jupyter.core.request import SuggestRequest
    from nextedit_jupyter.core.suggestion import Kind

T = TypeVar("T")

_DRAFT_BYTES = 60_000  # of cells in a ghost text request: many times the model's context
_HISTORY_BYTES = 250_000  # of edits, so that a request stays within its 1 MB


def build_request(
    recorder: Recorder,
    facts: Callable[[], KernelFacts],
    *,
    want: Sequence[Kind],
    caret: Caret | None = None,
    draft: Cell | None = None,
    rename_to: str | None = None,
    deadline_ms: float = 1_000.0,
    id: int = 0,
) -> SuggestRequest | None:
    """A request about what was recorded, with `draft` as its last cell; None if nothing ran.

    By default the caret is where the last executed edit ended, or at the end of the last cell.
    """
    from nextedit_jupyter.core.notebook import Notebook
    from nextedit_jupyter.core.request import SuggestRequest

    notebook = recorder.notebook()
    if draft is not None:
        cells = [cell for cell in notebook.cells if cell.id != draft.id]
        # What ran long ago says little about the next line, and costs time with each key.
        recent = _last_within(cells, lambda cell: json_bytes(cell.source), _DRAFT_BYTES)
        notebook = Notebook(notebook.language, (*recent, draft))
    if not notebook.cells:
        return None
    history = _last_within(
        recorder.history,
        lambda event: json_bytes(event.before) + json_bytes(event.after),
        _HISTORY_BYTES,
    )
    return SuggestRequest(
        notebook=notebook,
        caret=caret or _latest_place(notebook, history, recorder.runs),
        history=history,
        facts=facts(),
        want=tuple(want),
        deadline_ms=deadline_ms,
        rename_to=rename_to,
        id=id,
    )


def _last_within(items: Sequence[T], size: Callable[[T], int], limit: int) -> tuple[T, ...]:
    """The last items whose total size is within the limit."""
    start, left = len(items), limit
    while start and (left := left - size(items[start - 1])) >= 0:
        start -= 1
    return tuple(items[start:])


def _latest_place(
    notebook: Notebook, history: Sequence[EditEvent], runs: Sequence[CellRun]
) -> Caret:
    """Where the last executed edit ended, or the end of the cell that ran last."""
    from nextedit_jupyter.core.notebook import Caret

    for event in reversed(history):
        cell = notebook.cell(event.cell)
        if cell is not None and cell.source == event.after and event.edit:
            *earlier, last = event.edit.replacements
            growth = sum(change.growth for change in earlier)
            return Caret(cell.id, last.start + growth + len(last.text))
    ran = (notebook.cell(run.cell) for run in reversed(runs))
    cell = next((cell for cell in ran if cell is not None), notebook.cells[-1])
    return Caret(cell.id, len(cell.source))
