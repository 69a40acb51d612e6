"""Attributes that frames, rows and groups have themselves, which hide columns of the same name.

`df.size` is never the column "size", and `row.name` is the row's label; `df["size"]` and
`row["name"]` are the columns.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from tree_sitter import Node

from nextedit_jupyter.analysis.bindings import MODULE, Attribute, CellIndex
from nextedit_jupyter.analysis.frame_members import OF_FRAMES
from nextedit_jupyter.analysis.frame_parts import argument_of, nodes_at
from nextedit_jupyter.analysis.index import NotebookIndex

# Those of them that are no methods: `df.mask == 0` is a column of a frame without that method.
_PROPERTIES = frozenset(
    [
        *("T", "at", "attrs", "axes", "columns", "dtypes", "empty", "flags", "iat", "iloc"),
        *("index", "loc", "ndim", "plot", "shape", "size", "style", "values"),
    ]
)
_USED = re.compile(r"[ \t]*(?:[-.\[+*/%<>&|]|==|!=)")
# Of frames of other libraries, whose columns are no attributes.
_OF_OTHER_FRAMES = frozenset(
    [
        *("height", "lazy", "limit", "row", "rows", "schema", "select", "slice", "sort", "unique"),
        *("width", "write"),
    ]
)
# Of rows and single columns, besides those of frames; a group that a function gets has a name too.
_OF_ROWS = frozenset(
    [
        *("array", "between", "cat", "dt", "dtype", "factorize", "item", "list", "name", "nbytes"),
        *("repeat", "str", "struct", "tolist", "unique", "view"),
    ]
)
# Methods that give a function rows, columns or groups.
_GIVES_ROWS = frozenset([b"apply", b"agg", b"aggregate", b"transform", b"map"])
_ONE_ROW = frozenset(["integer", "string", "unary_operator"])
_MAX_DEPTH = 3


def can_be_attribute(index: NotebookIndex, name: str, frames: Collection[str]) -> bool:
    """Whether a column of that name can be read as an attribute of the frames."""
    live = [index.facts.named(frame) for frame in frames]
    known = {member for one in live if one is not None for member in one.members}
    known -= {column for one in live if one is not None for column in one.subscripts}
    return name.isidentifier() and name not in OF_FRAMES | _OF_OTHER_FRAMES | known


def is_own(index: NotebookIndex, here: CellIndex, attribute: Attribute) -> bool:
    """Whether an attribute of a frame, or of a part of it, is no column but its own."""
    if attribute.name not in _OF_ROWS:
        is_value = _USED.match(here.masked.source, attribute.end) is not None
        return attribute.name in _PROPERTIES or (attribute.name in OF_FRAMES and not is_value)
    (_, *above), at = nodes_at(here, attribute.start)
    held = above[0].child_by_field_name("object") if above else None
    if held is not None and held.type == "identifier":
        return _names_a_row(index, here, at(held.start_byte))
    return held is not None and _is_one_row(held)


def _names_a_row(index: NotebookIndex, here: CellIndex, start: int, depth: int = 0) -> bool:
    """Whether the name at `start` is a row, or a group that a function gets."""
    i = here.starts.get(start)
    if i is None or depth > _MAX_DEPTH:
        return False
    name, home = here.names[i].name, here.homes[i]
    kind = "" if home == MODULE else here.scopes[home].kind
    if kind == "lambda":
        return _gives_rows(nodes_at(here, here.scopes[home].start)[0])
    if kind == "function" and _is_given_rows(index, here, home, name, depth):
        return True
    places = index.definitions(name) if home == MODULE else []
    made = [(index.cells[id], index.cells[id].names[n].start) for id, n in places]
    made += [
        (here, here.names[n].start)
        for n in here.streams.get((home, name), ())
        if home != MODULE and here.names[n].op != "read"
    ]
    return any(_is_made_of_rows(there, begins) for there, begins in made)


def _is_made_of_rows(here: CellIndex, start: int) -> bool:
    """Whether a loop over rows, or one row of a frame, gives the name at `start` its value."""
    nodes, _ = nodes_at(here, start)
    kinds = ("for_statement", "for_in_clause", "assignment", "lambda", "function_definition")
    found = next((node for node in nodes if node.type in kinds), None)
    value = found.child_by_field_name("right") if found is not None else None
    if found is None or value is None:
        return False
    return (
        _is_one_row(value) if found.type == "assignment" else b".iterrows(" in (value.text or b"")
    )


def _is_one_row(value: Node) -> bool:
    """Whether it is `frame.iloc[0]` or `frame.loc["label"]`."""
    keys = value.children_by_field_name("subscript") if value.type == "subscript" else []
    held = value.child_by_field_name("value")
    word = held.child_by_field_name("attribute") if held is not None else None
    is_row = word is not None and word.text in (b"iloc", b"loc")
    return is_row and len(keys) == 1 and keys[0].type in _ONE_ROW


def _is_given_rows(index: NotebookIndex, here: CellIndex, home: int, name: str, depth: int) -> bool:
    """Whether the parameter of a function gets rows or groups."""
    function = next((f for f in here.functions if f.scope == home), None)
    words = [p.name for p in function.parameters] if function is not None else []
    if function is None or name not in words:
        return False
    for id, places in index.module_places(function.name).items():
        there = index.cells[id]
        for start in (there.names[i].start for i in places if there.names[i].op == "read"):
            if _gives_rows(nodes_at(there, start)[0]):
                return True
            begins = argument_of(there, start, words.index(name), name)
            if begins is not None and _names_a_row(index, there, begins, depth + 1):
                return True
    return False


def _gives_rows(nodes: list[Node]) -> bool:
    """Whether what begins these nodes is a function that such a method is given."""
    call = next((node for node in nodes[1:] if node.type == "call"), None)
    callee = call.child_by_field_name("function") if call is not None else None
    word = callee.child_by_field_name("attribute") if callee is not None else None
    within = callee is not None and nodes[0].start_byte < callee.end_byte
    return word is not None and not within and word.text in _GIVES_ROWS
