"""What a chain of selections and methods on a frame is, and so what its keys are.

The keys of a frame are its columns. Those of `df.groupby("city")["qty"].sum()` are cities, which
are values, and so are those of a table that was pivoted; they keep their names.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

from tree_sitter import Node

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.chains import ChainLink, arguments_of, links_of, text_of
from nextedit_jupyter.analysis.flow import Place
from nextedit_jupyter.analysis.frame_members import OF_FRAMES
from nextedit_jupyter.analysis.frame_parts import assignment_at, nodes_at
from nextedit_jupyter.analysis.index import NotebookIndex

Kind = Literal["", "frame", "groups", "flat", "item", "series", "labelled", "parts"]
"""`flat`: groups whose selections remain frames. `item`: a column, or an entry of a dictionary.
`labelled`: a table whose columns are called as values. `parts`: frames by a value. "": unknown."""

_BY_VALUE: frozenset[Kind] = frozenset(("series", "labelled", "parts"))
_OF_ONE: frozenset[Kind] = frozenset(("series", "item"))
# Methods whose strings name the levels of an index, which were columns.
_OF_LEVELS = frozenset([b"groupby", b"unstack", b"reset_index", b"droplevel"])
_COUNTS = frozenset(["size", "ngroup", "cumcount"])
_PIVOTS = frozenset(["pivot", "pivot_table", "crosstab"])
_PUTS_TOGETHER = frozenset(["assign", "merge", "join", "melt", "to_frame"])
# Methods that nothing but frames and columns have; what else is called may be anything.
_OF_FRAMES_ALONE = frozenset(
    [
        *("assign", "drop_duplicates", "dropna", "fillna", "nlargest", "nsmallest", "reset_index"),
        *("set_index", "sort_values"),
    ]
)
_BY_LABEL = frozenset(["loc", "at"])
_MAX_DEPTH = 8


def is_by_value(index: NotebookIndex, cell: str, start: int) -> bool:
    """Whether the text or attribute at `start` belongs to something that has values or labels of
    rows where a frame has columns.
    """
    here = index.cells[cell]
    nodes, at = nodes_at(here, start)
    for node, above in pairwise(nodes):
        held = above.child_by_field_name("value" if above.type == "subscript" else "object")
        if above.type in ("subscript", "attribute") and held is not None and held != node:
            return _kind(index, (cell, here, at), held, 0) in _BY_VALUE
        if above.type == "call":
            callee = above.child_by_field_name("function")
            held = callee.child_by_field_name("object") if callee is not None else None
            word = callee.child_by_field_name("attribute") if callee is not None else None
            if held is None or word is None or word.text in _OF_LEVELS or callee == node:
                return False
            return _kind(index, (cell, here, at), held, 0) in _BY_VALUE
    return False


_Where = tuple[str, CellIndex, Callable[[int], int]]


def _kind(index: NotebookIndex, where: _Where, node: Node, depth: int) -> Kind:
    """What the expression is; `where` is its cell, with the function for places in it."""
    spend(2)
    if depth > _MAX_DEPTH:
        return ""
    if node.type == "parenthesized_expression" and node.named_children:
        return _kind(index, where, node.named_children[0], depth + 1)
    if node.type == "binary_operator":
        left = node.child_by_field_name("left")
        return _kind(index, where, left, depth + 1) if left is not None else ""
    if node.type == "dictionary_comprehension":
        return _gathered(index, where, _gone_through(node), depth)
    links, inner = links_of(node)
    if inner is None:
        return ""
    kind: Kind = ""
    if inner.type == "parenthesized_expression":
        kind = _kind(index, where, inner, depth + 1)
    elif inner.type == "identifier" and links and _is_dictionary(links[-1], inner):
        kind = _gathered(index, where, arguments_of(links.pop().node)[0][0], depth)
    elif inner.type == "identifier":
        kind = _variable(index, where, inner, depth)
    before = ""
    for link in reversed(links):
        kind = _after(kind, link, before)
        before = "" if link.is_called else link.name
    return kind


def _is_dictionary(link: ChainLink, name: Node) -> bool:
    """Whether it is `dict(something)`."""
    given = arguments_of(link.node)[0] if link.is_called and not link.name else []
    return name.text == b"dict" and bool(given)


def _gone_through(comprehension: Node) -> Node | None:
    clause = next((n for n in comprehension.named_children if n.type == "for_in_clause"), None)
    return clause.child_by_field_name("right") if clause is not None else None


def _gathered(index: NotebookIndex, where: _Where, of: Node | None, depth: int) -> Kind:
    """What a dictionary is that is made of groups, of a series, or of pairs: `dict(zip(a, b))`."""
    callee = of.child_by_field_name("function") if of is not None and of.type == "call" else None
    given = arguments_of(of)[0] if of is not None and callee is not None else []
    if callee is not None and callee.type == "identifier" and given:
        if callee.text == b"zip":
            return "series" if _kind(index, where, given[0], depth + 1) in _OF_ONE else ""
        of = given[0] if callee.text in (b"list", b"iter", b"tuple") else None
    kind = _kind(index, where, of, depth + 1) if of is not None else ""
    return "parts" if kind in ("groups", "flat") else kind if kind in _BY_VALUE else ""


def _variable(index: NotebookIndex, where: _Where, name: Node, depth: int) -> Kind:
    """What the notebook's variable was given last above the place."""
    cell, here, at = where
    i = here.starts.get(at(name.start_byte))
    if i is None or here.homes[i] != MODULE:
        return ""
    mine, numbers = here.names[i], index.number
    found: list[tuple[tuple[int, int], Place]] = []
    for id, n in index.definitions(mine.name):
        one = index.cells[id].names[n]
        if id != cell or one.statement != mine.statement:
            found.append(((numbers(id), one.start), (id, n)))
    spend(1 + len(found) // 10)
    above = [one for one in found if one[0] < (numbers(cell), mine.start)]
    if not found:
        return ""
    id, n = max(above or found)[1]
    there = index.cells[id]
    _, value, begins = assignment_at(there, there.names[n].start)
    return _kind(index, (id, there, begins), value, depth + 1) if value is not None else ""


def _after(kind: Kind, link: ChainLink, before: str) -> Kind:
    """What the next link of a chain makes of it; `before` is the attribute in front."""
    if link.is_called:
        return _after_call(kind, link)
    if not link.name:
        return _after_key(kind, link.node, before)
    if link.name == "T":
        return "labelled"
    if link.name == "index":
        return "series"
    if link.name in ("groups", "indices") and kind in ("groups", "flat"):
        return "labelled"
    if kind == "groups" and link.name not in OF_FRAMES:
        return "series"
    # A column, or what a library adds to frames: `df.hvplot.area(x="x")`.
    return "item" if kind in ("", "frame") and link.name not in OF_FRAMES else kind


def _after_key(kind: Kind, node: Node, before: str) -> Kind:
    keys = node.children_by_field_name("subscript")
    if before in _BY_LABEL:
        is_column = len(keys) == 2 and keys[1].type == "string"
    else:
        is_column = len(keys) == 1 and keys[0].type == "string"
    if not is_column:
        return kind
    after: dict[Kind, Kind] = {"": "item", "item": "item", "flat": "flat", "parts": "frame"}
    return after.get(kind, "series")


def _after_call(kind: Kind, link: ChainLink) -> Kind:
    given, words = arguments_of(link.node)
    is_one = kind in _OF_ONE
    after: Kind = "frame" if kind == "" and link.name in _OF_FRAMES_ALONE else kind
    if not link.name or link.name == "pipe":
        after = ""
    elif link.name == "groupby":
        is_flat = text_of(words.get("as_index")) == "False"
        after = kind if is_one else "flat" if is_flat else "groups"
    elif link.name == "value_counts" or (link.name in _COUNTS and kind != "flat"):
        after = "series"
    elif (link.name == "unstack" and is_one) or link.name == "transpose":
        after = "labelled"
    elif link.name in _PIVOTS:
        after = "labelled" if _is_by_values(link.name, given, words) else "frame"
    elif link.name == "reset_index":
        after = kind if is_one and text_of(words.get("drop")) == "True" else "frame"
    elif link.name in _PUTS_TOGETHER or link.name == "get_group":
        after = kind if link.name == "get_group" and is_one else "frame"
    elif link.name in ("agg", "aggregate") and is_one:
        is_table = words or (given and given[0].type in ("list", "tuple", "dictionary"))
        after = "frame" if is_table else kind
    return after


def _is_by_values(name: str, given: list[Node], words: dict[str, Node]) -> bool:
    """Whether the columns of a pivoted table are values: those of `columns=`, for one column."""
    if name == "crosstab":
        return True
    if name == "pivot_table":  # of pandas itself, or of a frame
        named = given[1:] if given and given[0].type != "string" else given
        words = dict(zip(("values", "index", "columns"), named, strict=False)) | words
    values = words.get("values")
    return "columns" in words and values is not None and values.type != "list"
