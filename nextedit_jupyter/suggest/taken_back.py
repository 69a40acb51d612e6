"""What the user's own last edits replaced or took back in a cell, and so no suggestion restores."""

from __future__ import annotations

from collections.abc import Sequence

from nextedit_jupyter.core import Replacement, SuggestRequest, TextEdit
from nextedit_jupyter.core.history import is_made_again


def pasts_of(
    request: SuggestRequest,
    cell: str,
    source: str,
    *,
    only_undone: bool = False,
    since_accepted: bool = False,
) -> list[str]:
    """The cell's texts before each of the user's own events, newest first, without the present
    text; `only_undone`: before those that took something back; `since_accepted`: only of the events
    after the last accepted one.

    The chain ends where an event does not lead to the text with which the next one began, and at
    what was undone before its reason came again.
    """
    pasts: list[str] = []
    expected = source
    for at, event in reversed(list(enumerate(request.history))):
        if event.cell != cell or event.origin in ("executed", "remote"):
            continue
        undone = event.origin == "undone"
        if since_accepted and event.origin == "accepted":
            break
        if event.after != expected or (undone and is_made_again(request.history, at)):
            break
        expected = event.before
        if event.before != source and (undone or not only_undone):
            pasts.append(event.before)
    return pasts


def brought_back(source: str, pasts: Sequence[str]) -> list[Replacement]:
    """The replacements that lead from the present text back to each of its pasts."""
    return [back for past in pasts for back in TextEdit.between(past, source).invert(past)]


def brings_back(mine: Replacement, source: str, backs: Sequence[Replacement]) -> bool:
    """Whether a replacement in `source` is one of `backs`, or an insertion that begins one."""
    # Of `lw` and `linewidth` only `inewidth` differs, as an edit's replacements are compared.
    parts = TextEdit.between(source[mine.start : mine.end], mine.text)
    alike = (mine, *(Replacement(mine.start + r.start, mine.start + r.end, r.text) for r in parts))
    return any(_brings_back(one, back) for back in backs for one in alike)


def _brings_back(mine: Replacement, back: Replacement) -> bool:
    if mine == back:
        return bool(back.text.strip()) or mine.end > mine.start
    if (mine.start, mine.end) != (back.start, back.end) or mine.start != mine.end:
        return False
    offered, removed = mine.text.strip(), back.text.strip()
    if not offered or not removed:
        return False
    # One or two letters are not enough to recognise what was deleted.
    return removed.startswith(offered) or (len(removed) > 2 and offered.startswith(removed))
