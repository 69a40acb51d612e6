"""Parameters and fields among the candidates: calls and other code may name them.

A parameter of another function, or a field of another class, that gets a new name by itself breaks
whatever names it: `g(w=2)`, `partial(g, w=2)`, `box.w`; and so does a keyword without its
parameter. So it is ticked with every place that is proved to mean it, and if something is not
certain about these, it is optional.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from nextedit_jupyter.analysis.index import NotebookIndex, cell_index, index_notebook
from nextedit_jupyter.analysis.limits import closed_cells
from nextedit_jupyter.analysis.rename.planner import plan, target_at
from nextedit_jupyter.core import Silence, SuggestRequest
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.last_edits import TEXTS
from nextedit_jupyter.suggest.judge.offered import Placed, Said

_At = tuple[int, int]
"""A cell's number, and where a place begins."""
# A plan reads all cells. Beyond these, what needs one is optional.
_MAX_PLANS = 20


@dataclass(frozen=True, slots=True)
class _Whole:
    """Places that change together or not at all: a definition, and what names it."""

    places: frozenset[_At]
    is_proved: bool


def with_what_names_them(
    found: Sequence[Placed],
    considered: Considered,
    request: SuggestRequest,
    symbols: Said,
    tick: float,
    most: float,
) -> list[Placed]:
    """The places, where each ticked parameter or field has everything that names it, and each
    ticked keyword its parameter; others are at most as sure as `most`.

    `symbols` is offered as well: what it changes needs no place here.
    """
    sure = {_at(p.candidate): p.sure for p in found}
    done = _offered(symbols, request)
    ticked = frozenset(at for at, p in sure.items() if p >= tick)
    plans = _Plans(considered, request, done, ticked)
    words = [p for p in found if p.sure >= tick and p.candidate.change.shape == "word"]
    limited: set[_At] = set()
    raised: dict[_At, Placed] = {}
    for p in words:
        at = _at(p.candidate)
        if done.get(at) == p.candidate.text or not _is_named_by_others(*at, considered):
            continue
        whole = plans.whole_of(p.candidate)
        if not whole.is_proved:
            limited |= whole.places
            continue
        for other in whole.places - ticked:
            if (place := plans.candidates.get((*other, p.candidate.text))) is not None:
                raised[other] = Placed(place, p.sure)
    follows = ticked - limited | done.keys()
    limited |= {_at(p.candidate) for p in words if plans.lacks_definition(p.candidate, follows)}
    limited -= done.keys()
    kept = [raised.pop(_at(p.candidate), p) for p in found]
    kept += raised.values()
    return [
        Placed(p.candidate, min(p.sure, most)) if _at(p.candidate) in limited else p for p in kept
    ]


def _is_named_by_others(cell: int, start: int, considered: Considered) -> bool:
    """Whether a place is a parameter or a field, which code elsewhere may name."""
    if cell not in considered.cells:
        return False
    index = cell_index(considered.cells[cell].source)
    i = index.starts.get(start)
    if i is None or index.names[i].op == "read":
        return False
    is_field = index.scopes[index.homes[i]].kind == "class" and index.names[i].kind == "variable"
    return is_field or index.names[i].kind == "parameter"


class _Plans:
    """What changes together with a place; what a plan reached needs no plan of its own.

    `done` are the places that are offered anyway, with their new texts.
    """

    def __init__(
        self,
        considered: Considered,
        request: SuggestRequest,
        done: Mapping[_At, str],
        ticked: frozenset[_At],
    ) -> None:
        self._considered, self._request = considered, request
        self._done, self._ticked = done, ticked
        self._closed = closed_cells(request.notebook)
        self._number = {cell.id: n for n, cell in enumerate(request.notebook.cells)}
        self._known: dict[tuple[int, int, str], _Whole] = {}
        self._count = 0
        self.candidates = {(c.cell, c.start, c.text): c for c in considered.candidates}

    def lacks_definition(self, place: Candidate, follows: Set[_At]) -> bool:
        """Whether a place is a keyword for a parameter of the notebook that keeps its name."""
        if self._considered.cells[place.cell].kinds[place.first] != "keyword":
            return False
        return any(
            at not in follows
            for at in self.whole_of(place).places
            if _is_named_by_others(*at, self._considered)
        )

    def whole_of(self, place: Candidate) -> _Whole:
        key = place.cell, place.start, place.text
        if key not in self._known:
            self._known[key] = whole = self._read(place)
            for at in whole.places:
                self._known.setdefault((*at, place.text), whole)
        return self._known[key]

    @cached_property
    def _index(self) -> NotebookIndex:
        return index_notebook(self._request.notebook, self._request.facts)

    def _read(self, place: Candidate) -> _Whole:
        id = self._request.notebook.cells[place.cell].id
        target = target_at(self._index, id, place.start) if id in self._index.cells else None
        if target is None or isinstance(target, Silence):
            return _Whole(frozenset(), False)
        self._count += 1
        too_many = Silence("throttled")
        planned = (
            plan(self._index, target, place.text, on_command=True)
            if self._count <= _MAX_PLANS
            else too_many
        )
        if isinstance(planned, Silence):
            seeds = [(self._number[cell], i) for cell, i in target.seeds]
            return _Whole(frozenset(at for seed in seeds for at in self._beside(*seed)), False)
        changes = [(self._number[c.cell], c.start, c.text) for c in planned.changes]
        optional = {(self._number[c.cell], c.start) for c in planned.optional}
        is_whole = all(
            self._done.get((cell, start)) == text or (cell, start, text) in self.candidates
            for cell, start, text in changes
        )
        is_open = not any(c.cell in self._closed for c in planned.changes)
        places = frozenset((cell, start) for cell, start, _ in changes)
        loose = {at for at in optional if self._is_code(at)}
        # What may be meant is as good as proved if it changes too; of texts nothing is sure.
        counts_code = bool(planned.counting) <= bool(loose)
        is_counted = set(planned.notes) <= set(planned.counting) and counts_code
        is_sure = is_counted and loose <= self._ticked
        if is_whole and is_open and is_sure:
            return _Whole(places, True)
        return _Whole(places | loose, False)  # a string may be meant by what else was changed

    def _is_code(self, at: _At) -> bool:
        """Whether a place is in code, neither in a text nor in Markdown."""
        cell = self._considered.cells.get(at[0])
        return cell is not None and cell.kinds[cell.at(at[1])] not in TEXTS

    def _beside(self, cell: int, i: int) -> Iterator[_At]:
        """The places of the same name in the scope that binds it."""
        index = cell_index(self._considered.cells[cell].source)
        for name, home in zip(index.names, index.homes, strict=True):
            if home == index.homes[i] and name.name == index.names[i].name:
                yield cell, name.start


def _offered(symbols: Said, request: SuggestRequest) -> dict[_At, str]:
    if isinstance(symbols, Silence):
        return {}
    return {
        (request.notebook.index(change.cell) or 0, r.start): r.text
        for said in symbols
        for change in said.edits
        for r in change.edit
    }


def _at(place: Candidate) -> _At:
    return place.cell, place.start
