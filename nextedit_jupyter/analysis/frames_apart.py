"""A frame's name that is given another frame further on: `df = load()` again.

What reads the name there means the other frame's columns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.flow import Place
from nextedit_jupyter.analysis.frame_parts import statement_around
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename import Change


def in_apart(
    index: NotebookIndex, apart: Collection[Place], changes: Mapping[Change, Collection[str]]
) -> set[Change]:
    """The changes in statements that read their frames only where these have another value."""
    return {
        change
        for change, frames in changes.items()
        if apart and _is_apart(index, change, frames, apart)
    }


def not_changed_by(index: NotebookIndex, at: tuple[str, int], frame: str) -> frozenset[Place]:
    """The places of `frame` outside of the statement around `at`, if that does not assign it: the
    call that makes a column returns another frame.
    """
    here = index.cells[at[0]]
    inside = {(at[0], i) for i in _named_around(here, at[1], {frame})}
    if any(here.names[i].op == "write" for _, i in inside):
        return frozenset()
    return _rest(index, frame, inside)


def with_another_value(
    index: NotebookIndex,
    at: tuple[str, int],
    frame: str,
    frames: Collection[str],
    own: Collection[str] = (),
) -> frozenset[Place]:
    """The places of `frame` where it has another value than in the statement around `at` (a cell
    and a place in it), and those of the `frames` derived from it where they are not.

    Frames that get the column by themselves are `own`.
    """
    found = _of_another(index, at, frame, frames)
    for other in sorted(set(frames) - {frame} - set(own)):
        found |= _of_others(index, other, frames, found)
    return found


def _of_others(
    index: NotebookIndex, frame: str, frames: Collection[str], apart: Collection[Place]
) -> frozenset[Place]:
    """The places where a frame has a value that is made of none of the others."""
    definitions = index.definitions(frame)
    if len(definitions) < 2:
        return frozenset()
    others = [name for name in frames if name != frame]
    made: list[Place] = []
    for id, i in definitions:
        here = index.cells[id]
        if any((id, j) not in apart for j in _read_to_make(here, i, others)):
            made.append((id, i))
    if not made or len(made) == len(definitions):
        return frozenset()
    return _rest(index, frame, set(index.references(made)))


def _rest(index: NotebookIndex, frame: str, mine: Collection[Place]) -> frozenset[Place]:
    places = index.module_places(frame)
    return frozenset((id, i) for id, here in places.items() for i in here if (id, i) not in mine)


def _of_another(
    index: NotebookIndex, at: tuple[str, int], frame: str, frames: Collection[str]
) -> frozenset[Place]:
    if len(index.definitions(frame)) < 2:
        return frozenset()
    seeds = [(at[0], i) for i in _named_around(index.cells[at[0]], at[1], {frame})]
    if not seeds:
        return frozenset()
    mine = set(index.references(seeds))
    for id, i in index.definitions(frame):
        here = index.cells[id]
        # `raw = df`, and `df = raw.head()` further on, is made of the same one.
        if any(here.names[j].name != frame for j in _read_to_make(here, i, frames)):
            mine.update(index.references([(id, i)]))
    return _rest(index, frame, mine)


def _is_apart(
    index: NotebookIndex, change: Change, frames: Collection[str], apart: Collection[Place]
) -> bool:
    here = index.cells[change.cell]
    named = _named_around(here, change.start, frames)
    # `y = df["x"]` gives `y` a value of the frame that it reads.
    read = [i for i in named if here.names[i].op == "read"] or named
    return bool(read) and all((change.cell, i) in apart for i in read)


def _read_to_make(here: CellIndex, i: int, names: Collection[str]) -> list[int]:
    """The places of these names that the statement reads that binds `names[i]`."""
    statement = here.names[i].statement
    return [
        j
        for name in names
        for j in here.streams.get((MODULE, name), ())
        if here.names[j].statement == statement and here.names[j].op == "read"
    ]


def _named_around(here: CellIndex, start: int, names: Collection[str]) -> list[int]:
    """The notebook's variables of these names in the statement around a place."""
    first, last = statement_around(here, start)
    return [
        i
        for name in names
        for i in here.streams.get((MODULE, name), ())
        if first <= here.names[i].start < last
    ]
