"""Cells that are copies of another: what is renamed in the copy keeps its name in the original."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.alignment import Window
from nextedit_jupyter.analysis.rename.plan import Change, RenamePlan
from nextedit_jupyter.core import EditEvent, Silence

_SHARED = ("parameter", "attribute", "column")
"""Kinds that a copy does not have for itself, or that no other cell has."""


def apart_from_original(
    found: RenamePlan, index: NotebookIndex, window: Window, history: Iterable[EditEvent]
) -> RenamePlan | Silence:
    """The plan without the places of the original, if the edited cell was a copy of a cell above.

    The original still defines the name, so these places are optional. `index` is of the notebook
    before the rename, and `history` has the edits before that as well.
    """
    if found.kind in _SHARED or len(window.alignments) != 1:
        return found
    (cell,) = window.alignments
    original = _original_of(index, cell, _given_texts(cell, history), found.old)
    if original is None:
        return found
    own, rest = _of_copy(found, index, cell, original)
    note = f"cell {index.number(original)}, of which this is a copy, keeps `{found.old}`"
    if rest and not own:
        return Silence("no_change", note)
    optional = (*found.optional, *rest)
    return replace(found, changes=own, optional=optional, notes=(note, *found.notes))


def _of_copy(
    found: RenamePlan, index: NotebookIndex, cell: str, original: str
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """The places of the copy, and those of the original.

    What reads a copy further down does so below it. A copy just below the original was put there
    to be adapted: the cells below that were made for the original.
    """
    code = [one.id for one in index.notebook.cells if one.is_code]
    here = code.index(cell)
    is_beside = code[here - 1] == original
    below = frozenset(code[here + 1 :] if not is_beside else ()) | {cell}
    own = tuple(change for change in found.changes if change.cell in below)
    return own, tuple(change for change in found.changes if change.cell not in below)


def _given_texts(cell: str, history: Iterable[EditEvent]) -> set[str]:
    """The texts that were not typed: the first one known, and what an empty cell was filled with.

    On its way a typed text may be that of another cell by chance: `total = 0` before the loop.
    """
    own = [event for event in history if event.cell == cell]
    texts = {event.before.strip() for event in own[:1]}
    filled = (e for e in own if e.origin != "typed" and not e.before.strip())
    return texts | {event.after.strip() for event in filled}


def _original_of(index: NotebookIndex, cell: str, texts: Collection[str], name: str) -> str | None:
    """The nearest cell above that binds the name, and has a text that the cell was given."""
    found: str | None = None
    for id, here in index.cells.items():
        if id == cell:
            break
        if index.cell(id).source.strip() in texts and name in here.bound_at_module():
            found = id
    return found
