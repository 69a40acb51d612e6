"""Cells that a rename must not change or could not read: they are left out and named in notes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import get_args

from nextedit_jupyter.analysis.imported_otherwise import ImportedPlan
from nextedit_jupyter.analysis.rename.plan import RenamePlan, listed_cells
from nextedit_jupyter.analysis.signature import SignaturePlan
from nextedit_jupyter.core import Notebook, Silence
from nextedit_jupyter.core.notebook import LeftOutReason
from nextedit_jupyter.core.tags import OFF_TAG

_REASONS: dict[LeftOutReason, str] = {
    "too_large": "too large to read",
    "switched_off": f"switched off by the tag {OFF_TAG}",
    "too_far": "too far from the caret for a notebook of this size",
}


Plan = RenamePlan | SignaturePlan | ImportedPlan


def within_limits(plan: Plan) -> Plan | Silence:
    """The plan without its places in locked and switched-off cells, which are named in notes.

    Cells that are not in the request are named too, because they may use the name.
    """
    closed = closed_cells(plan.notebook)
    left_alone = tuple(dict.fromkeys(c.cell for c in plan.changes if c.cell in closed))
    notes = (*plan.notes, *left_alone_notes(plan.notebook, left_alone))
    notes += tuple(left_out_notes(plan.notebook))
    kept = tuple(change for change in plan.changes if change.cell not in closed)
    if not kept:
        return Silence("refused", notes[-1])
    if not isinstance(plan, RenamePlan):
        return replace(plan, changes=kept, notes=notes, left_alone=left_alone)
    optional = tuple(c for c in plan.optional if c.cell not in closed)
    return replace(plan, changes=kept, optional=optional, notes=notes, left_alone=left_alone)


def closed_cells(notebook: Notebook) -> frozenset[str]:
    """The ids of the cells that must not be changed: locked and switched-off ones."""
    return frozenset(cell.id for cell in notebook.cells if cell.is_off or not cell.editable)


def left_alone_notes(notebook: Notebook, ids: Collection[str]) -> list[str]:
    """Notes why some cells are not changed."""
    locked = {cell.id for cell in notebook.cells if not cell.editable}
    notes = []
    for cells, what in (
        ([id for id in ids if id in locked], "locked"),
        ([id for id in ids if id not in locked], _REASONS["switched_off"]),
    ):
        if numbers := sorted(notebook.number(id) for id in cells):
            notes.append(f"{listed_cells(numbers)} {_is_are(numbers)} {what}: not changed")
    return notes


def left_out_notes(notebook: Notebook) -> list[str]:
    """Notes which cells were not read, and why."""
    notes = []
    for reason in get_args(LeftOutReason):
        numbers = [cell.number for cell in notebook.left_out if cell.reason == reason]
        if numbers:
            notes.append(not_read_note(numbers, reason))
    return notes


def not_read_note(numbers: list[int], reason: LeftOutReason) -> str:
    return f"{listed_cells(numbers)} {_is_are(numbers)} {_REASONS[reason]}: not read"


def _is_are(numbers: list[int]) -> str:
    return "is" if len(numbers) == 1 else "are"
