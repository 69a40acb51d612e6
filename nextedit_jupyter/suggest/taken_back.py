"""What the user's own last edits replaced or took back in a cell, and so no suggestion restores."""

from __future__ import annotations

from collections.abc import Sequence

from nextedit_jupyter.analysis.rename.alignment import align
from nextedit_jupyter.core import Replacement, SuggestRequest, TextEdit
from nextedit_jupyter.core.history import is_made_again


def pasts_of(
    request: SuggestRequest, cell: str, source: str, *, only_undone: bool = False
) -> list[str]:
    """The cell's texts before each of the user's own events, newest first, without the present
    text; `only_undone`: before those that took something back.

    The chain ends where an event does not lead to the text with which the next one began, and at
    what was undone before its reason came again.
    """
    pasts: list[str] = []
    expected = source
    for at, event in reversed(list(enumerate(request.history))):
        if event.cell != cell or event.origin in ("executed", "remote"):
            continue
        undone = event.origin == "undone"
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


def is_renamed_back(request: SuggestRequest, cell: str, source: str, becomes: str) -> bool:
    """Whether an edit turns back only names whose change was accepted in the cell, and which the
    user has since changed back elsewhere.

    Whoever accepts `np` to `numpy_` and then writes `np` in the import again wants all uses back.
    """
    alignment = align(source, becomes)
    back = {(swap.old, swap.new) for swap in alignment.swaps}
    if not alignment.pure or not back:
        return False
    earlier: dict[str, set[str]] = {}  # what a name that was accepted had been before
    since = 0
    for at, event in enumerate(request.history):
        if event.cell == cell and event.origin == "accepted":
            for swap in align(event.before, event.after).swaps:
                earlier[swap.new] = {swap.old, *earlier.get(swap.old, ())}
                since = at + 1
    return all(now in earlier.get(old, ()) for old, now in back) and back <= _typed_swaps(
        request, since
    )


def _typed_swaps(request: SuggestRequest, start: int) -> set[tuple[str, str]]:
    """The names that the user changed by hand from event number `start` on, over several bursts."""
    last = {event.cell: event.after for event in request.history[start:]}
    return {
        (swap.old, swap.new)
        for event in request.history[start:]
        if event.origin in ("typed", "pasted")
        for swap in align(event.before, last[event.cell]).swaps
    }


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
