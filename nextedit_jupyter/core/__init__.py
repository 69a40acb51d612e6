"""Every shared type: text edits, notebooks, history, kernel facts, suggestions, the wire.

Standard library only. All offsets are code points; `core.wire` converts what comes from and goes
to a browser, which counts UTF-16 units.
"""

from __future__ import annotations

from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.core.facts import CellRun, KernelError, KernelFacts, NamedObject
from nextedit_jupyter.core.history import EditEvent, EditHistory, Origin
from nextedit_jupyter.core.notebook import Caret, Cell, CellType, Notebook, text_hash
from nextedit_jupyter.core.request import Answer, Bounds, SuggestRequest, Timing, TokenCounts
from nextedit_jupyter.core.suggestion import CellEdit, Kind, Lane, Silence, Suggestion
from nextedit_jupyter.core.text_edit import Replacement, TextEdit

__all__ = [
    "Answer",
    "Bounds",
    "Caret",
    "Cell",
    "CellEdit",
    "CellRun",
    "CellType",
    "EditEvent",
    "EditHistory",
    "KernelError",
    "KernelFacts",
    "Kind",
    "Lane",
    "NamedObject",
    "NextEditError",
    "Notebook",
    "Origin",
    "Replacement",
    "Silence",
    "SuggestRequest",
    "Suggestion",
    "TextEdit",
    "Timing",
    "TokenCounts",
    "text_hash",
]
