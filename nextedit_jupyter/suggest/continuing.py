"""Whether the last edits began something that could go on elsewhere.

Most requests come while new code is being written: then a model that continues edits has nothing to
offer, and asking it takes as long as a hundred other requests. A change of existing code, even of
one argument, is worth asking about.
"""

from __future__ import annotations

from nextedit_jupyter.core import EditEvent, Silence, SuggestRequest

# Earlier edits were asked about when they were made.
RECENT_EVENTS = 3


def nothing_to_continue(request: SuggestRequest) -> Silence | None:
    """Why no model can continue the last edits; None if one could."""
    if not request.history:
        return Silence("no_change", "nothing has been edited yet")
    last = request.history[-1]
    if last.origin == "undone":
        return Silence("reverts_user", "the last edit was undone")
    if last.origin == "remote":
        return Silence("no_change", "the last edit is not this person's")
    if request.facts.error is not None:
        return None  # the failure may be fixed
    mine = [event for event in request.history if event.origin not in ("undone", "remote")]
    changes = [event for event in mine[-RECENT_EVENTS:] if changes_code(event)]
    if not changes:
        return Silence("no_change", "new code was written, but none was changed")
    if mine[-1] is not changes[-1] and mine[-1].cell not in {event.cell for event in changes}:
        return Silence("no_change", "something new is written in another cell")
    return None


def changes_code(event: EditEvent) -> bool:
    """Whether existing code was changed, rather than only new lines written."""
    before = event.before
    for replaced in event.edit:
        if before[replaced.start : replaced.end].strip():
            return True
        if replaced.text.strip() and not _is_new_line(before, replaced.start, replaced.text):
            return True
    return False


def _is_new_line(before: str, start: int, text: str) -> bool:
    """Whether the text inserted at `start` is on separate lines."""
    begin = before.rfind("\n", 0, start) + 1
    end = before.find("\n", start)
    rest = before[start : end if end >= 0 else len(before)]
    is_behind = not rest.strip() and text.lstrip(" \t").startswith("\n")
    is_before = not before[begin:start].strip() and text.rstrip(" \t").endswith("\n")
    return is_behind or is_before or not (before[begin:start] + rest).strip()
