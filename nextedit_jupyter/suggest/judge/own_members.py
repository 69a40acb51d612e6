"""Members of the notebook's classes among the candidates: each class changes as a whole.

A class whose member is set under the new name and read under the old one fails, and so does an
object if its class keeps the old name. So the places of one class, with those that inherit from it,
change together or not at all, and what is changed elsewhere waits for the class that was edited.
"""

from __future__ import annotations

from collections.abc import Sequence

from nextedit_jupyter.analysis.index import NotebookIndex, index_notebook
from nextedit_jupyter.analysis.rename.classes import Family, class_of_object, family_of
from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.last_edits import LastChange
from nextedit_jupyter.suggest.judge.offered import Placed
from nextedit_jupyter.suggest.judge.together import as_sure, left_out, settle

_ByClass = dict[Family | None, list[int]]
"""Indices of places by the classes whose member each is; None if no class is known."""


def with_their_class(
    found: Sequence[Placed],
    considered: Considered,
    request: SuggestRequest,
    tick: float,
    most: float,
) -> list[Placed]:
    """The places, with those of a class all ticked or none, and others at most as sure as `most` if
    the class in which the member was changed keeps its name.
    """
    if not any(p.sure >= tick and _is_attribute(p.candidate, considered) for p in found):
        return list(found)
    places = [*found, *left_out(found, considered)]
    sure = [p.sure for p in places]
    index = index_notebook(request.notebook, request.facts)
    for change, groups in _by_class(places, considered, index):
        for family, whole in groups.items():
            if family is not None:
                settle(sure, whole, tick, most, len(found))
        edited = _classes_edited(change, considered, index)
        if any(sure[n] < tick for family in edited for n in groups.get(family, ())):
            for family, whole in groups.items():
                for n in whole if family not in edited else ():
                    sure[n] = min(sure[n], most)
    return as_sure(found, sure)


def _is_attribute(place: Candidate, considered: Considered) -> bool:
    kinds = considered.cells[place.cell].kinds
    is_word = place.change.shape == "word" and place.first < len(kinds)
    return is_word and kinds[place.first] == "attribute"


def _by_class(
    places: Sequence[Placed], considered: Considered, index: NotebookIndex
) -> list[tuple[LastChange, _ByClass]]:
    """The changed words, each with its places that are members or attributes."""
    found: dict[int, tuple[LastChange, _ByClass]] = {}
    for n, p in enumerate(places):
        change, cell = p.candidate.change, index.notebook.cells[p.candidate.cell].id
        if change.shape != "word" or cell not in index.cells:
            continue
        family = _family_at(index, cell, p.candidate.start)
        if family is not None or _is_attribute(p.candidate, considered):
            _, groups = found.setdefault(id(change), (change, {}))
            groups.setdefault(family, []).append(n)
    return list(found.values())


def _family_at(index: NotebookIndex, cell: str, start: int) -> Family | None:
    """The class whose member begins at a place."""
    here = index.cells[cell]
    if (i := here.starts.get(start)) is not None:
        home = here.homes[i]
        return family_of(index, cell, home) if here.scopes[home].kind == "class" else None
    attribute = next((a for a in here.attributes if a.start == start), None)
    return class_of_object(index, cell, attribute) if attribute is not None else None


def _classes_edited(
    change: LastChange, considered: Considered, index: NotebookIndex
) -> set[Family]:
    """The classes whose member got the new name by the edits."""
    found: set[Family] = set()
    for number in {considered.edits[e.edit].number for e in change.examples}:
        cell = index.notebook.cells[number].id
        here = index.cells.get(cell)
        for attribute in here.attributes if here is not None else ():
            family = (
                class_of_object(index, cell, attribute) if attribute.name == change.new else None
            )
            if family is not None:
                found.add(family)
    return found
