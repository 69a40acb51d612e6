"""Leaves out the places of a change that the user took back, until the change is made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nextedit_jupyter.core import Replacement, SuggestRequest
from nextedit_jupyter.suggest.judge.last_edits import read_changes
from nextedit_jupyter.suggest.judge.lexed import LexedCells
from nextedit_jupyter.suggest.judge.offered import Placed, replacement_of
from nextedit_jupyter.suggest.patterns import net_edits
from nextedit_jupyter.suggest.taken_back import brings_back, brought_back, pasts_of


def without_undone(
    request: SuggestRequest, found: Sequence[Placed], lexed: LexedCells
) -> list[Placed]:
    """The places that were not taken back, of changes that were not, or that were made since."""
    undone = [n for n, event in enumerate(request.history) if event.origin == "undone"]
    if not undone:
        return list(found)
    cells = request.notebook.cells
    backs: dict[int, list[Replacement]] = {}
    for number in {p.candidate.cell for p in found}:
        id, source = cells[number].id, cells[number].source
        backs[number] = brought_back(source, pasts_of(request, id, source, only_undone=True))
    back = [
        brings_back(replacement_of(c), cells[c.cell].source, backs[c.cell])
        for c in (p.candidate for p in found)
    ]
    since = replace(request, history=request.history[undone[-1] + 1 :])
    nets = [(net.cell, net.before, net.after, net.recent) for net in net_edits(since)]
    made = {change.key for change in read_changes(nets, lexed)[0]}
    refused = {p.candidate.change.key for p, is_back in zip(found, back) if is_back} - made
    return [
        p
        for p, is_back in zip(found, back)
        if not is_back and p.candidate.change.key not in refused
    ]
