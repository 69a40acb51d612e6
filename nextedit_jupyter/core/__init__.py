"""Every shared type: text edits, notebooks, history, kernel facts, suggestions, the wire.

Standard library only. All offsets are code points; `core.wire` converts what comes from and goes
to a browser, which counts UTF-16 units.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextedit_jupyter.core.across import (
        Across,
        CellChanges,
        DocumentChanges,
        Elsewhere,
        OpenDocument,
    )
    from nextedit_jupyter.core.errors import NextEditError
    from nextedit_jupyter.core.facts import CellRun, KernelError, KernelFacts, NamedObject
    from nextedit_jupyter.core.history import EditEvent, EditHistory, Origin
    from nextedit_jupyter.core.notebook import Caret, Cell, CellType, LeftOut, Notebook, text_hash
    from nextedit_jupyter.core.request import (
        Answer,
        Bounds,
        Nearby,
        Place,
        SuggestRequest,
        Timing,
        TokenCounts,
    )
    from nextedit_jupyter.core.suggestion import CellEdit, Kind, Lane, Silence, Suggestion
    from nextedit_jupyter.core.text_edit import Replacement, TextEdit

__all__ = [
    "Across",
    "Answer",
    "Bounds",
    "Caret",
    "Cell",
    "CellChanges",
    "CellEdit",
    "CellRun",
    "CellType",
    "DocumentChanges",
    "EditEvent",
    "EditHistory",
    "Elsewhere",
    "KernelError",
    "KernelFacts",
    "Kind",
    "Lane",
    "LeftOut",
    "NamedObject",
    "Nearby",
    "NextEditError",
    "Notebook",
    "OpenDocument",
    "Origin",
    "Place",
    "Replacement",
    "Silence",
    "SuggestRequest",
    "Suggestion",
    "TextEdit",
    "Timing",
    "TokenCounts",
    "text_hash",
]

# The module of each name. Names are imported on first use: a kernel that loads the extension needs
# few of them, and creating all the classes takes as long as everything else together.
_HOMES = {
    "Across": "across",
    "CellChanges": "across",
    "DocumentChanges": "across",
    "Elsewhere": "across",
    "OpenDocument": "across",
    "Answer": "request",
    "Bounds": "request",
    "Caret": "notebook",
    "Cell": "notebook",
    "CellEdit": "suggestion",
    "CellRun": "facts",
    "CellType": "notebook",
    "EditEvent": "history",
    "EditHistory": "history",
    "KernelError": "facts",
    "KernelFacts": "facts",
    "Kind": "suggestion",
    "Lane": "suggestion",
    "NamedObject": "facts",
    "Nearby": "request",
    "NextEditError": "errors",
    "LeftOut": "notebook",
    "Notebook": "notebook",
    "Origin": "history",
    "Place": "request",
    "Replacement": "text_edit",
    "Silence": "suggestion",
    "SuggestRequest": "request",
    "Suggestion": "suggestion",
    "TextEdit": "text_edit",
    "Timing": "request",
    "TokenCounts": "request",
    "text_hash": "notebook",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
