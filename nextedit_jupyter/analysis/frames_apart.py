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
    if len(index.definitions(frame)) < 2:
        return set()
    seeds = [(at[0], i) for i in _read_around(index.cells[at[0]], at[1], {frame})]
    if not seeds:
        return set()
    mine = set(index.references(seeds))
    for id, i in index.definitions(frame):
        here = index.cells[id]
        read = _read_around(here, here.names[i].start, frames)
        # `raw = df`, and `df = raw.head()` further on, is made of the same one.
        if any(here.names[j].op == "read" and here.names[j].name != frame for j in read):
            mine.update(index.references([(id, i)]))
    return {change for change in changes if _is_apart(index, change, frame, frames, mine)}


def _is_apart(
    index: NotebookIndex,
    change: Change,
    frame: str,
    frames: Collection[str],
    mine: Collection[Place],
) -> bool:
    here = index.cells[change.cell]
    read = _read_around(here, change.start, frames)
    return bool(read) and all(
        here.names[i].name == frame and (change.cell, i) not in mine for i in read
    )


def _read_around(here: CellIndex, start: int, names: Collection[str]) -> list[int]:
    """The notebook's variables of these names in the statement around a place."""
    first, last = statement_around(here, start)
    return [
        i
        for name in names
        for i in here.streams.get((MODULE, name), ())
        if first <= here.names[i].start < last
    ]
