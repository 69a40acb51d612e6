"""Frames made of the one whose column is renamed, where a column of that name is another one.

`d2 = df.rename(columns={"qty": "price"})` names another column so; a frame that is put together of
several gets the column from each that has it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

from tree_sitter import Node

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.chains import ChainLink, arguments_of, links_of, string_of
from nextedit_jupyter.analysis.frame_parts import assignment_at, frame_at, is_called, nodes_at
from nextedit_jupyter.analysis.index import NotebookIndex

_NAMING_KEYWORDS = ("name", "names", "value_name", "var_name")
_SIDES = ("left", "right")


@dataclass(frozen=True, slots=True)
class OtherColumn:
    """A statement after which the column of `frame` is another one. `sources` are the frames that
    may keep the name, none if the statement itself gives it.
    """

    frame: str
    cell: str
    start: int
    end: int
    sources: tuple[str, ...] = ()


def other_columns(
    index: NotebookIndex,
    old: str,
    frames: Collection[str],
    lacking: Collection[str],
    *,
    is_named_before: bool,
) -> Iterator[OtherColumn]:
    """The statements that make one of the `frames` with another column `old`. `lacking` are frames
    without such a column; `is_named_before`: the frames have the column without being renamed.
    """
    for frame in sorted(frames):
        for id, i in index.definitions(frame):
            here = index.cells[id]
            if here.homes[i] != MODULE:
                continue
            made, value, at = assignment_at(here, here.names[i].start)
            if made is None or value is None:
                continue
            spend(3)
            span = frame, id, at(made.start_byte), at(made.end_byte)
            if is_named_before and _names_anew(value, old):
                yield OtherColumn(*span)
            elif sources := _sources(index, here, at, value, old, frames):
                rest = sorted(sources - set(lacking) - {frame})
                if rest:
                    yield OtherColumn(*span, tuple(rest))


def is_named_in_chain(index: NotebookIndex, cell: str, start: int, old: str) -> bool:
    """Whether the place is a key, an attribute or an argument of a chain that names a column so."""
    nodes, _ = nodes_at(index.cells[cell], start)
    for node, above in pairwise(nodes):
        if above.type == "call" and above.child_by_field_name("function") != node:
            callee = above.child_by_field_name("function")
            return callee is not None and _names_anew(callee, old)
        held = above.child_by_field_name("value" if above.type == "subscript" else "object")
        if above.type in ("subscript", "attribute") and held is not None and held != node:
            return _names_anew(held, old)
    return False


def _names_anew(value: Node, old: str) -> bool:
    """Whether a method of the chain gives a column that name: `rename(columns={"qty": old})`."""
    return any(_gives_name(link, old) for link in _links(value) if link.is_called)


def _links(value: Node) -> list[ChainLink]:
    inner = value
    while inner.type == "parenthesized_expression" and inner.named_children:
        inner = inner.named_children[0]
    return links_of(inner)[0]


def _gives_name(link: ChainLink, old: str) -> bool:
    given, words = arguments_of(link.node)
    if any(string_of(words.get(word)) == old for word in _NAMING_KEYWORDS) and link.name:
        return True
    if link.name in ("rename", "to_frame"):
        tables = [*given[:1], *([words["columns"]] if "columns" in words else [])]
        return any(
            string_of(table) == old
            or any(string_of(pair.child_by_field_name("value")) == old for pair in _pairs(table))
            for table in tables
        )
    return link.name == "withColumnRenamed" and len(given) > 1 and string_of(given[1]) == old


def _pairs(table: Node) -> list[Node]:
    return [n for n in table.named_children if n.type == "pair"]


def _sources(
    index: NotebookIndex,
    here: CellIndex,
    at: Callable[[int], int],
    value: Node,
    old: str,
    frames: Collection[str],
) -> set[str]:
    """The other frames from which the value's column `old` also comes, or comes alone."""
    found: set[str] = set()
    for link in _links(value):
        given, words = arguments_of(link.node) if link.is_called else ([], {})
        if {"left_on", "right_on"} <= set(words):
            found |= _kept_of_merge(index, here, at, link, old, frames)
        elif given and given[0].type in ("list", "tuple") and not _is_side_by_side(words):
            inner = links_of(link.node)[1]
            i = here.starts.get(at(inner.start_byte)) if inner is not None else None
            if i is not None and is_called(index, here.names[i].name):
                parts = {_frame_of(index, here, at, part) for part in given[0].named_children}
                found |= parts - set(frames) if parts & set(frames) else set()
    return found


def _is_side_by_side(words: dict[str, Node]) -> bool:
    axis = words.get("axis")
    return axis is not None and (axis.text == b"1" or string_of(axis) == "columns")


def _kept_of_merge(
    index: NotebookIndex,
    here: CellIndex,
    at: Callable[[int], int],
    link: ChainLink,
    old: str,
    frames: Collection[str],
) -> set[str]:
    """The side whose key of the same name has the merged rows' values: in a left join the left
    one's, in an outer join neither alone.
    """
    given, words = arguments_of(link.node)
    how = string_of(words.get("how")) or "inner"
    if not all(_is_key(words[f"{side}_on"], old) for side in _SIDES) or how == "inner":
        return set()
    on_frame = link.node.child_by_field_name("function")
    held = on_frame.child_by_field_name("object") if on_frame is not None else None
    if held is not None and len(given) + ("right" in words) == 1 and "left" not in words:
        given = [held, *given]
    sides = [words.get(side) for side in _SIDES if side in words]
    both = [_frame_of(index, here, at, n) for n in [*given, *sides][:2] if n is not None]
    if len(both) < len(_SIDES) or len(set(both) & set(frames)) != 1:
        return set()
    mine = _SIDES[0] if both[0] in frames else _SIDES[1]
    return set() if how == mine else set(both) - set(frames)


def _is_key(keys: Node, old: str) -> bool:
    return string_of(keys) == old or any(string_of(key) == old for key in keys.named_children)


def _frame_of(index: NotebookIndex, here: CellIndex, at: Callable[[int], int], node: Node) -> str:
    _, inner = links_of(node)
    return frame_at(index, here, at(inner.start_byte)) if inner is not None else ""
