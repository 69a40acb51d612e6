"""Renames: what a name refers to, every place that has to change, and what forbids it.

`plan_rename` is for the explicit command; `detect` recognises a rename in the last edits and plans
the rest of it.
"""

from nextedit_jupyter.analysis.rename.alignment import Alignment, Swap, Window, align, windows
from nextedit_jupyter.analysis.rename.callers import calls_of
from nextedit_jupyter.analysis.rename.detect import detect
from nextedit_jupyter.analysis.rename.plan import (
    NO_NAME,
    Change,
    RenamePlan,
    broken_notes,
    cell_edits,
    mentions,
    places,
)
from nextedit_jupyter.analysis.rename.planner import plan_rename

__all__ = [
    "NO_NAME",
    "Alignment",
    "Change",
    "RenamePlan",
    "Swap",
    "Window",
    "align",
    "broken_notes",
    "calls_of",
    "cell_edits",
    "detect",
    "mentions",
    "places",
    "plan_rename",
    "windows",
]
