"""The record of edits: a bounded ring that merges bursts of typing, drops reverted edits, and never
holds a text that the redactor refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.core.text_edit import TextEdit

Origin = Literal["typed", "pasted", "accepted", "undone", "executed", "remote"]
ORIGINS: tuple[Origin, ...] = ("typed", "pasted", "accepted", "undone", "executed", "remote")


@dataclass(frozen=True, slots=True)
class EditEvent:
    """A cell's whole text before and after an edit; `at` is in seconds on any one clock."""

    cell: str
    before: str
    after: str
    origin: Origin = "typed"
    at: float = 0.0

    @property
    def edit(self) -> TextEdit:
        return TextEdit.between(self.before, self.after)


class EditHistory:
    """The last edits, oldest first.

    Keystrokes of one burst (same cell, same origin, within `merge_lines` lines and `merge_seconds`)
    are one event, as Zeta groups them; an event that ends where it began is dropped. What was
    accepted and taken back, also by hand, stays as both events, the second one "undone": no lane
    could know otherwise that it was refused. Each text is checked with `refuses` before it is held;
    if one is refused, the event and all held events of that cell are dropped, because they contain
    earlier versions of that text.
    """

    def __init__(
        self,
        max_events: int = 10,
        *,
        merge_lines: int = 8,
        merge_seconds: float = 1.0,
        refuses: Callable[[str], bool] = holds_secret,
    ) -> None:
        self._events: list[EditEvent] = []
        self._max_events = max_events
        self._merge_lines = merge_lines
        self._merge_seconds = merge_seconds
        self._refuses = refuses

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[EditEvent]:
        return iter(self._events)

    @property
    def events(self) -> tuple[EditEvent, ...]:
        return tuple(self._events)

    def append(self, event: EditEvent) -> None:
        """Add an event: merge it into the last one, or append it and drop the oldest."""
        if event.before == event.after:
            return
        if self._refuses(event.before) or self._refuses(event.after):
            self.forget(event.cell)
            return
        last = self._events[-1] if self._events else None
        if last is not None and self._is_same_burst(last, event):
            self._events.pop()
            event = replace(event, before=last.before)
            if event.before == event.after:
                return
        elif last is not None and _leaves_nothing(last, event):
            self._events.pop()
            return
        if self._takes_back(event):
            event = replace(event, origin="undone")
        self._events.append(event)
        del self._events[: -self._max_events]

    def forget(self, cell: str | None = None) -> None:
        """Drop the events of one cell, or all."""
        self._events = [e for e in self._events if cell is not None and e.cell != cell]

    def _takes_back(self, event: EditEvent) -> bool:
        """Whether the event takes back what was accepted last in its cell; an offer does not."""
        if event.origin == "accepted":
            return False
        last = next((e for e in reversed(self._events) if e.cell == event.cell), None)
        return last is not None and last.origin == "accepted" and _undoes(last, event)

    def _is_same_burst(self, last: EditEvent, event: EditEvent) -> bool:
        if (last.cell, last.origin, last.after) != (event.cell, event.origin, event.before):
            return False
        if event.origin not in ("typed", "undone") or event.at - last.at > self._merge_seconds:
            return False
        was, now = last.edit.replacements, event.edit.replacements
        if not was or not now:
            return True
        # Lines between the end of the last change and the start of this one, in the text between.
        shift = sum(r.growth for r in was[:-1])
        there = was[-1].start + shift + len(was[-1].text)
        low, high = sorted((there, now[0].start))
        return event.before.count("\n", low, high) <= self._merge_lines


def without_taken_back(history: Sequence[EditEvent]) -> tuple[EditEvent, ...]:
    """The events that still count: without what was undone, and the undoing."""
    kept: list[EditEvent] = []
    for event in history:
        last = next((n for n in reversed(range(len(kept))) if kept[n].cell == event.cell), None)
        if event.origin == "undone" and last is not None and _undoes(kept[last], event):
            del kept[last]
        else:
            kept.append(event)
    return tuple(kept)


def _undoes(last: EditEvent, event: EditEvent) -> bool:
    return (last.cell, last.before, last.after) == (event.cell, event.after, event.before)


def is_made_again(history: Sequence[EditEvent], at: int) -> bool:
    """Whether a change that was made up to the event number `at` was made once more after it."""
    made = [(e.cell, e.before, e.after) if e.origin != "undone" else None for e in history]
    return any(one is not None and one in made[: at + 1] for one in made[at + 1 :])


def _leaves_nothing(last: EditEvent, event: EditEvent) -> bool:
    """Whether two events are as if neither had been: not what is accepted and taken back, nor what
    is undone and made anew."""
    made_anew = last.origin == "undone" and event.origin != "undone"
    return _undoes(last, event) and last.origin != "accepted" and not made_anew
