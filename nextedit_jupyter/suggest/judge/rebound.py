"""Uses of a name that is bound again, in their own cell or in one in between: they follow that
binding, whether it changes or not.

On commits of owners that the trees had not seen, 4 of 32 uses in other cells followed if they were
judged likely but the binding with the old name was not; if their own cell binds the name,
everything or nothing followed in 54 of 68 cells.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nextedit_jupyter.analysis.bindings import IMPORTED, MODULE
from nextedit_jupyter.analysis.index import cell_index
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.last_edits import LastChange, binds
from nextedit_jupyter.suggest.judge.offered import Placed
from nextedit_jupyter.suggest.judge.together import as_sure, left_out, settle

_BINDS = frozenset(["definition", "import", "target"])
_READS = frozenset(["call", "name"])


@dataclass(frozen=True, slots=True)
class _Name:
    """An occurrence of a name: the index of its place, the scope that binds it, its statement."""

    at: int
    cell: int
    start: int
    home: int
    statement: int


@dataclass(slots=True)
class _Names:
    """The places of one word that bind it, and those that read it."""

    change: LastChange
    bindings: list[_Name] = field(default_factory=list)
    reads: list[_Name] = field(default_factory=list)


def with_their_bindings(
    found: Sequence[Placed], considered: Considered, tick: float, most: float
) -> list[Placed]:
    """The places, with probabilities of at most `most` if the binding of the old name keeps it, or
    if what reads a binding does.

    With a new name that nothing else binds, they would fail. If the new variable existed before,
    the change was intended.
    """
    places = [*found, *left_out(found, considered)]
    sure = [p.sure for p in places]
    for names in _names_of(places, considered):
        kept = {b.at for b in names.bindings if places[b.at].sure < tick}
        if _was_bound(names.change.new, considered):
            continue
        own, above = _givers(names)
        settled = [*own, *(one for one in _by_binding(above) if one[0].at not in kept)]
        for binding, reads in settled:
            settle(sure, [name.at for name in (binding, *reads)], tick, most, len(found))
        if any(binding.at in kept for binding, _ in above):
            origins = _origins(names, considered)
            for binding, read in above:
                if binding.at in kept and binding.cell not in origins:
                    sure[read.at] = min(sure[read.at], most)
    return as_sure(found, sure)


def _by_binding(pairs: Sequence[tuple[_Name, _Name]]) -> list[tuple[_Name, list[_Name]]]:
    """The bindings, each with what reads it in the cells below."""
    found: dict[int, tuple[_Name, list[_Name]]] = {}
    for binding, read in pairs:
        found.setdefault(binding.at, (binding, []))[1].append(read)
    return list(found.values())


def with_their_meaning(
    found: Sequence[Placed], considered: Considered, most: float
) -> Iterator[Placed]:
    """The places, at most as sure as `most` where a cell between the renamed definition and a read
    gives the new name another value: of nine such reads in real commits one followed.
    """
    between: dict[int, list[tuple[int, bool]]] = {}
    for p in found:
        key = id(p.candidate.change)
        if key not in between:
            between[key] = _bindings_of_new(p.candidate.change, considered)
        before = [is_other for cell, is_other in between[key] if cell < p.candidate.cell]
        is_taken = before[-1:] == [True] and not all(before) and _is_read(p.candidate, considered)
        yield Placed(p.candidate, min(p.sure, most)) if is_taken else p


def _bindings_of_new(change: LastChange, considered: Considered) -> list[tuple[int, bool]]:
    """The cells that bind a new name, in order, and whether they are others than the edited ones;
    none where no definition was renamed.
    """
    edited = {considered.edits[e.edit].number for e in change.examples if binds(e.site)}
    if change.shape != "word" or not edited:
        return []
    return [
        (number, number not in edited)
        for number, cell in sorted(considered.cells.items())
        if change.new in cell.source and _is_given(change.new, cell.source)
    ]


def _is_given(name: str, source: str) -> bool:
    """Whether a cell binds a name of the notebook, and does not import it: that is the same thing
    wherever it is done.
    """
    index = cell_index(source)
    return any(
        index.names[i].op == "write" and index.names[i].kind not in IMPORTED
        for i in index.streams.get((MODULE, name), ())
    )


def _is_read(place: Candidate, considered: Considered) -> bool:
    """Whether a name of the notebook is read at a place."""
    index = cell_index(considered.cells[place.cell].source)
    i = index.starts.get(place.start)
    return i is not None and index.homes[i] == MODULE and index.names[i].op == "read"


def _givers(
    names: _Names,
) -> tuple[list[tuple[_Name, list[_Name]]], list[tuple[_Name, _Name]]]:
    """The bindings of reads: bindings in their own cell with the reads that they reach, and for
    every other read of a notebook variable the last binding in the cells above.
    """
    inside: dict[tuple[int, int], list[_Name]] = {}
    for binding in names.bindings:
        inside.setdefault((binding.cell, binding.home), []).append(binding)
    outside = [b for b in names.bindings if b.home == MODULE]
    own: dict[int, tuple[_Name, list[_Name]]] = {}
    above: list[tuple[_Name, _Name]] = []
    for read in names.reads:
        here = inside.get((read.cell, read.home), [])
        n = bisect_left(here, read.start, key=lambda b: b.start)
        if n and here[n - 1].statement == read.statement:
            n -= 1  # its own statement binds the name for those below
        if n:
            own.setdefault(here[n - 1].at, (here[n - 1], []))[1].append(read)
        elif read.home == MODULE and (m := bisect_left(outside, read.cell, key=lambda b: b.cell)):
            above.append((outside[m - 1], read))
    return list(own.values()), above


def _names_of(found: Sequence[Placed], considered: Considered) -> list[_Names]:
    """The words that are bound again, each with its places in order."""
    changes: dict[int, _Names] = {}
    words = [(n, p.candidate, _kind(p.candidate, considered)) for n, p in enumerate(found)]
    again = {id(place.change) for _, place, kind in words if kind in _BINDS}
    for n, place, kind in words:
        if id(place.change) not in again or kind not in _BINDS | _READS:
            continue
        index = cell_index(considered.cells[place.cell].source)
        i = index.starts.get(place.start)
        if i is None:  # its cell does not parse, or there is no name
            continue
        name = _Name(n, place.cell, place.start, index.homes[i], index.names[i].statement)
        names = changes.setdefault(id(place.change), _Names(place.change))
        (names.bindings if kind in _BINDS else names.reads).append(name)
    for names in changes.values():
        names.bindings.sort(key=lambda b: (b.cell, b.start))
    return list(changes.values())


def _kind(place: Candidate, considered: Considered) -> str:
    kinds = considered.cells[place.cell].kinds
    is_word = place.change.shape == "word" and place.first < len(kinds)
    return kinds[place.first] if is_word else ""


def _was_bound(name: str, considered: Considered) -> bool:
    """Whether the notebook bound the new name before the edits."""
    edited = {edit.number for edit in considered.edits}
    texts = [edit.before for edit in considered.edits]
    texts += [cell.source for n, cell in considered.cells.items() if n not in edited]
    return any(name in text and name in cell_index(text).bound_at_module() for text in texts)


def _origins(names: _Names, considered: Considered) -> set[int]:
    """The cells whose bindings the edited uses referred to: the last ones before them."""
    old = names.change.old[0]
    binding = {b.cell for b in names.bindings if b.home == MODULE}
    binding |= {e.number for e in considered.edits if old in cell_index(e.before).bound_at_module()}
    edited = {considered.edits[e.edit].number for e in names.change.examples}
    return {max((n for n in binding if n <= cell), default=-1) for cell in edited}
