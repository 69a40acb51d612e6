"""Where a function of the notebook is called, and by which keywords."""

from __future__ import annotations

from collections.abc import Iterator

from nextedit_jupyter.analysis.bindings import Function
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.classes import family_of, members, name_places
from nextedit_jupyter.analysis.rename.plan import Change, Target


def calls_of(index: NotebookIndex, cell: str, function: Function) -> dict[str, set[int]]:
    """Where a function's name stands when it is used, by cell: offsets of the name's first code
    point. A method is found through its class: `self.m`, `obj.m`; `__init__` through the class.
    """
    here = index.cells[cell]
    found: dict[str, set[int]] = {}
    if here.scopes[function.outer].kind == "class":
        family = family_of(index, cell, function.outer)
        if function.name in ("__init__", "__new__"):
            for id, scope in family:
                for owner in index.cells[id].classes:
                    if owner.scope == scope:
                        for place in name_places(index, id, owner.start):
                            found.setdefault(place[0], set()).add(place[1])
            return found
        for id, start, name in members(index, family, {function.name}):
            if name == function.name:
                found.setdefault(id, set()).add(start)
        return found
    for id, start in name_places(index, cell, function.start):
        found.setdefault(id, set()).add(start)
    return found


def keyword_places(
    index: NotebookIndex, starts: dict[str, set[int]], old: str, new: str
) -> Iterator[Change]:
    """`old=` in the calls of a function, whose name stands at `starts`."""
    for id, where in starts.items():
        for word in index.cells[id].keywords:
            if word.name == old and word.target in where:
                yield Change(id, word.start, word.end, new)


def functions_called(
    index: NotebookIndex, cell: str, target: int
) -> Iterator[tuple[str, Function]]:
    """The functions of the notebook that a callee, whose name begins at `target`, may be."""
    here = index.cells[cell]
    called = here.starts.get(target)
    text = (
        here.names[called].name
        if called is not None
        else next((a.name for a in here.attributes if a.start == target), None)
    )
    if text is None:
        return
    for id, there in index.readable():
        for function in there.functions:
            is_init = function.name == "__init__" and any(
                owner.scope == function.outer and owner.name == text for owner in there.classes
            )
            if (function.name == text or is_init) and target in calls_of(index, id, function).get(
                cell, ()
            ):
                yield id, function


def parameter_of_keyword(index: NotebookIndex, cell: str, target: int, name: str) -> Target | None:
    """The parameter that a call's keyword names, if the function stands in the notebook."""
    for id, function in functions_called(index, cell, target):
        for parameter in function.parameters:
            if parameter.name == name and parameter.kind not in ("star", "stars"):
                there = index.cells[id]
                for i in there.streams.get((function.scope, name), []):
                    if there.names[i].start == parameter.start:
                        return Target(name, [(id, i)])
    return None
