"""Renames: what a name stands for, every place that has to follow, and what forbids it.

`plan_rename` serves the explicit command; `detect` recognises a rename in the last edits and plans
what is left of it.
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
