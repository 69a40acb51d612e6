"""Remembers what happened to suggestions: a text that was typed over or undone is not offered
again.

Not in its place, and less readily in its cell. Requests are stateless and the edit history drops
what was reverted, so this observes how a cell changes from one request to the next. It is a cache:
a restarted worker offers such texts again.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Any

from nextedit_jupyter.core import CellEdit, EditEvent, Silence, Suggestion, SuggestRequest
from nextedit_jupyter.core.history import is_made_again

# The confidence that a text needs after this many rejections of its first words in the cell.
BARS = (0.0, 0.9, 0.97)
_BLANKS = " \t"
_HEAD = re.compile(r"\W*\w*")
_WORD_AT_END = re.compile(r"\w{1,60}\Z")


@dataclass(frozen=True, slots=True)
class _Refused:
    """A place, as the hash and the length of the text before it, and the words rejected there."""

    before: int
    length: int
    head: str

    @classmethod
    def of(cls, before: str, text: str) -> _Refused:
        return cls(hash(before), len(before), _head(text))

    def is_said_by(self, before: str, text: str) -> bool:
        whole = before + text
        end = self.length + len(self.head)
        return (
            len(before) < end <= len(whole)
            and whole[self.length : end] == self.head
            and hash(whole[: self.length]) == self.before
        )


@dataclass(slots=True)
class _Shown:
    """A ghost text on the screen, and the text before it.

    `places` are the cell's texts in which it was shown, with the text before the caret; `seen` is
    the last length of that; `ids` are those of the suggestions.
    """

    before: str
    text: str
    seen: int
    places: OrderedDict[int, str] = field(default_factory=OrderedDict)
    ids: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def was_drawn(self, drawn: str | None) -> bool:
        """Whether the user saw it, if the client says so: a late answer is drawn nowhere."""
        return drawn is None or drawn in self.ids


@dataclass(slots=True)
class _Edit:
    """An edit that was offered after the event `because`, and whether it was made, then undone."""

    because: EditEvent | None
    made: bool = False
    undone: bool = False


@dataclass(slots=True)
class _Cell:
    neighbours: tuple[int, int]
    shown: _Shown | None = None
    refused: OrderedDict[_Refused, None] = field(default_factory=OrderedDict)
    heads: Counter[str] = field(default_factory=Counter)
    taken: OrderedDict[int, tuple[str, str]] = field(default_factory=OrderedDict)
    edits: OrderedDict[tuple[int, int], _Edit] = field(default_factory=OrderedDict)
    seen: int | None = None  # the hash of the text last compared with its edits


class Memory:
    """The cells in which something was shown recently; the least recently used are dropped."""

    def __init__(self, cells: int = 200, places: int = 32) -> None:
        self._size, self._places = cells, places
        self._cells: OrderedDict[str, _Cell] = OrderedDict()

    def forget(self) -> None:
        self._cells.clear()

    def observe(self, request: SuggestRequest) -> None:
        """Observe how the caret's cell, and cells for which next edits were offered, have
        changed."""
        for id, known in self._cells.items():
            found = request.notebook.cell(id) if known.edits else None
            # Most cells are unchanged between requests, and 200 may have 32 edits each.
            if found is not None and (text := hash(found.source)) != known.seen:
                known.seen = text
                self._observe_edits(known, text)
        id = request.caret.cell
        here = self._cells.get(id)
        if here is None:
            return
        neighbours = _neighbours(request, id)
        if not _may_be_one(here.neighbours, neighbours):  # another notebook's cell of this id
            del self._cells[id]
            return
        here.neighbours = neighbours
        before = request.cell.source[: request.caret.offset]
        shown = here.shown
        if shown is not None:
            self._observe_ghost(here, shown, before, request.drawn)
        undone = here.taken.pop(hash(request.cell.source), None)
        if undone is not None:
            here.shown = None
            self._refuse(here, *undone)

    def refuses(self, request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
        """Whether the user rejected a suggestion before.

        Edits of other cells are offered again once the edit that led to them was made again.
        """
        if request.rename_to is not None:  # explicit commands are exempt
            return None
        if suggestion.kind != "inline":
            undone = [self._was_undone(request, change) for change in suggestion.edits]
            return Silence("reverts_user", "it was undone") if undone and all(undone) else None
        for change in suggestion.edits:
            known = self._cells.get(change.cell)
            if known is None:
                continue
            before = request.cell.source[: request.caret.offset]
            text = "".join(replacement.text for replacement in change.edit)
            if any(refused.is_said_by(before, text) for refused in known.refused):
                return Silence("reverts_user", "it was typed over or undone here")
            times = known.heads[_word(before, text)]
            if times >= len(BARS) or suggestion.confidence < BARS[times]:
                return Silence("low_confidence", "it was typed over in this cell")
        return None

    def _was_undone(self, request: SuggestRequest, change: CellEdit) -> bool:
        known, found = self._cells.get(change.cell), request.notebook.cell(change.cell)
        if known is None or found is None:
            return False
        edit = known.edits.get((hash(found.source), hash(change.edit.apply(found.source))))
        return edit is not None and edit.undone and _still_holds(edit.because, request.history)

    def show(self, request: SuggestRequest, suggestion: Suggestion) -> None:
        """Remember what is shown now."""
        if request.rename_to is not None:
            return
        because = request.history[-1] if request.history else None
        for change in suggestion.edits:
            found = request.notebook.cell(change.cell)
            if found is None:
                continue
            cell = self._of(request, change.cell)
            if suggestion.kind != "inline":
                key = (hash(found.source), hash(change.edit.apply(found.source)))
                edit = cell.edits.get(key)
                if edit is None or edit.undone:
                    cell.edits[key] = _Edit(because)
                _bound(cell.edits, self._places)
                continue
            before = found.source[: request.caret.offset]
            text = "".join(replacement.text for replacement in change.edit)
            last = cell.shown
            if last is None or not _goes_on(last, before + text):
                last = cell.shown = _Shown(before, text, len(before))
            elif len(before + text) > len(last.before + last.text):
                last.text = (before + text)[len(last.before) :]
            last.places[hash(found.source)] = before
            _bound(last.places, self._places)
            last.ids[suggestion.id] = None
            _bound(last.ids, self._places)

    def _of(self, request: SuggestRequest, id: str) -> _Cell:
        cell = self._cells.get(id)
        if cell is None:
            cell = self._cells[id] = _Cell(_neighbours(request, id))
        self._cells.move_to_end(id)
        _bound(self._cells, self._size)
        return cell

    def _observe_ghost(self, here: _Cell, shown: _Shown, before: str, drawn: str | None) -> None:
        """Determine what the user did with the ghost text: typed along, accepted it, or typed
        something else."""
        typed = before.removeprefix(shown.before)
        grown, shown.seen = len(before) - shown.seen, len(before)
        if not before.startswith(shown.before):
            here.shown = None
        elif shown.text.startswith(typed) or typed.startswith(shown.text):
            if grown > 1:  # accepted at once: one of these texts again means undone
                whole = shown.before + shown.text
                for source, stood in shown.places.items():
                    here.taken[source] = (stood, whole[len(stood) :])
                _bound(here.taken, self._places)
            if len(typed) >= len(shown.text):
                here.shown = None
        else:
            if shown.was_drawn(drawn) and not _is_spaced_otherwise(typed, shown.text):
                self._refuse(here, shown.before, shown.text)
            here.shown = None

    def _observe_edits(self, known: _Cell, source: int) -> None:
        for (was, becomes), edit in known.edits.items():
            if source == becomes:
                edit.made = True
            elif source == was and edit.made:
                edit.undone = True

    def _refuse(self, here: _Cell, before: str, text: str) -> None:
        here.refused[_Refused.of(before, text)] = None
        _bound(here.refused, self._places)
        here.heads[_word(before, text)] += 1
        if len(here.heads) > 8 * self._places:
            here.heads.clear()


def _still_holds(because: EditEvent | None, history: tuple[EditEvent, ...]) -> bool:
    """Whether what led to an edit is in the history still, and was not made anew since."""
    if because is None:
        return True
    return because in history and not is_made_again(history, history.index(because))


def _goes_on(last: _Shown, whole: str) -> bool:
    """Whether a text is the ghost text already shown, partly typed or extended."""
    said = last.before + last.text
    return whole.startswith(said) or said.startswith(whole)


def _is_spaced_otherwise(typed: str, text: str) -> bool:
    """Whether what was typed differs from the beginning of a text in its first blanks alone: `x = `
    where `np.arange(3)` was shown behind `x =`.
    """
    return text.lstrip(_BLANKS).startswith(typed.lstrip(_BLANKS))


def _head(text: str) -> str:
    """The first word with the characters before it."""
    match = _HEAD.match(text)
    return match[0] if match is not None else ""


def _word(before: str, text: str) -> str:
    """The first word of a text, including the part that is already typed."""
    typed = _WORD_AT_END.search(before, max(0, len(before) - 60)) if text[:1].isalnum() else None
    return (typed[0] if typed is not None else "") + _head(text)


def _neighbours(request: SuggestRequest, id: str) -> tuple[int, int]:
    """Hashes of the cells above and below, to distinguish cells with the same id in two
    notebooks."""
    cells = request.notebook.cells
    at = request.notebook.index(id) or 0
    above = hash(cells[at - 1].source) if at else 0
    below = hash(cells[at + 1].source) if at + 1 < len(cells) else 0
    return above, below


def _may_be_one(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a == b or any(was and was == now for was, now in zip(a, b, strict=True))


def _bound(held: OrderedDict[Any, Any], size: int) -> None:
    while len(held) > size:
        held.popitem(last=False)
