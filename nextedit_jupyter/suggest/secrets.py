"""Removes from a request what no lane and no model may see: texts that contain a secret.

Front ends keep such texts out of their records; this is for those that don't, and for secrets that
are in the notebook at the moment. Prompts and answers are cached, so a cell with a secret is left
out as if it did not exist, together with its history.
"""

from __future__ import annotations

from dataclasses import replace

from nextedit_jupyter.core import Notebook, SuggestRequest
from nextedit_jupyter.core.cache import LruCache
from nextedit_jupyter.core.redact import holds_secret

# The number of cells, nearest to the caret, that a model may see: no prompt has room for more, and
# each has to be checked.
MAX_CELLS = 3_000


class Secrets:
    """Checks each text once; caches the answer by the text's hash, never the text."""

    def __init__(self, size: int = 8_192) -> None:
        self._size = size
        self._known: LruCache[tuple[int, int], bool] = LruCache(size)
        # Hashes of cells without secrets: a thousand cells per keystroke are looked up here.
        self._clean: set[int] = set()

    def in_text(self, text: str) -> bool:
        key = (len(text), hash(text))
        return self._known.get_or_make(key, lambda: holds_secret(text))

    def without_past(self, request: SuggestRequest) -> SuggestRequest:
        """The request without the events of cells that contained a secret in any event."""
        cells = {
            event.cell
            for event in request.history
            if self.in_text(event.before) or self.in_text(event.after)
        }
        if not cells:
            return request
        return replace(request, history=tuple(e for e in request.history if e.cell not in cells))

    def without_cells(self, request: SuggestRequest) -> SuggestRequest | None:
        """The request without the cells that contain a secret; None if the caret is in one."""
        clean = self._clean
        request = _near_caret(request)
        unsure = [cell for cell in request.notebook.cells if hash(cell.source) not in clean]
        hidden = {cell.id for cell in unsure if self.in_text(cell.source)}
        if len(clean) > self._size:
            clean.clear()
        clean.update(hash(cell.source) for cell in unsure if cell.id not in hidden)
        if not hidden:
            return request
        if request.caret.cell in hidden:
            return None
        cells = tuple(cell for cell in request.notebook.cells if cell.id not in hidden)
        return replace(
            request,
            notebook=Notebook(request.notebook.language, cells),
            history=tuple(event for event in request.history if event.cell not in hidden),
        )


def _near_caret(request: SuggestRequest) -> SuggestRequest:
    """The request without the cells that are too far from the caret for any prompt."""
    cells = request.notebook.cells
    if len(cells) <= MAX_CELLS:
        return request
    at = request.notebook.index(request.caret.cell) or 0
    low = max(0, min(at - MAX_CELLS // 2, len(cells) - MAX_CELLS))
    notebook = Notebook(request.notebook.language, cells[low : low + MAX_CELLS])
    return replace(request, notebook=notebook)
