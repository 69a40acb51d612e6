"""Columns that are named in a list, or alone, and reach frames through a variable.

`features = ["x", "y"]` above `df[features]`, `for name in ["x", "y"]: df[name].hist()`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

from nextedit_jupyter.analysis.bindings import MODULE
from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.flow import Place
from nextedit_jupyter.analysis.frame_parts import frames_around, nodes_at
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.selections import is_by_value

_LOOPS = frozenset(["for_statement", "for_in_clause"])
_MAX_DEPTH = 2


def listed_columns(
    index: NotebookIndex, old: str, frames: Collection[str]
) -> Iterator[tuple[str, int, int]]:
    """The column in what is given to these frames and to no others: cell, start, end."""
    for id, here in index.readable():
        source = here.masked.source
        if old not in source:
            continue
        for start, end in here.strings:
            if source[start:end] != old:
                continue
            name = _named(index, id, start)
            given = set(_frames_given(index, name)) if name is not None else set()
            if given and given <= set(frames):
                yield id, start, end


def _named(index: NotebookIndex, cell: str, start: int) -> Place | None:
    """The variable that holds the text or list at `start`, or each item of the list in turn."""
    here = index.cells[cell]
    nodes, at = nodes_at(here, start)
    kinds = ("string_content", "string", "list", "tuple", "parenthesized_expression")
    for node, above in pairwise(nodes):
        if node.type not in kinds and not node.type.startswith("string"):
            return None
        if above.type == "assignment" or (above.type in _LOOPS and node.type in ("list", "tuple")):
            left = above.child_by_field_name("left")
            is_value = above.child_by_field_name("right") == node
            i = here.starts.get(at(left.start_byte)) if left is not None and is_value else None
            is_name = left is not None and left.type == "identifier"
            return (cell, i) if i is not None and is_name else None
    return None


def _frames_given(index: NotebookIndex, name: Place, depth: int = 0) -> Iterator[str]:
    """The frames whose calls and subscripts are given the variable, or what loops over it give."""
    here = index.cells[name[0]]
    word, home = here.names[name[1]].name, here.homes[name[1]]
    places = (
        index.module_places(word)
        if home == MODULE
        else {name[0]: here.streams.get((home, word), [])}
    )
    for id, those in places.items():
        there = index.cells[id]
        spend(1 + len(those))
        for i in those:
            start = there.names[i].start
            if there.names[i].op != "read":
                continue
            if any(first <= start < last for first, last in there.strings):
                yield ""  # a value in a query: `city == @name`
            elif frame := next(frames_around(index, there, start), ""):
                yield "" if is_by_value(index, id, start) else frame
            elif depth < _MAX_DEPTH and (item := _item_of(index, id, start)) is not None:
                yield from _frames_given(index, item, depth + 1)


def _item_of(index: NotebookIndex, cell: str, start: int) -> Place | None:
    """The variable of the loop that goes through what is read at `start`."""
    here = index.cells[cell]
    (node, *above), at = nodes_at(here, start)
    loop = above[0] if above else None
    if loop is None or loop.type not in _LOOPS or loop.child_by_field_name("right") != node:
        return None
    left = loop.child_by_field_name("left")
    i = here.starts.get(at(left.start_byte)) if left is not None else None
    return (cell, i) if i is not None else None
