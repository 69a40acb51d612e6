"""Uses that were changed: to the same thing under another name, or to something else.

A use says of the definition less than the definition does. Where its statement was written anew, or
where the edit brought a definition of the new name along, another thing took the old one's place.
"""

from __future__ import annotations

import re

from nextedit_jupyter.analysis.flow import Place
from nextedit_jupyter.analysis.index import cell_index
from nextedit_jupyter.analysis.rename.alignment import Swap, Window
from nextedit_jupyter.analysis.rename.orphaned import source_of
from nextedit_jupyter.core import Notebook, Silence


def taken_for_another(
    now: Notebook, window: Window, uses: list[tuple[Place, Swap]]
) -> Silence | None:
    """Why changed uses of one name say nothing of its definition; None if they may."""
    new = uses[0][1].new
    if any(_came_along(now, window, cell, new) for cell in window.alignments):
        return Silence("no_change", f"`{new}` exists: a use was changed, not a definition")
    if not any(_is_all(now, window, place[0], swap) for place, swap in uses):
        return Silence("no_change", f"what uses `{new}` was rewritten, not renamed")
    return None


def kept_as_member(now: Notebook, window: Window, old: str, new: str) -> Silence | None:
    """Why a definition says nothing of uses that became members of it: `state, loss = f()` became
    `state, metrics = f()`, and `print(loss)` became `print(metrics.loss)`. None if none did.
    """
    member = re.compile(rf"(?<![\w.]){re.escape(new)}\.{re.escape(old)}(?!\w)")
    for cell in window.alignments:
        if member.search(source_of(now, cell)) and not member.search(
            source_of(window.before, cell)
        ):
            return Silence("no_change", f"`{old}` is `{new}.{old}` now", replaced=(old,))
    return None


def _came_along(now: Notebook, window: Window, cell: str, name: str) -> bool:
    """Whether an edited cell binds a name, be it in a function, that it did not bind before."""
    return _binds(source_of(now, cell), name) and not _binds(source_of(window.before, cell), name)


def _binds(source: str, name: str) -> bool:
    return any(one.name == name and one.op != "read" for one in cell_index(source).names)


def _is_all(now: Notebook, window: Window, cell: str, swap: Swap) -> bool:
    """Whether nothing but words became words on a use's line."""
    swaps = window.alignments[cell].swaps
    before, after = source_of(window.before, cell), source_of(now, cell)
    start, end = _line(before, swap.start)
    text, at = "", start
    for one in swaps:
        if start <= one.start < end:
            text += before[at : one.start] + one.new
            at = one.start + len(one.old)
    return (text + before[at:end]).strip() == after[slice(*_line(after, swap.now))].strip()


def _line(text: str, at: int) -> tuple[int, int]:
    """Where the line of a place begins and ends."""
    end = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, len(text) if end < 0 else end
