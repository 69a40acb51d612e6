"""A column renamed where its frame is built, and what a second cell becomes."""

from __future__ import annotations

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    Notebook,
    Silence,
    Suggestion,
    SuggestRequest,
)
from nextedit_jupyter.suggest.symbols import SymbolsLane

FRAMES = (
    "import pandas as pd\na = pd.DataFrame({'%s': [1]})\nb = pd.DataFrame({'%s': [1]})\n"
    "df = pd.DataFrame({'%s': [1]})"
)


def follows(before: tuple[str, str, str], after: tuple[str, str, str], use: str) -> str:
    """The second cell after the rename that changing the first one's columns leads to."""
    found = offered(before, after, use)
    if found is None:
        return use
    texts = found.apply(_changed(before, after, use).notebook)
    assert texts is not None
    return texts.get("use", use)


def offered(
    before: tuple[str, str, str], after: tuple[str, str, str], use: str
) -> Suggestion | None:
    """The rename that changing the first cell's columns leads to."""
    found = SymbolsLane().suggest(_changed(before, after, use))
    return None if isinstance(found, Silence) else found[0]


def _changed(before: tuple[str, str, str], after: tuple[str, str, str], use: str) -> SuggestRequest:
    was, now = FRAMES % before, FRAMES % after
    return SuggestRequest(
        Notebook("python", (Cell("made", "code", now), Cell("use", "code", use))),
        Caret("made", len(now)),
        (EditEvent("made", was, now),),
        want=("rename",),
    )
