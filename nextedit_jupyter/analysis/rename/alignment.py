"""Aligns the words of a text before some edits with those after them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cached_property

from nextedit_jupyter.analysis.bindings import normalised
from nextedit_jupyter.core import EditEvent, Notebook, SuggestRequest

_TOKEN = re.compile(r"[^\W\d]\w*|\d[\w.]*|\s+|.", re.S)
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
# A changed range with more tokens is not a rename by hand, and aligning it would be slow.
_MAX_TOKENS = 400


@dataclass(frozen=True, slots=True)
class Swap:
    """An identifier that became another: its places before and now."""

    start: int
    now: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Alignment:
    """The alignment of a text's words before and after an edit.

    `pure`: identifiers became identifiers and nothing else changed.
    """

    swaps: tuple[Swap, ...]
    pure: bool
    spans: tuple[tuple[int, int, int], ...]  # start before, end before, start after

    def count(self, old: str, new: str) -> int:
        """How often one word became the other."""
        return sum((swap.old, swap.new) == (old, new) for swap in self.swaps)

    def map(self, start: int) -> int | None:
        """Where the word that began at `start` begins now; None if it is gone."""
        for begin, end, now in self.spans:
            if begin <= start < end:
                return now + start - begin
        return None


def align(before: str, after: str) -> Alignment:
    """Align the words of `before` with those of `after`."""
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    while head and in_word(before, head) | in_word(after, head):
        head -= 1
    while tail and in_word(before, len(before) - tail) | in_word(after, len(after) - tail):
        tail -= 1
    old_end, new_end = len(before) - tail, len(after) - tail
    old = [(m.start(), m[0]) for m in _TOKEN.finditer(before, head, old_end)]
    new = [(m.start(), m[0]) for m in _TOKEN.finditer(after, head, new_end)]
    spans = [(0, head, 0)]
    swaps: list[Swap] = []
    pure = len(old) == len(new) and all(
        a == b or (_IDENTIFIER.match(a) and _IDENTIFIER.match(b))
        for (_, a), (_, b) in zip(old, new, strict=False)
    )
    if pure:
        opcodes: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(old), 0, len(new))]
    elif len(old) > _MAX_TOKENS or len(new) > _MAX_TOKENS:
        opcodes = []
    else:
        opcodes = SequenceMatcher(
            None, [text for _, text in old], [text for _, text in new], autojunk=False
        ).get_opcodes()
    for tag, i1, i2, j1, j2 in opcodes:
        if tag not in ("equal", "replace") or i2 - i1 != j2 - j1:
            continue
        for (at, was), (now, becomes) in zip(old[i1:i2], new[j1:j2], strict=True):
            if was == becomes:
                spans.append((at, at + len(was), now))
            elif _IDENTIFIER.match(was) and _IDENTIFIER.match(becomes):
                spans.append((at, at + len(was), now))
                swaps.append(Swap(at, now, normalised(was), normalised(becomes)))
    spans.append((old_end, len(before) + 1, new_end))
    return Alignment(tuple(swaps), pure, tuple(spans))


def _common(a: str, b: str) -> int:
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[:middle] == b[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def in_word(text: str, at: int) -> bool:
    """Whether `at` is inside a word, not at its edge."""
    return 0 < at < len(text) and _is_word(text[at - 1]) and _is_word(text[at])


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


class Window:
    """The last few events combined: the notebook before them, and each edited cell's alignment with
    its present text."""

    def __init__(
        self, events: tuple[EditEvent, ...], present: Notebook, earliest: dict[str, str]
    ) -> None:
        self.events = events
        self._present, self._earliest = present, earliest
        texts = {cell.id: cell.source for cell in present.cells if cell.id in earliest}
        self.alignments = {id: align(text, texts[id]) for id, text in earliest.items()}

    @property
    def begins_with_names(self) -> bool:
        """Whether its oldest event turned names into names and did nothing else."""
        oldest = self.events[-1]
        return align(oldest.before, oldest.after).pure

    @cached_property
    def before(self) -> Notebook:
        earliest = self._earliest
        return replace(
            self._present,
            cells=tuple(
                replace(cell, source=earliest[cell.id]) if cell.id in earliest else cell
                for cell in self._present.cells
            ),
        )


def windows(request: SuggestRequest) -> Iterator[Window]:
    """Windows of this user's last edits, longest first, as far as they can be traced."""
    present = {cell.id: cell.source for cell in request.notebook.cells}
    taken: list[EditEvent] = []
    earliest: dict[str, str] = {}
    found: list[Window] = []
    for event in reversed(request.history):
        if event.origin in ("undone", "remote") or event.cell not in present:
            break
        if event.after != earliest.get(event.cell, present[event.cell]):
            break
        earliest[event.cell] = event.before
        taken.append(event)
        found.append(Window(tuple(taken), request.notebook, dict(earliest)))
    return reversed(found)
