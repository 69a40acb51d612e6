"""Where the names at places are bound, and which functions the calls of keywords reach."""

from __future__ import annotations

from collections.abc import Iterator

from nextedit_jupyter.analysis.bindings import Function
from nextedit_jupyter.analysis.index import cell_index
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.consider import Considered

_Scope = tuple[int, int]
"""A cell's number, and one of its scopes."""


def home_of(place: Candidate, considered: Considered) -> int | None:
    """The scope that binds the name at a place; None if there is no name."""
    index = cell_index(considered.cells[place.cell].source)
    i = index.starts.get(place.start)
    return index.homes[i] if i is not None else None


class Callees:
    """The functions that keywords reach, for the places of one request.

    Thousands of calls may be of one function, so what is found for it is kept.
    """

    def __init__(self, considered: Considered) -> None:
        self._considered = considered
        self._scopes: dict[tuple[str, str], _Scope | None] = {}
        self._collected: dict[tuple[str, str], bool] = {}

    def scope_of(self, place: Candidate) -> _Scope | None:
        """The scope of the name at a place, or of the parameter that a keyword gives a value to:
        what is called by it follows with it.
        """
        home = home_of(place, self._considered)
        if home is not None:
            return place.cell, home
        word = self._considered.cells[place.cell].texts[place.first]
        key = self._callee(place), word
        if key not in self._scopes:
            found = {
                (number, function.scope)
                for number, function in self._functions(key[0])
                if any(p.name == word for p in function.parameters)
            }
            self._scopes[key] = found.pop() if len(found) == 1 else None
        return self._scopes[key]

    def is_collected(self, place: Candidate) -> bool:
        """Whether a keyword goes to `**options` of a function whose `*args` got the new name."""
        key = self._callee(place), place.change.new
        if key not in self._collected:
            self._collected[key] = any(
                p.name == key[1] and p.kind in ("star", "stars")
                for _, function in self._functions(key[0])
                for p in function.parameters
            )
        return self._collected[key]

    def _callee(self, place: Candidate) -> str:
        """What is called with the keyword at a place; "" if there is no keyword."""
        cell = self._considered.cells[place.cell]
        is_keyword = cell.kinds[place.first] == "keyword"
        return cell.callee(place.first).rstrip("(") if is_keyword else ""

    def _functions(self, called: str) -> Iterator[tuple[int, Function]]:
        """The functions of that name, with their cells; for a class, its constructor."""
        for number, other in self._considered.cells.items() if called else ():
            if called in other.source:
                index = cell_index(other.source)
                classes = {owner.scope for owner in index.classes if owner.name == called}
                for f in index.functions:
                    if f.name == called or (f.name == "__init__" and f.outer in classes):
                        yield number, f
