"""A frame's name that is given another frame further on: `df = load()` again.

What reads the name there means the other frame's columns.
"""

from __future__ import annotations

from collections.abc import Collection

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.flow import Place
from nextedit_jupyter.analysis.frame_parts import statement_around
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename import Change


def of_another_value(
    index: NotebookIndex,
    at: tuple[str, int],
    frame: str,
    frames: Collection[str],
    changes: Collection[Change],
) -> set[Change]:
    """The changes in statements that read `frame` with another value than the statement around `at`
    (a cell and a place in it), and no other of the `frames`.
    """
    apart = with_another_value(index, at, frame, frames)
    return {change for change in changes if apart and _is_apart(index, change, frames, apart)}


def with_another_value(
    index: NotebookIndex, at: tuple[str, int], frame: str, frames: Collection[str]
) -> frozenset[Place]:
    """The places of `frame` where it has another value than in the statement around `at`."""
    if len(index.definitions(frame)) < 2:
        return frozenset()
    seeds = [(at[0], i) for i in _named_around(index.cells[at[0]], at[1], {frame})]
    if not seeds:
        return frozenset()
    mine = set(index.references(seeds))
    for id, i in index.definitions(frame):
        here = index.cells[id]
        read = _named_around(here, here.names[i].start, frames)
        # `raw = df`, and `df = raw.head()` further on, is made of the same one.
        if any(here.names[j].op == "read" and here.names[j].name != frame for j in read):
            mine.update(index.references([(id, i)]))
    places = index.module_places(frame)
    return frozenset((id, i) for id, here in places.items() for i in here if (id, i) not in mine)


def _is_apart(
    index: NotebookIndex, change: Change, frames: Collection[str], apart: Collection[Place]
) -> bool:
    here = index.cells[change.cell]
    named = _named_around(here, change.start, frames)
    # `y = df["x"]` gives `y` a value of the frame that it reads.
    read = [i for i in named if here.names[i].op == "read"] or named
    return bool(read) and all((change.cell, i) in apart for i in read)


def _named_around(here: CellIndex, start: int, names: Collection[str]) -> list[int]:
    """The notebook's variables of these names in the statement around a place."""
    first, last = statement_around(here, start)
    return [
        i
        for name in names
        for i in here.streams.get((MODULE, name), ())
        if first <= here.names[i].start < last
    ]
