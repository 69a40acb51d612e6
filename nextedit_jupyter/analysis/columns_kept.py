"""Changed names of columns that leave the column as it was: one more is made, another is read."""

from __future__ import annotations

from collections.abc import Iterable

from nextedit_jupyter.analysis.column_spots import Spot
from nextedit_jupyter.analysis.frame_parts import statement_around
from nextedit_jupyter.analysis.frames_apart import in_apart, with_another_value
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename import Change
from nextedit_jupyter.core import Silence


def one_more_made(
    index: NotebookIndex, spot: Spot, kept: Iterable[Spot], sources: Iterable[Spot], new: str
) -> Silence | None:
    """Why the changed `spot` leaves the column as it was; None if the column got a name.

    `df["day"] = to_datetime(df["date"])` needs the old column, and so does what is made above of
    it. `kept` are the column's places that were not changed, `sources` those of them on the frame
    or on what it is made of.
    """
    first, last = statement_around(index.cells[spot.cell], spot.start)
    beside = [
        s for s in kept if s.cell == spot.cell and first <= s.start < last and s.frame == spot.frame
    ]
    if any(s.defines != spot.defines for s in beside):
        made, of = (new, spot.text) if spot.defines else (spot.text, new)
        return _silence(spot, f"`{made}` is made of `{of}`: another column")
    if not spot.defines:
        return None
    here = index.number(spot.cell), spot.start
    frames = [spot.frame]
    above = {
        Change(s.cell, s.start, s.end, new): frames
        for s in sources
        if s.defines and (index.number(s.cell), s.start) < here
    }
    apart = with_another_value(index, (spot.cell, spot.start), spot.frame, frames)
    if above.keys() - in_apart(index, apart, above):
        return _silence(spot, f"`{spot.text}` is made above: `{new}` is one more column")
    return None


def _silence(spot: Spot, why: str) -> Silence:
    """Nothing of the column follows, unless a call makes another frame of it."""
    return Silence("no_change", why, settled=() if spot.is_keyword else (spot.text,))
