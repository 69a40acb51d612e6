"""The interface of a lane, which offers suggestions for a request, or says why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from nextedit_jupyter.core import Silence, Suggestion, SuggestRequest
from nextedit_jupyter.core.notebook import text_hash
from nextedit_jupyter.core.suggestion import CellEdit, Kind, Lane

Cancelled = Callable[[], bool]


class DeterministicLane(Protocol):
    """A lane without a model: the same request gives the same answer, and it takes milliseconds."""

    def suggest(
        self, request: SuggestRequest, cancelled: Cancelled
    ) -> Sequence[Suggestion] | Silence: ...


def suggestion_id(kind: Kind, lane: Lane, edits: Sequence[CellEdit]) -> str:
    """An id that is the same for the same edits of the same texts, so that a dismissed suggestion
    is recognised."""
    said = "\0".join(
        f"{c.cell}\0{c.base}\0" + "\0".join(f"{r.start},{r.end},{r.text}" for r in c.edit)
        for c in edits
    )
    return "s" + text_hash(f"{kind}\0{lane}\0{said}")[:12]
