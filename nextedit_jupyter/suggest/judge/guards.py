"""Places that the person has to choose, and those that bindings have decided about.

Three kinds of place say of which object something holds, however like the examples they look: a
method that was chosen for one object, a key of one dictionary, and a variable that was taken in
another's place once, where both are bound. They are listed as optional.

Where bindings prove a rename, a place of the same word that they left alone is another name: it is
not offered, and a mention of it in a text is optional. Where a definition made way for another one,
its uses mean the old one until a use is changed as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from nextedit_jupyter.analysis.patterns.nodes import is_akin
from nextedit_jupyter.analysis.rename.detect import REPLACED
from nextedit_jupyter.core import Silence, Suggestion, SuggestRequest
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.changes import Change, Site
from nextedit_jupyter.suggest.judge.consider import Considered

# Where a word names a variable, a function, a class or a module from there on.
_BOUND = frozenset(["target", "definition"])
# What an example is where the new name is bound or declared: the uses then follow for certain.
BINDING = ("definition", "target", "import", "keyword", "string")


def held_back(considered: Considered) -> list[bool]:
    """For each candidate whether it is the person's to choose."""
    literals: dict[int, set[str]] = {}
    bound = {
        cell.texts[i]
        for cell in considered.cells.values()
        for i, kind in enumerate(cell.kinds)
        if kind in _BOUND
    }
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
            or _is_one_variable_for_another(place.change, bound)
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


def _is_one_variable_for_another(change: Change, bound: set[str]) -> bool:
    """Whether one use was changed, of a name that is still bound, to another that is bound too."""
    return (
        len(change.examples) == 1
        and change.examples[0].site.kind == "name"
        and change.new in bound
        and "".join(change.replaced) in bound
    )


def _owners(change: Change, kind: str) -> set[str]:
    """What the examples belong to; empty if one is of another kind."""
    sites = [e.site for e in change.examples]
    return {s.owner for s in sites} if all(s.kind == kind for s in sites) else set()


Ruling = Literal["open", "optional", "closed"]

_TEXTS = frozenset(["comment", "docstring", "string"])


def rulings(
    considered: Considered, symbols: Sequence[Suggestion] | Silence, request: SuggestRequest
) -> list[Ruling]:
    """For each candidate what bindings have decided about it."""
    if isinstance(symbols, Silence):
        replaced = symbols.detail.endswith(REPLACED)
        return [
            "closed" if replaced and _is_of_definitions_alone(place.change) else "open"
            for place in considered.candidates
        ]
    proved = {
        (cell.source[r.start : r.end], r.text)
        for said in symbols
        for change in said.edits
        if (cell := request.notebook.cell(change.cell)) is not None
        for r in change.edit
    }
    found: list[Ruling] = []
    for place in considered.candidates:
        change = place.change
        if change.shape != "word" or ("".join(change.replaced), change.new) not in proved:
            found.append("open")
        elif considered.cells[place.cell].kinds[place.first] in _TEXTS:
            found.append("optional")
        else:
            found.append("closed")
    return found


def _is_of_definitions_alone(change: Change) -> bool:
    """Whether a word was changed only where a name is bound or declared."""
    return change.shape == "word" and all(binds(e.site) for e in change.examples)


def binds(site: Site) -> bool:
    """Whether a name was bound or declared there, or an attribute assigned."""
    if site.kind == "attribute":
        return site.right[:1] == ("=",) and site.right[1:2] != ("=",)
    return site.kind in BINDING
