"""Which frame a column's name belongs to where two frames meet, and what is a row and no column."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize(
    "use",
    [
        "m = a.merge(b, left_on='{}', right_on='{}')",
        "m = pd.merge(a, b, left_on='{}', right_on='{}')",
        "m = a.merge(b, how='left', left_on=['{}'], right_on=['{}'])",
        "m = pd.merge(a, b, how='left', left_on=['{}'], right_on=['{}'])",
    ],
)
def test_a_merge_names_the_left_frames_key_and_the_right_frames(use: str) -> None:
    both = use.format("id", "id")
    start = ("id", "id", "z")
    assert follows(start, ("key", "id", "z"), both) == use.format("key", "id")
    assert follows(start, ("id", "key", "z"), both) == use.format("id", "key")


@pytest.mark.parametrize(
    ("use", "then"),
    [
        ("df.filter(like='price')", "df.filter(like='price')"),
        ("df.filter(regex='price')", "df.filter(regex='price')"),
        ("df['price'].rename('price')", "df['cost'].rename('price')"),
        ("df.set_index('k').loc['price']", "df.set_index('k').loc['price']"),
        ("df.loc['price', 'price']", "df.loc['price', 'cost']"),
        ("df.loc[['x', 'price']]", "df.loc[['x', 'price']]"),
        ("df.loc[:, ['x', 'price']]", "df.loc[:, ['x', 'cost']]"),
        ("df.loc[df['price'] > 3, 'price']", "df.loc[df['cost'] > 3, 'cost']"),
        ("df.at[3, 'price']", "df.at[3, 'cost']"),
        ("df.rename(index={'price': 'x'})", "df.rename(index={'price': 'x'})"),
        ("df.drop(index='price')", "df.drop(index='price')"),
        ("df.drop(columns='price')", "df.drop(columns='cost')"),
        ("df.pivot(index='price', columns='k')", "df.pivot(index='cost', columns='k')"),
    ],
)
def test_rows_parts_of_names_and_new_names_are_no_columns(use: str, then: str) -> None:
    assert follows(("x", "y", "price"), ("x", "y", "cost"), use) == then
