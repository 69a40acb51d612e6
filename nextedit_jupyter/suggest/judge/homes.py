"""Where the name at a place is bound, and which function the call of a keyword reaches."""

from __future__ import annotations

from collections.abc import Iterator

from nextedit_jupyter.analysis.bindings import Function
from nextedit_jupyter.analysis.index import cell_index
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.consider import Considered


def scope_of(place: Candidate, considered: Considered) -> tuple[int, int] | None:
    """The scope, with its cell, of the name at a place, or of the parameter that a keyword gives a
    value to: what is called by it follows with it.
    """
    home = home_of(place, considered)
    if home is not None:
        return place.cell, home
    word = considered.cells[place.cell].texts[place.first]
    found = {
        (number, function.scope)
        for number, function in _functions_called(place, considered)
        if any(p.name == word for p in function.parameters)
    }
    return found.pop() if len(found) == 1 else None


def _functions_called(place: Candidate, considered: Considered) -> Iterator[tuple[int, Function]]:
    """The functions, with their cells, that the call of a keyword may reach: of a class its
    constructor.
    """
    cell = considered.cells[place.cell]
    if cell.kinds[place.first] != "keyword":
        return
    called = cell.callee(place.first).rstrip("(")
    for number, other in considered.cells.items():
        if called in other.source:
            index = cell_index(other.source)
            classes = {owner.scope for owner in index.classes if owner.name == called}
            for f in index.functions:
                if f.name == called or (f.name == "__init__" and f.outer in classes):
                    yield number, f


def home_of(place: Candidate, considered: Considered) -> int | None:
    """The scope that binds the name at a place; None where no name stands."""
    index = cell_index(considered.cells[place.cell].source)
    i = index.starts.get(place.start)
    return index.homes[i] if i is not None else None


def is_collected(place: Candidate, considered: Considered) -> bool:
    """Whether a keyword goes to `**options` of a function whose `*args` got the new name."""
    return any(
        p.name == place.change.new and p.kind in ("star", "stars")
        for _, function in _functions_called(place, considered)
        for p in function.parameters
    )
