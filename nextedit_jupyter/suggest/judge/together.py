"""Places that change together or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nextedit_jupyter.core import Suggestion, SuggestRequest
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.offered import Placed

# From here on, nine of ten cells that bind a name again followed as a whole.
_SURE_OF_WHOLE = 0.55


def left_out(found: Sequence[Placed], considered: Considered) -> Iterator[Placed]:
    """The places that are not offered or that the judge has no say in, except the proved ones."""
    known = {id(p.candidate) for p in found}
    for n, place in enumerate(considered.candidates):
        if n not in considered.decided and id(place) not in known:
            yield Placed(place, 0.0)


def settle(sure: list[float], whole: Sequence[int], tick: float, most: float, offered: int) -> None:
    """Change a whole, of which a part is ticked, or nothing of it: at most as sure as `most`.

    `whole` are indices of `sure`; only the first `offered` places can follow.
    """
    if len({sure[n] >= tick for n in whole}) < 2:
        return
    mean = sum(sure[n] for n in whole) / len(whole)
    follows = mean >= _SURE_OF_WHOLE and all(n < offered for n in whole)
    for n in whole:
        sure[n] = max(sure[n], mean) if follows else min(sure[n], most)


def with_whole_columns(
    found: Sequence[Placed],
    doubted: Sequence[Suggestion],
    considered: Considered,
    request: SuggestRequest,
    tick: float,
    most: float,
) -> list[Placed]:
    """The places, with those of a column all ticked or none, where the judge doubts the rename that
    a changed use of it suggests."""
    sure = [p.sure for p in found]
    place_of = {(p.candidate.cell, p.candidate.start): n for n, p in enumerate(found)}
    for said in doubted:
        at = [(request.notebook.index(c.cell) or 0, r.start) for c in said.edits for r in c.edit]
        whole = [place_of[place] for place in at if place in place_of]
        kinds = {_kind(found[n], considered) for n in whole}
        if "string" in kinds and kinds <= {"string", "attribute"}:
            settle(sure, whole, tick, most, len(found) if len(whole) == len(at) else 0)
    return as_sure(found, sure)


def _kind(placed: Placed, considered: Considered) -> str:
    return considered.cells[placed.candidate.cell].kinds[placed.candidate.first]


def as_sure(found: Sequence[Placed], sure: Sequence[float]) -> list[Placed]:
    """The places with other probabilities."""
    return [p if s == p.sure else Placed(p.candidate, s) for p, s in zip(found, sure)]
