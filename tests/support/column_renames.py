"""A column renamed where its frame is built, and what a second cell becomes."""

from __future__ import annotations

from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, Silence, SuggestRequest
from nextedit_jupyter.suggest.symbols import SymbolsLane

FRAMES = (
    "import pandas as pd\na = pd.DataFrame({'%s': [1]})\nb = pd.DataFrame({'%s': [1]})\n"
    "df = pd.DataFrame({'%s': [1]})"
)


def follows(before: tuple[str, str, str], after: tuple[str, str, str], use: str) -> str:
    """The second cell after the rename that changing the first one's columns leads to."""
    was, now = FRAMES % before, FRAMES % after
    request = SuggestRequest(
        Notebook("python", (Cell("made", "code", now), Cell("use", "code", use))),
        Caret("made", len(now)),
        (EditEvent("made", was, now),),
        want=("rename",),
    )
    found = SymbolsLane().suggest(request)
    if isinstance(found, Silence):
        return use
    texts = found[0].apply(request.notebook)
    assert texts is not None
    return texts.get("use", use)
