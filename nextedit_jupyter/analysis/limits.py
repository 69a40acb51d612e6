"""Cells that a rename may not change or could not read: it leaves them out, and says so."""

from __future__ import annotations

from dataclasses import replace

from nextedit_jupyter.analysis.rename.plan import RenamePlan, listed_cells
from nextedit_jupyter.analysis.signature import SignaturePlan
from nextedit_jupyter.core import Notebook, Silence
from nextedit_jupyter.core.tags import OFF_TAG

_REASONS = {
    "too_large": "too large to read",
    "switched_off": f"switched off by the tag {OFF_TAG}",
    "too_far": "too far from the caret for a notebook of this size",
}


def within_limits(
    plan: RenamePlan | SignaturePlan,
) -> RenamePlan | SignaturePlan | Silence:
    """The plan without its places in locked cells and those switched off, which notes name.

    Cells that the request does not hold are named too: nobody knows whether they use the name.
    """
    notebook = plan.notebook
    locked = {cell.id for cell in notebook.cells if not cell.editable}
    off = {cell.id for cell in notebook.cells if cell.is_off} - locked
    touched = {change.cell for change in plan.changes}
    notes = [*plan.notes]
    for cells, what in ((locked, "locked"), (off, _REASONS["switched_off"])):
        if numbers := sorted(notebook.number(id) for id in touched & cells):
            notes.append(f"{listed_cells(numbers)} {_is_are(numbers)} {what}: not changed")
    notes += left_out_notes(notebook)
    kept = tuple(change for change in plan.changes if change.cell not in locked | off)
    if not kept:
        return Silence("refused", notes[-1])
    if isinstance(plan, SignaturePlan):
        return replace(plan, changes=kept, notes=tuple(notes))
    optional = tuple(c for c in plan.optional if c.cell not in locked | off)
    return replace(plan, changes=kept, optional=optional, notes=tuple(notes))


def left_out_notes(notebook: Notebook) -> list[str]:
    """Says which cells were not read, and why."""
    notes = []
    for reason, what in _REASONS.items():
        numbers = [cell.number for cell in notebook.left_out if cell.reason == reason]
        if numbers:
            notes.append(f"{listed_cells(numbers)} {_is_are(numbers)} {what}: not read")
    return notes


def _is_are(numbers: list[int]) -> str:
    return "is" if len(numbers) == 1 else "are"
