"""Which frame a local name is a part of, and which frames the calls around a place are made on.

In `df.apply(lambda row: row["x"], axis=1)` and `[row["x"] for _, row in df.iterrows()]` the row's
keys are the frame's columns; in `df.filter(pl.col("x") > 1)` the frame is the one that is filtered.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from itertools import dropwhile, pairwise

from tree_sitter import Node

from nextedit_jupyter.analysis import trees
from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.chains import text_of
from nextedit_jupyter.analysis.frame_members import OF_FRAMES
from nextedit_jupyter.analysis.index import NotebookIndex

_INNER = {"attribute": "object", "call": "function", "subscript": "value"}
_MAX_LINKS = 60
# Kinds of names that are called, themselves or a member, for a result made from their arguments.
_CALLED = frozenset(["function", "class", "import", "package", "member", "alias"])


def frame_at(index: NotebookIndex, here: CellIndex, root: int, depth: int = 0) -> str:
    """The notebook's variable that the name at `root` is, or is a part of; "" if there is none."""
    i = here.starts.get(root)
    if i is None or depth > 3:
        return ""
    name, home = here.names[i], here.homes[i]
    if home == MODULE and index.is_builtin(name.name) and not index.definitions(name.name):
        return ""
    if home == MODULE:
        return _made_of_arguments(index, here, i, depth) or name.name
    kind = here.scopes[home].kind
    if kind == "lambda":
        given = _calls_around(here, here.scopes[home].start)
        begins = next((start for start, is_column in given if not is_column), None)
    elif kind == "comprehension":
        begins = _gone_through(here, home, name.name)
    elif kind == "function":
        return _given_to(index, here, home, name.name, depth)
    else:
        return ""
    return frame_at(index, here, begins, depth + 1) if begins is not None else ""


def frame_before(index: NotebookIndex, here: CellIndex, start: int) -> str:
    """The frame whose column the attribute at `start` may be: `df.x`, `df.dropna().x`. "" for
    attributes of its parts: `df.plot.x`, `df["y"].x`.
    """
    (_, *above), at = nodes_at(here, start)
    held = above[0].child_by_field_name("object") if above else None
    if held is None or held.type not in ("identifier", "call", "subscript") or _takes_column(held):
        return ""
    begins = _root(held)
    return frame_at(index, here, at(begins.start_byte)) if begins else ""


def is_called(index: NotebookIndex, name: str) -> bool:
    """Whether a name of the notebook is that of a function, class or module."""
    kinds = index.kinds_bound(name)
    return bool(kinds) and kinds <= _CALLED


def statement_around(here: CellIndex, start: int) -> tuple[int, int]:
    """The start and end of the simple statement around a place."""
    nodes, at = nodes_at(here, start)
    node = next((n for n in nodes if n.type.endswith("_statement")), nodes[-1])
    return at(node.start_byte), at(node.end_byte)


def free_quote(here: CellIndex, start: int) -> str:
    """A quote character for a string at a place: in an f-string, not the f-string's own."""
    nodes, at = nodes_at(here, start)
    string = next((up for n, up in pairwise(nodes) if n.type == "interpolation"), None)
    if string is None:
        return '"'
    opening = here.masked.text[at(string.start_byte) :][:4]
    return "'" if '"' in opening else '"'


def _made_of_arguments(index: NotebookIndex, here: CellIndex, i: int, depth: int) -> str:
    """The single frame passed to the function call that the chain at a name begins with:
    `pd.concat([df])["x"]`, `clean(df)["x"]`. "" if the name is not a function or module, or if
    several frames are passed.
    """
    if not is_called(index, here.names[i].name):
        return ""
    nodes, at = nodes_at(here, here.names[i].start)
    links = list(dropwhile(lambda link: link[1].type == "attribute", pairwise(nodes)))[:2]
    if len(links) < 2:
        return ""
    (node, call), (_, above) = links
    if call.type != "call" or call.child_by_field_name("function") != node:
        return ""
    if above.type not in _INNER:
        return ""
    found = {
        frame_at(index, here, at(begins.start_byte), depth + 1) for begins in _values_given(call)
    }
    return found.pop() if len(found) == 1 else ""


def _values_given(call: Node) -> Iterator[Node]:
    """The first names of a call's arguments, and of the items of its lists and tuples, except where
    a column is selected.
    """
    arguments = call.child_by_field_name("arguments")
    todo = list(arguments.named_children) if arguments else []
    while todo:
        value = todo.pop()
        if value.type in ("list", "tuple"):
            todo += value.named_children
        elif (begins := _root(value)) is not None and not _takes_column(value):
            yield begins


def frames_around(index: NotebookIndex, here: CellIndex, start: int) -> Iterator[str]:
    """The variables on which the calls and subscripts around a place are made, inner ones first."""
    for begins, _ in _calls_around(here, start):
        if frame := frame_at(index, here, begins):
            yield frame


def _calls_around(here: CellIndex, start: int) -> Iterator[tuple[int, bool]]:
    """The starts of the chains whose calls or subscripts contain the place, and whether they select
    a single column: then a function gets a value or a series.
    """
    nodes, at = nodes_at(here, start)
    for node, above in pairwise(nodes):
        held = above.child_by_field_name(_INNER.get(above.type, ""))
        is_made_on = above.type == "subscript" or (held is not None and held.type != "identifier")
        is_around = above.type in ("call", "subscript") and held != node
        begins = _root(held) if held is not None and is_around and is_made_on else None
        if held is not None and begins is not None:
            yield at(begins.start_byte), _takes_column(held)


def nodes_at(here: CellIndex, start: int) -> tuple[list[Node], Callable[[int], int]]:
    """The nodes that contain what begins at `start`, smallest first, and a function from their byte
    offsets to places in the cell. At most `_MAX_LINKS`; outer ones are left out.

    They are found from the root, because looking up a node's parent starts there each time.
    """
    tree, at = trees.parse(here.masked.text)
    # The last byte of the place, since bytes inserted before an indented cell also map to 0.
    byte = bisect_right(range(tree.root_node.end_byte + 1), start, key=at) - 1
    cursor = tree.walk()
    nodes = deque([tree.root_node], _MAX_LINKS + 1)
    while cursor.goto_first_child_for_byte(byte) is not None:
        node = cursor.node
        if node is None or not node.start_byte <= byte < node.end_byte:
            break
        nodes.append(node)
    return list(reversed(nodes)), at


def _takes_column(node: Node) -> bool:
    """Whether a chain selects a single column: `df["x"].a`, `df.x.unique()`."""
    inner: Node | None = node
    is_called = False
    for _ in range(_MAX_LINKS):
        if inner is None:
            break
        if inner.type == "subscript":
            keys = inner.children_by_field_name("subscript")
            if len(keys) == 1 and keys[0].type == "string":
                return True
        elif inner.type == "attribute" and not is_called and _is_column(inner):
            return True
        is_called = inner.type == "call"
        name = _INNER.get(inner.type)
        inner = inner.child_by_field_name(name) if name else None
    return False


def _is_column(attribute: Node) -> bool:
    """Whether an attribute of a name, which is not called, is a column if the name is a frame."""
    held, word = (attribute.child_by_field_name(part) for part in ("object", "attribute"))
    is_of_name = held is not None and held.type == "identifier"
    return is_of_name and word is not None and text_of(word) not in OF_FRAMES


def assignment_at(
    here: CellIndex, start: int
) -> tuple[Node | None, Node | None, Callable[[int], int]]:
    """The assignment whose target is the name at `start`, and its value, each None if there is
    none; and a function from byte offsets to places in the cell.
    """
    nodes, at = nodes_at(here, start)
    made = nodes[1] if len(nodes) > 1 and nodes[1].type == "assignment" else None
    return made, made.child_by_field_name("right") if made is not None else None, at


def _root(node: Node) -> Node | None:
    """The first name of a chain of attributes, calls and subscripts."""
    inner: Node | None = node
    for _ in range(_MAX_LINKS):
        inner = trees.unstarred(inner) if inner is not None else None
        if inner is None or inner.type == "identifier":
            return inner
        name = _INNER.get(inner.type)
        inner = inner.child_by_field_name(name) if name else None
    return None


def _gone_through(here: CellIndex, home: int, name: str) -> int | None:
    """The start of the iterable of a comprehension's variable."""
    target = next(
        (here.names[i] for i in here.streams[home, name] if here.names[i].op != "read"), None
    )
    if target is None:
        return None
    nodes, at = nodes_at(here, target.start)
    found = next((n for n in nodes if n.type == "for_in_clause"), None)
    right = found.child_by_field_name("right") if found is not None else None
    begins = _root(right) if right is not None and not _takes_column(right) else None
    return at(begins.start_byte) if begins is not None else None


def _given_to(index: NotebookIndex, here: CellIndex, home: int, name: str, depth: int) -> str:
    """The single variable that is always passed for a function's parameter; "" if there is none."""
    function = next((f for f in here.functions if f.scope == home), None)
    words = [p.name for p in function.parameters] if function is not None else []
    if function is None or function.outer != MODULE or name not in words:
        return ""
    found: set[str] = set()
    for id, places in index.module_places(function.name).items():
        there = index.cells[id]
        for i in places:
            if there.names[i].op == "read":
                begins = argument_of(there, there.names[i].start, words.index(name), name)
                found.add(frame_at(index, there, begins, depth + 1) if begins is not None else "")
    return found.pop() if len(found) == 1 else ""


def argument_of(there: CellIndex, start: int, position: int, name: str) -> int | None:
    """The start of the argument for the parameter in a call of the function at `start`.

    A function that is passed on, as in `df.apply(function)`, gets a part of the object of that
    call.
    """
    (node, *above), at = nodes_at(there, start)
    call = above[0] if above else None
    if call is None or call.type != "call" or call.child_by_field_name("function") != node:
        passed = next(iter(_calls_around(there, start)), None)
        is_part = passed is not None and not position and not passed[1]
        return passed[0] if passed is not None and is_part else None
    arguments = call.child_by_field_name("arguments")
    given = [n for n in arguments.named_children if n.type != "comment"] if arguments else []
    for n, argument in enumerate(given):
        value: Node | None = argument if n == position else None
        if argument.type == "keyword_argument":
            word = argument.child_by_field_name("name")
            is_named = word is not None and word.text == name.encode()
            value = argument.child_by_field_name("value") if is_named else None
        begins = _root(value) if value is not None else None
        if begins is not None:
            return at(begins.start_byte)
    return None
