"""Uses of a name that their own cell binds again: they follow that binding or stay with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nextedit_jupyter.analysis.index import cell_index
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.offered import Placed

_BINDS = frozenset(["definition", "import", "target"])
_READS = frozenset(["call", "name"])
_Statement = tuple[int, int]
"""Where a name stands: the scope that binds it, and the statement within its cell."""


def with_their_bindings(
    found: Sequence[Placed], considered: Considered, tick: float, most: float
) -> Iterator[Placed]:
    """The places, those at most as sure as `most` whose own cell gives them the old name again.

    A binding that keeps its name gives the statements below it that name: with one that nothing
    else binds they would not run. A variable that was there before is another one by intent.
    """
    edited = {edit.number for edit in considered.edits}
    texts = [edit.before for edit in considered.edits]
    texts += [cell.source for n, cell in considered.cells.items() if n not in edited]
    known: dict[str, bool] = {}

    def was_bound(name: str) -> bool:
        if name not in known:
            cells = (cell_index(text) for text in texts if name in text)
            known[name] = any(name in cell.bound_at_module() for cell in cells)
        return known[name]

    kept: dict[tuple[int, int], list[tuple[int, _Statement]]] = {}
    for p in found:
        if p.sure < tick and _kind(p.candidate, considered) in _BINDS:
            where = _statement_of(p.candidate, considered)
            if where is not None and not was_bound(p.candidate.text):
                key = id(p.candidate.change), p.candidate.cell
                kept.setdefault(key, []).append((p.candidate.start, where))
    for p in found:
        bindings = kept.get((id(p.candidate.change), p.candidate.cell), ())
        if bindings and p.sure >= tick and _kind(p.candidate, considered) in _READS:
            where = _statement_of(p.candidate, considered)
            if where is not None and any(
                start < p.candidate.start and scope == where[0] and statement != where[1]
                for start, (scope, statement) in bindings
            ):
                yield Placed(p.candidate, min(p.sure, most))
                continue
        yield p


def _kind(place: Candidate, considered: Considered) -> str:
    kinds = considered.cells[place.cell].kinds
    is_word = place.change.shape == "word" and place.first < len(kinds)
    return kinds[place.first] if is_word else ""


def _statement_of(place: Candidate, considered: Considered) -> _Statement | None:
    """None where bindings say nothing: in a cell that does not parse, or of a parameter."""
    index = cell_index(considered.cells[place.cell].source)
    i = index.starts.get(place.start)
    return None if i is None else (index.homes[i], index.names[i].statement)
