"""Detects names that are still being typed: a rename to one would be a rename to half a word."""

from __future__ import annotations

import re

from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.alignment import Window
from nextedit_jupyter.core import Silence, SuggestRequest

_IDENTIFIER = re.compile(r"[^\W\d]\w*")


def half_typed(
    request: SuggestRequest,
    window: Window,
    index: NotebookIndex,
    old: str,
    new: str,
    is_definition: bool,
) -> Silence | None:
    """Why a name with the caret at its end looks unfinished; None if it does not.

    The client asks after a pause, so most names are complete by then; these shapes rarely are.
    """
    last = window.events[0]
    alignment = window.alignments.get(request.caret.cell)
    if last.origin != "typed" or request.caret.cell != last.cell or alignment is None:
        return None
    if sum(laid.count(old, new) for laid in window.alignments.values()) > 1:
        return None  # a name written twice is complete
    text = request.cell.source
    if not any(
        swap.now < request.caret.offset == _word_end(text, swap.now) for swap in alignment.swaps
    ):
        return None
    unfinished = (
        (len(new) == 1 and len(old) >= 3)
        or (new.endswith("_") and not old.endswith("_"))
        or (old.startswith(new) and not is_whole(old, new))
    )
    if not is_definition and not unfinished:
        known = index.bound_names() | {name.name for name in request.facts.names}
        unfinished = any(name != old and name.startswith(new) for name in known)
    return looks_half_typed(new) if unfinished else None


def looks_half_typed(new: str) -> Silence:
    """The silence for a name that seems unfinished."""
    return Silence("low_confidence", f"`{new}` looks half typed", half_typed=new)


def _word_end(text: str, start: int) -> int:
    found = _IDENTIFIER.match(text, start)
    return found.end() if found else start


def is_whole(old: str, new: str) -> bool:
    """Whether `new` is `old` shortened at the edge of a word: total_sum, x1, items."""
    return old == new or (not new.endswith("_") and ends_at_edge(old, new))


def ends_at_edge(old: str, new: str) -> bool:
    """Whether `new`, a prefix of `old`, ends where a word of `old` ends."""
    rest = old[len(new) :]
    is_plural = rest == "s" and len(new) > 2
    is_edge = rest[:1] in ("_", *"0123456789") or rest[:1].isupper() or new[-1:].isdigit()
    return not rest or is_edge or is_plural
