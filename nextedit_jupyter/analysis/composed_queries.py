"""Queries of frames that are no plain string in the call: `df.query(f"price > {cut}")`, or a
variable that holds one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from tree_sitter import Node

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.chains import arguments_of
from nextedit_jupyter.analysis.frame_parts import assignment_at, frame_at, nodes_at
from nextedit_jupyter.analysis.index import NotebookIndex

_QUERIES = ("query", "eval")
_OF_PARTS = frozenset(["concatenated_string", "parenthesized_expression", "binary_operator"])


def in_a_query(old: str) -> re.Pattern[str]:
    """The column as a bare word, or in backticks."""
    if not old.isidentifier():
        return re.compile(rf"`{re.escape(old)}`")
    return re.compile(rf"(?<![\w@.'\"]){re.escape(old)}(?![\w('\"])")


def words_of_composed(
    index: NotebookIndex, old: str, frames: Collection[str], *, shared: bool = False
) -> Iterator[tuple[str, int, int]]:
    """Where such queries of these frames contain the column: cell, start, end.

    `shared`: those in variables that something else reads as well, and no others.
    """
    words = in_a_query(old)
    asked: dict[str, dict[str, set[int]]] = {}  # variables, and where in which cells
    for id, here in index.readable():
        for query, at in _queries(index, here, frames):
            if not shared:
                yield from ((id, *span) for span in _words_in(here, query, at, words))
            i = here.starts.get(at(query.start_byte)) if query.type == "identifier" else None
            if i is not None and here.homes[i] == MODULE:
                places = asked.setdefault(here.names[i].name, {})
                places.setdefault(id, set()).add(here.names[i].start)
    for name, places in asked.items():
        if _is_shared(index, name, places) == shared:
            yield from _in_variable(index, name, words)


def _queries(
    index: NotebookIndex, here: CellIndex, frames: Collection[str]
) -> Iterator[tuple[Node, Callable[[int], int]]]:
    """What the calls of `query` and `eval` on the frames are given."""
    for attribute in here.attributes:
        if attribute.name in _QUERIES:
            nodes, at = nodes_at(here, attribute.start)
            query = _query_of(index, here, nodes, at, frames)
            if query is not None:
                yield query, at


def _query_of(
    index: NotebookIndex,
    here: CellIndex,
    nodes: list[Node],
    at: Callable[[int], int],
    frames: Collection[str],
) -> Node | None:
    """What the call is given whose method begins these nodes."""
    if len(nodes) < 3 or nodes[2].type != "call" or nodes[1].type != "attribute":
        return None
    given, words = arguments_of(nodes[2])
    query = words.get("expr", given[0] if given else None)
    is_of_frame = frame_at(index, here, at(nodes[1].start_byte)) in frames
    return query if is_of_frame else None


def _is_shared(index: NotebookIndex, name: str, asked: dict[str, set[int]]) -> bool:
    """Whether something else than the queries reads the variable."""
    for id, places in index.module_places(name).items():
        names = index.cells[id].names
        spend(1 + len(places))
        if {names[i].start for i in places if names[i].op == "read"} - asked.get(id, set()):
            return True
    return False


def _in_variable(
    index: NotebookIndex, name: str, words: re.Pattern[str]
) -> Iterator[tuple[str, int, int]]:
    """The words where the variable gets its texts."""
    for id, i in index.definitions(name):
        here = index.cells[id]
        _, value, at = assignment_at(here, here.names[i].start)
        if value is not None:
            yield from ((id, *span) for span in _words_in(here, value, at, words))


def _words_in(
    here: CellIndex, value: Node, at: Callable[[int], int], words: re.Pattern[str]
) -> Iterator[tuple[int, int]]:
    """The words in the strings of an expression that is put together of strings."""
    source, todo = here.masked.source, [value]
    while todo:
        node = todo.pop()
        if node.type in _OF_PARTS:
            todo += node.named_children
        for part in node.named_children if node.type == "string" else []:
            if part.type != "string_content":
                continue
            start, end = at(part.start_byte), at(part.end_byte)
            for found in words.finditer(source[start:end]):
                first, last = start + found.start(), start + found.end()
                if source[first - 1] != "}" and source[last : last + 1] != "{":
                    yield first, last
