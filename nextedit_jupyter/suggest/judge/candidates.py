"""Finds the places where a change could also be made: generously, for the judge to weigh."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nextedit_jupyter.suggest.judge.last_edits import Edited, LastChange, Site
from nextedit_jupyter.suggest.judge.lexed import LexedCell

MAX_CANDIDATES = 3_000
MAX_LEFT_ALONE = 12
_ASSIGNS = re.compile(r"[^\W\d][\w.]*(?:\s*,\s*[^\W\d][\w.]*)*\s*=(?!=)")
_OPENERS, _CLOSERS = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible change: `start` to `end` of a cell's text, tokens `first` to `last`, become
    `text`."""

    change: LastChange
    cell: int
    start: int
    end: int
    text: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class CandidateRule:
    """An offer of the patterns lane: (cell number, start, end, text), and its trust.

    `trust` is 1 if it is based on one example, 1.5 for several, 2 if it is specific, 3 if the
    kernel confirms it.
    """

    trust: float
    places: tuple[tuple[int, int, int, str], ...]


def find_candidates(
    changes: Sequence[LastChange],
    sources: Sequence[tuple[int, str]],
    lexed: dict[int, LexedCell],
) -> list[Candidate]:
    """Every place of every change in the cells (number, source), at most `MAX_CANDIDATES`."""
    found: list[Candidate] = []
    for number, source in sources:
        for change in changes:
            if needle(change) not in source:
                continue
            found += places(change, lexed[number], number)
            if len(found) >= MAX_CANDIDATES:
                return found[:MAX_CANDIDATES]
    return found


def needle(change: LastChange) -> str:
    """A text that every place contains."""
    return max(change.old, key=len)


def places(change: LastChange, cell: LexedCell, number: int) -> Iterator[Candidate]:
    if change.shape in ("lines", "lines added", "lines removed"):
        yield from _line_places(change, cell, number)
        return
    anchor = max(range(len(change.old)), key=lambda k: len(change.old[k]))
    old, size = change.old, len(change.old)
    begins_statement = begins_to_bind(change)
    behind = -1
    for token in cell.places.get(old[anchor], ()):
        rank = cell.rank[token] - anchor
        if rank < 0 or rank + size > len(cell.solid):
            continue
        tokens = cell.solid[rank : rank + size]
        if any(cell.texts[t] != text for t, text in zip(tokens, old)):
            continue
        if change.low < change.high:
            first, last = tokens[change.low], tokens[change.high - 1] + 1
            start, end = cell.starts[first], _end(cell, last - 1)
        elif change.low:
            first = last = tokens[change.low - 1] + 1
            start = end = _end(cell, first - 1)
        else:
            first = last = tokens[0]
            start = end = cell.starts[first]
        if start < behind or _is_done(change, cell, start, end):
            continue
        if begins_statement and not _begins_line(cell, start):
            continue
        if not change.new and change.low < change.high:
            start, end = _with_its_comma(cell, first, last, start, end)
        if not change.new and cell.source[end : end + 1] == " " and change.low == 0:
            end += 1  # a removal includes its space
        behind = end
        yield Candidate(change, number, start, end, change.new, first, last)


def begins_to_bind(change: LastChange) -> bool:
    """Whether an assignment to a name was added or removed at the beginning of a statement."""
    texts = change.new, "".join(change.replaced)
    is_bound = [_ASSIGNS.match(text) is not None for text in texts]
    return is_bound[0] != is_bound[1] and not any(e.site.indent_only for e in change.examples)


def _begins_line(cell: LexedCell, start: int) -> bool:
    return not cell.source[cell.line_starts[cell.line_of(start)] : start].strip()


def _with_its_comma(
    cell: LexedCell, first: int, last: int, start: int, end: int
) -> tuple[int, int]:
    """The span of a removal: one of several arguments includes its comma."""
    before, behind = cell.left(first, 1), cell.right(last, 1)
    if before == [","] and behind and behind[0] in _CLOSERS:
        return cell.starts[cell.solid[cell.rank[first] - 1]], end
    if behind == [","] and before and before[0] in _OPENERS | {","}:
        return start, _end(cell, cell.solid[cell.rank[last]])
    return start, end


def _end(cell: LexedCell, token: int) -> int:
    return cell.starts[token] + len(cell.texts[token])


def _is_done(change: LastChange, cell: LexedCell, start: int, end: int) -> bool:
    """Whether the new text is already there, so that what is already longer is not extended
    again."""
    new, replaced = change.new, cell.source[start:end]
    if not new.strip():
        return False
    if start == end:
        return cell.source.startswith(new, start) or cell.source.endswith(new, 0, start)
    if replaced and replaced in new:
        head = new.find(replaced)
        return cell.source[max(start - head, 0) : start - head + len(new)] == new
    return False


def _line_places(change: LastChange, cell: LexedCell, number: int) -> Iterator[Candidate]:
    size, lines = len(change.old), cell.lines
    solid = [n for n, line in enumerate(lines) if line]
    texts = [lines[n] for n in solid]
    raw = cell.source.split("\n")
    added = [line.strip() for line in change.new.split("\n")]
    for at in range(len(solid) - size + 1):
        if texts[at] != change.old[0] or tuple(texts[at : at + size]) != change.old:
            continue
        top, bottom = solid[at], solid[at + size - 1]
        margin = raw[top][: len(raw[top]) - len(raw[top].lstrip())]
        block = "\n".join(
            margin + line if line.strip() else line for line in change.new.split("\n")
        )
        begin = cell.line_starts[top]
        end = cell.line_starts[bottom] + len(raw[bottom])
        if change.shape == "lines added":
            if added[0] in lines:
                continue
            if change.low:
                yield _whole(change, cell, number, end, end, "\n" + block)
            else:
                yield _whole(change, cell, number, begin, begin, block + "\n")
        elif change.shape == "lines removed":
            if end < len(cell.source):
                yield _whole(change, cell, number, begin, end + 1, "")
            elif begin:
                yield _whole(change, cell, number, begin - 1, end, "")
        else:
            yield _whole(change, cell, number, begin, end, block)


def _whole(
    change: LastChange, cell: LexedCell, number: int, start: int, end: int, text: str
) -> Candidate:
    return Candidate(change, number, start, end, text, cell.at(start), cell.at(end))


def note_left_alone(
    changes: Sequence[LastChange], edited: Sequence[Edited]
) -> list[tuple[int, Candidate]]:
    """Record the places of a change that the user skipped: those still in the edited cells.

    They are kept by the edit's number, because they may be left for later.
    """
    found: list[tuple[int, Candidate]] = []
    for change in changes:
        for number, edit in enumerate(edited):
            if needle(change) not in edit.after.source:
                continue
            for place in places(change, edit.after, number):
                if len(change.left_alone) >= MAX_LEFT_ALONE:
                    break
                change.left_alone.append((number, Site.of(edit.after, place.first, place.last)))
                found.append((number, place))
    return found


def ruled_candidates(
    rules: Sequence[CandidateRule],
    changes: Sequence[LastChange],
    lexed: Mapping[int, LexedCell],
    known: Sequence[Candidate],
) -> list[Candidate]:
    """The places of the patterns lane's rules that are not candidates yet."""
    have = {(c.cell, c.start, c.end) for c in known}
    examples = [e for change in changes for e in change.examples]
    found: list[Candidate] = []
    for rule in rules:
        change: LastChange | None = None
        for cell, start, end, text in rule.places:
            if (cell, start, end) in have or cell not in lexed or not examples:
                continue
            here = lexed[cell]
            change = change or LastChange("rule", (here.source[start:end],), text, 0, 1, examples)
            first = here.at(start)
            found.append(Candidate(change, cell, start, end, text, first, here.at(end)))
    return found
