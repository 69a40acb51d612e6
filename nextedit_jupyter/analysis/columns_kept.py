"""Definitions of columns that got another name where the column stays: one more is made."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from nextedit_jupyter.analysis.column_spots import Spot
from nextedit_jupyter.analysis.frame_parts import statement_around
from nextedit_jupyter.analysis.frames_apart import in_apart, with_another_value
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename import Change
from nextedit_jupyter.core import Silence


def one_more_made(
    index: NotebookIndex, spot: Spot, spots: Iterable[Spot], changed: Collection[int], new: str
) -> Silence | None:
    """Why the changed definition `spot` makes one more column; None if the column got a name.

    `df["day"] = to_datetime(df["date"])` needs the old column, and if the frame got that above, it
    keeps it. `spots` are all of the notebook, and `changed` the places of the cell that were
    changed alike.
    """
    if not spot.defines:
        return None
    same = [
        s
        for s in spots
        if (s.text, s.frame) == (spot.text, spot.frame)
        and not (s.cell == spot.cell and s.start in changed)
    ]
    first, last = statement_around(index.cells[spot.cell], spot.start)
    if any(s.cell == spot.cell and first <= s.start < last and not s.defines for s in same):
        return _settled(spot, f"`{new}` is made of `{spot.text}`: one more column")
    here = index.number(spot.cell), spot.start
    above = {
        Change(s.cell, s.start, s.end, new)
        for s in same
        if s.defines and (index.number(s.cell), s.start) < here
    }
    frames = {spot.frame}
    apart = with_another_value(index, (spot.cell, spot.start), spot.frame, frames)
    if above - in_apart(index, frames, apart, above):
        return _settled(spot, f"`{spot.text}` is made above: `{new}` is one more column")
    return None


def _settled(spot: Spot, why: str) -> Silence:
    return Silence("no_change", why, settled=(spot.text,))
