"""Places that change together or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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


def as_sure(found: Sequence[Placed], sure: Sequence[float]) -> list[Placed]:
    """The places with other probabilities."""
    return [p if s == p.sure else Placed(p.candidate, s) for p, s in zip(found, sure)]
