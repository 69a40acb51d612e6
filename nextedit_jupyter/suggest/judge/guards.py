"""Places that the person has to choose, however like the examples they look.

Two kinds, each of which says of which object something holds: a method that was chosen for one
object, and a key of one dictionary. They are listed as optional, not chosen.
"""

from __future__ import annotations

from nextedit_jupyter.analysis.patterns.nodes import is_akin
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.changes import Change
from nextedit_jupyter.suggest.judge.consider import Considered


def held_back(considered: Considered) -> list[bool]:
    """For each candidate whether it is the person's to choose."""
    literals: dict[int, set[str]] = {}
    for place in considered.candidates:
        cell = considered.cells[place.cell]
        if place.change.shape == "word" and cell.kinds[place.first] == "string":
            owner = cell.owner(place.first)
            if owner and cell.callee(place.first) == owner + "={":
                literals.setdefault(id(place.change), set()).add(owner)
    return [
        place.change.shape == "word"
        and (
            _is_method_of_another(place, considered)
            or _is_key_of_another(place, considered, literals.get(id(place.change), set()))
        )
        for place in considered.candidates
    ]


def _is_method_of_another(place: Candidate, considered: Considered) -> bool:
    """Whether a method was chosen for one object and `place` is a call of another one's.

    Where the two methods' names have nothing in common, half of such calls stayed as they were on
    real commits, and all of them after an edit that nobody spread.
    """
    change = place.change
    owners = _owners(change, "attribute")
    if len(owners) != 1 or is_akin(change.old[0], change.new):
        return False
    cell = considered.cells[place.cell]
    return (
        cell.kinds[place.first] == "attribute"
        and cell.source[place.end : place.end + 1] == "("
        and cell.owner(place.first) not in owners
    )


def _is_key_of_another(place: Candidate, considered: Considered, literals: set[str]) -> bool:
    """Whether a key was changed of one variable, and `place` is one of another variable that is
    filled with that key where it is made.
    """
    owners = _owners(place.change, "string")
    owner = considered.cells[place.cell].owner(place.first)
    return bool(owners) and "" not in owners and owner in literals and owner not in owners


def _owners(change: Change, kind: str) -> set[str]:
    """What the examples belong to; empty if one is of another kind."""
    sites = [e.site for e in change.examples]
    return {s.owner for s in sites} if all(s.kind == kind for s in sites) else set()
