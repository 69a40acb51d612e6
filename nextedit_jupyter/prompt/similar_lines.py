"""Finds lines of a notebook that are similar to lines just changed, where the same change may be
wanted.

Similarity is a weighted Jaccard index of words: a word counts more the fewer lines contain it, and
parts of names (`Multi`, `Task`) count as words too. The text that the change removed must be there,
or nothing could be changed in the same way; if it only added text, the text around the addition
must be there.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from nextedit_jupyter.core.cache import by_text
from nextedit_jupyter.prompt.lines import common_ends

MAX_LINES = 4  # per change, before and after
MAX_CHARS = 400
MAX_COMPARED = 600  # lines from the first to the last change of an edit
MAX_CHANGES = 4  # of a history, the newest, in the prompt and in the search
MIN_SIMILARITY = 0.25
_TAKEN_AWAY = 0.3  # bonus of a stretch that contains all words that the change removed
_SCANNED = 6_000  # lines, nearest to the caret's cell

_WORD = re.compile(r"[^\W\d]\w*|\d[\w.]*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


@dataclass(frozen=True, slots=True)
class LineChange:
    """Whole lines before and after, without the last newline; `old` is never blank.

    `first` is the number of the first line in the text before, `at` in the text after.
    """

    old: str
    new: str
    first: int
    at: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """`count` whole lines of a cell from line `first` on; `likeness` to a change is from 0 to
    1.3."""

    cell: str
    first: int
    count: int
    text: str
    likeness: float


def line_changes(before: str, after: str) -> list[LineChange]:
    """The replaced and deleted lines between two texts; lines that correspond stand alone.

    Insertions are left out, because they say nothing about other lines, and so are large changes:
    the comparison is quadratic in the distance from the first to the last change.
    """
    old, new = before.split("\n"), after.split("\n")
    head, tail = common_ends(old, new)
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    if max(len(a), len(b)) > MAX_COMPARED:
        return []
    found: list[LineChange] = []
    for tag, *span in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag in ("equal", "insert"):
            continue
        start, end, begin, stop = (head + at for at in span)
        if end - start == stop - begin:
            parts = [
                (start + k, start + k + 1, begin + k, begin + k + 1) for k in range(end - start)
            ]
        else:
            parts = [(start, end, begin, stop)]
        for first, last, at, to in parts:
            if max(last - first, to - at) > MAX_LINES:
                continue
            was, now = "\n".join(old[first:last]), "\n".join(new[at:to])
            if was.strip() and max(len(was), len(now)) <= MAX_CHARS and was != now:
                found.append(LineChange(was, now, first, at))
    return found


def similar_stretches(
    cells: Sequence[tuple[str, str]], changes: Sequence[LineChange], *, limit: int
) -> list[Stretch]:
    """The stretches most similar to what `changes` replaced, best first, without overlaps.

    `cells` are present ids and sources, nearest to the caret first; of `changes`, oldest first, the
    newest `MAX_CHANGES` count. Lines that a change wrote are not candidates.
    """
    told = changes[-MAX_CHANGES:]
    if not told:
        return []
    cells = list(_bounded(cells))
    frequency = Counter(word for _, source in cells for line in _lines(source) for word in line)
    total = 1 + sum(len(_lines(source)) for _, source in cells)

    def weight(words: Iterable[str]) -> float:
        return sum(math.log(1 + total / (1 + frequency[word])) for word in words)

    written = {line.strip() for change in told for line in change.new.split("\n")}
    found: dict[tuple[str, int, int], Stretch] = {}
    for change in told:
        old, new = _words(change.old), _words(change.new)
        if not old:
            continue
        gone, size = old - new, change.old.count("\n") + 1
        whole = weight(old)
        for cell, source in cells:
            lines, texts = _lines(source), source.split("\n")
            for first in range(len(lines) - size + 1):
                words = (
                    lines[first] if size == 1 else frozenset().union(*lines[first : first + size])
                )
                common = words & old
                if not common or (gone and not gone & common):
                    continue
                shared = weight(common)
                like = shared / (weight(words) + whole - shared)
                like += _TAKEN_AWAY * (weight(gone & common) / weight(gone) if gone else 1.0)
                key = (cell, first, size)
                if like < MIN_SIMILARITY or (key in found and found[key].likeness >= like):
                    continue
                text = "\n".join(texts[first : first + size])
                if len(text) <= MAX_CHARS and not written.issuperset(
                    line.strip() for line in text.split("\n")
                ):
                    found[key] = Stretch(cell, first, size, text, like)
    return _apart(sorted(found.values(), key=lambda s: -s.likeness), limit)


def _apart(ordered: Sequence[Stretch], limit: int) -> list[Stretch]:
    """The first stretches that share no line with an earlier one."""
    taken: set[tuple[str, int]] = set()
    kept: list[Stretch] = []
    for stretch in ordered:
        lines = {(stretch.cell, stretch.first + k) for k in range(stretch.count)}
        if len(kept) < limit and not taken & lines:
            taken |= lines
            kept.append(stretch)
    return kept


def _bounded(cells: Sequence[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    left = _SCANNED
    for id, source in cells:
        left -= source.count("\n") + 1
        if left < 0:
            return
        yield id, source


@by_text(500_000)
def _lines(source: str) -> tuple[frozenset[str], ...]:
    return tuple(_words(line[:MAX_CHARS]) for line in source.split("\n"))


def _words(text: str) -> frozenset[str]:
    """The words of a text, and the parts of those that have several, in lower case after a `~`."""
    words = set(_WORD.findall(text))
    for word in tuple(words):
        parts = _PART.findall(word)
        if len(parts) > 1:
            words.update(f"~{part.lower()}" for part in parts)
    return frozenset(words)
