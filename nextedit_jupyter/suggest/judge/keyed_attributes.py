"""Columns that are keys in some places and attributes in others: `table["price"]`, `table.price`.

Both read the same column of one table, so that they change together. An attribute that every table
has hides a column of its name, and is none.
"""

from __future__ import annotations

from collections.abc import Sequence

from nextedit_jupyter.analysis.frame_members import OF_FRAMES
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.last_edits import Site, binds
from nextedit_jupyter.suggest.judge.offered import Placed

# All of seventeen attributes followed whose object's keys did; the judge was as sure of them or
# surer.
_SURE_OF_COLUMN = 0.3


def with_their_columns(
    found: Sequence[Placed], considered: Considered, tick: float
) -> list[Placed]:
    """The places, with attributes that are ticked because the same object's keys are."""
    keyed: dict[int, set[str]] = {}
    for p in found:
        change = p.candidate.change
        if id(change) not in keyed:
            keyed[id(change)] = {_keyed(example.site) for example in change.examples}
        if p.sure >= tick and change.shape == "word":
            keyed[id(change)].add(_keyed(_site(p.candidate, considered)))
    return [
        Placed(p.candidate, max(p.sure, tick))
        if p.sure >= _SURE_OF_COLUMN and _is_of(keyed[id(p.candidate.change)], p, considered)
        else p
        for p in found
    ]


def _is_of(owners: set[str], placed: Placed, considered: Considered) -> bool:
    """Whether a place reads an attribute of one of the objects, or of a part of it."""
    place = placed.candidate
    if place.change.shape != "word" or not owners - {""}:
        return False
    if OF_FRAMES & {place.change.old[0], place.change.new}:
        return False
    site = _site(place, considered)
    if site.kind != "attribute":
        return False
    is_part = site.object.partition("[")[0] == site.root
    return is_part and site.root in owners and site.right[:1] != ("(",) and not binds(site)


def _keyed(site: Site) -> str:
    """The object whose key a string is in brackets; "" if it is none."""
    is_key = site.kind == "string" and site.callee == site.owner + "["
    return site.owner if is_key else ""


def _site(place: Candidate, considered: Considered) -> Site:
    return Site.of(considered.cells[place.cell], place.first, place.last)
