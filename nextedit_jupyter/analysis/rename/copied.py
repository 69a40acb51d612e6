"""Cells that are copies of another: what is renamed in the copy keeps its name in the original."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.alignment import Window
from nextedit_jupyter.analysis.rename.plan import RenamePlan
from nextedit_jupyter.core import EditEvent, Silence

_SHARED = ("parameter", "attribute", "column")
"""Kinds that a copy does not have for itself, or that no other cell has."""


def apart_from_original(
    found: RenamePlan, index: NotebookIndex, window: Window, history: Iterable[EditEvent]
) -> RenamePlan | Silence:
    """The plan without places outside of the edited cell, if that was a copy of a cell above it.

    The original still defines the name, so those places are optional. `index` is of the notebook
    before the rename, and `history` has the edits before that as well.
    """
    if found.kind in _SHARED or len(window.alignments) != 1:
        return found
    (cell,) = window.alignments
    texts = {event.before.strip() for event in history if event.cell == cell}
    original = _original_of(index, cell, texts)
    if original is None:
        return found
    own = tuple(change for change in found.changes if change.cell == cell)
    rest = tuple(change for change in found.changes if change.cell != cell)
    note = f"cell {index.number(original)}, of which this is a copy, keeps `{found.old}`"
    if rest and not own:
        return Silence("no_change", note)
    optional = (*found.optional, *rest)
    return replace(found, changes=own, optional=optional, notes=(note, *found.notes))


def _original_of(index: NotebookIndex, cell: str, texts: Collection[str]) -> str | None:
    """The cell above with a text that the cell has had."""
    for other in index.notebook.cells:
        if other.id == cell:
            return None
        if other.is_code and other.source.strip() in texts:
            return other.id
    return None
