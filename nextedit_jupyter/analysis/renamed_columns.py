"""Columns that a statement renames: `df = df.rename(columns={"a": "b"})`, `df.columns = [...]`.

Such a statement is not an edit of a column's name: above it the frame has the old names, below it
the new ones. If one was added, the places below that still use an old name have to change, until
the frame is assigned again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex, Name, Text
from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.column_spots import Spot, is_of_a_column, spots_of
from nextedit_jupyter.analysis.columns import made_of
from nextedit_jupyter.analysis.composed_queries import words_of_composed
from nextedit_jupyter.analysis.flow import Place
from nextedit_jupyter.analysis.index import NotebookIndex, cell_index, index_notebook
from nextedit_jupyter.analysis.own_attributes import is_own
from nextedit_jupyter.analysis.rename import Change, RenamePlan, Window, broken_notes, windows
from nextedit_jupyter.analysis.selections import is_by_value
from nextedit_jupyter.analysis.written_columns import words_of
from nextedit_jupyter.core import Silence, SuggestRequest

NO_RENAMED_COLUMN = "no statement that renames columns was added"

# `df.columns = [...]`; the names are plain strings.
_COLUMNS = re.compile(r"^([^\W\d]\w*)\.columns\s*=\s*\[([^\[\]\n]*(?:\n[^\[\]\n]*)*)\]", re.M)
_STRING = re.compile(r"\s*(?:\"([^\"\\\n]*)\"|'([^'\\\n]*)')\s*(?:,|\Z)")
_KEPT_IN_PLACE = re.compile(r"\binplace\s*=\s*True\b")
_MAX_STATEMENT = 2_000


@dataclass(frozen=True, slots=True)
class _Renaming:
    """A statement, ending at `end`, that renames columns of `frame`."""

    cell: str
    end: int
    frame: str
    pairs: tuple[tuple[str, str], ...]


def detect_renamed_columns(request: SuggestRequest) -> RenamePlan | Silence:
    """The changes required by a statement that the last edits added; or why there are none."""
    if not request.history or request.history[-1].origin in ("undone", "remote"):
        return Silence("no_change", NO_RENAMED_COLUMN)
    for window in windows(request):
        if len(window.alignments) == 1:
            found = _detect(request, window)
            if found is not None:
                return found
    return Silence("no_change", NO_RENAMED_COLUMN)


def _detect(request: SuggestRequest, window: Window) -> RenamePlan | Silence | None:
    (cell,) = window.alignments
    was, now = window.before.cell(cell), request.notebook.cell(cell)
    if was is None or now is None or not now.is_code:
        return None
    if ".rename" not in now.source and ".columns" not in now.source:
        return None
    before, after = cell_index(was.source), cell_index(now.source)
    if after.broken:
        return None
    index = index_notebook(request.notebook, request.facts)
    known = {(r.frame, pair) for r in _renamings(index, cell, before) for pair in r.pairs}
    added = [
        replace(r, pairs=pairs)
        for r in _renamings(index, cell, after)
        if (pairs := tuple(pair for pair in r.pairs if (r.frame, pair) not in known))
    ]
    if len(added) != 1:
        return None
    return _plan(index, added[0])


def _renamings(index: NotebookIndex, cell: str, here: CellIndex) -> Iterator[_Renaming]:
    called: dict[int, list[Text]] = {}
    for text in here.texts:
        if text.method == "rename" and text.keyword == "columns" and text.role != "argument":
            called.setdefault(text.root, []).append(text)
    written: dict[int, list[Name]] = {}
    for name in here.names:
        if name.op == "write" and name.scope == MODULE:
            written.setdefault(name.statement, []).append(name)
    for root, texts in called.items():
        pairs = [
            (key.text, value.text)
            for key, value in pairwise(texts)
            if (key.role, value.role) == ("key", "value")
        ]
        i = here.starts.get(root)
        if i is None or not pairs or here.names[i].scope != MODULE:
            continue
        end = _end(here.masked.text, texts[-1].end)
        targets = [
            name.name
            for name in written.get(here.names[i].statement, ())
            if _holds(here, name.start, root)
        ]
        if len(targets) == 1:
            yield _Renaming(cell, end, targets[0], tuple(pairs))
        elif not targets and _KEPT_IN_PLACE.search(here.masked.text, root, end):
            yield _Renaming(cell, end, here.names[i].name, tuple(pairs))
    for found in _COLUMNS.finditer(here.masked.text):
        frame, names = found[1], _strings(found[2])
        for had in _had(index, frame) if names is not None else ():
            if names is not None and len(had) == len(names):
                pairs = [(a, b) for a, b in zip(had, names, strict=True) if a != b]
                yield _Renaming(cell, found.end(), frame, tuple(pairs))
                break


def _had(index: NotebookIndex, frame: str) -> Iterator[tuple[str, ...]]:
    """The frame's columns, according to the notebook and then the kernel."""
    for id, here in index.readable():
        keys = [
            spot.text
            for spot in spots_of(index, id, here)
            if spot.frame == frame and spot.defines and spot.is_built
        ]
        if keys:
            yield tuple(keys)
    live = index.facts.named(frame)
    if live is not None and live.subscripts:
        yield tuple(live.subscripts)


def _holds(here: CellIndex, start: int, root: int) -> bool:
    """Whether the statement around `root` assigns to the name at `start`."""
    between = here.masked.text[start:root]
    return len(between) < _MAX_STATEMENT and bool(
        re.fullmatch(r"\w+(?:\s*:[^=\n]*)?\s*=\s*\(*\s*", between)
    )


def _end(text: str, at: int) -> int:
    """The end of the statement: after the call's closing bracket."""
    depth = 0
    for i in range(at, min(len(text), at + _MAX_STATEMENT)):
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
        elif text[i] in "\n;" and depth <= -2:
            return i
    return min(len(text), at + _MAX_STATEMENT)


def _strings(text: str) -> list[str] | None:
    found, at = [], 0
    while text[at:].strip():
        match = _STRING.match(text, at)
        if match is None:
            return None
        found.append(match[1] if match[1] is not None else match[2])
        at = match.end()
    return found


def _plan(index: NotebookIndex, renaming: _Renaming) -> RenamePlan | Silence | None:
    frames = made_of(index, renaming.frame)
    last = _made_anew(index, renaming)
    order = {cell.id: n for n, cell in enumerate(index.notebook.cells)}
    first = (order[renaming.cell], renaming.end)
    everything: list[Spot] = [
        spot for id, here in index.readable() for spot in spots_of(index, id, here)
    ]
    each = len(everything) + sum(len(h.texts) + len(h.attributes) for _, h in index.readable())
    plans: list[tuple[str, str, set[Change]]] = []
    for old, new in renaming.pairs:
        spend(1 + each // 100)
        if not new or set(new) & set("'\"\\\n"):
            continue
        changes = {
            Change(s.cell, s.start, s.end, new)
            for s in everything
            if s.text == old and s.frame in frames and not s.defines and is_of_a_column(index, s)
        }
        word = new if new.isidentifier() else f"`{new}`"
        composed = words_of_composed(index, old, frames)
        changes |= {Change(id, start, end, word) for id, start, end in composed}
        for id, here in index.readable():
            for start, end in words_of(index, id, here, old, frames):
                changes.add(Change(id, start, end, word))
            for a in here.attributes if new.isidentifier() else ():
                called = index.cell(id).source[a.end : a.end + 1] == "("
                is_read = a.name == old and a.object in frames and not called
                if is_read and not is_own(index, here, a) and not is_by_value(index, id, a.start):
                    changes.add(Change(id, a.start, a.end, new))
        below = {c for c in changes if first < (order[c.cell], c.start) < last}
        if below:
            plans.append((old, new, below))
    if not plans:
        return Silence("no_change", f"no place below uses an old column of `{renaming.frame}`")
    (old, new, _), *others = plans
    every = sorted(
        (change for _, _, below in plans for change in below),
        key=lambda c: (order[c.cell], c.start),
    )
    notes = [note for old, _, _ in plans if old.isidentifier() for note in broken_notes(index, old)]
    notes += [
        f"`.{old}` of `{renaming.frame}` can't be written with `{new}`: left alone"
        for old, new, _ in plans
        if not new.isidentifier()
        and any(
            a.name == old and a.object in frames for _, h in index.readable() for a in h.attributes
        )
    ]
    return RenamePlan(
        "column",
        old,
        new,
        index.notebook,
        tuple(every),
        notes=tuple(dict.fromkeys(notes)),
        confidence=0.95,
        also=tuple((a, b) for a, b, _ in others),
    )


def _made_anew(index: NotebookIndex, renaming: _Renaming) -> tuple[int, int]:
    """The next place below where the frame is assigned a value not derived from it: (cell's number,
    start)."""
    order = {cell.id: n for n, cell in enumerate(index.notebook.cells)}
    first = (order[renaming.cell], renaming.end)
    found = [(len(order), 0)]
    for id, here in index.readable():
        places: list[Place] = [(id, i) for i in here.streams.get((MODULE, renaming.frame), ())]
        reading = {here.names[i].statement for _, i in places if here.names[i].op == "read"}
        found += [
            (order[id], name.start)
            for _, i in places
            if (name := here.names[i]).op == "write"
            and name.statement not in reading
            and (order[id], name.start) > first
        ]
    return min(found)
