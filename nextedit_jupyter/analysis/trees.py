"""Syntax trees of cells: tree-sitter's parser, and offsets in code points.

The same walker reads valid and broken cells, and has the position of every name, which `ast` lacks
for imports, `except … as`, patterns, `global`, and on 3.11 for everything in an f-string. Tests
compare its results with `ast` and `symtable`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Tree

from nextedit_jupyter.analysis.budget import MAX_NODES, require, spend
from nextedit_jupyter.core.cache import LruCache

_LANGUAGE = Language(tree_sitter_python.language())
_LOCAL = threading.local()
_INDENTED = "if 1:\n"
# Joined lines in one cell. The parser is quadratic in their number if they are not valid.
_MAX_JOINED = 300
# Comment lines in one cell: at each of them the parser looks past all that follow.
_MAX_COMMENTS = 500
# Fields of f-strings in one line. If one is left open, the parser restarts at each.
_MAX_FIELDS = 3_000
_COMMENT = re.compile(r"^[ \t]*#[^\n]*", re.M)
_F_STRING = re.compile(r"""[fFtT][rR]?["']""")
# Cached trees; broken text takes ten times as long to parse.
_KEPT = 4


def parse(text: str) -> tuple[Tree, Callable[[int], int]]:
    """The tree of a masked cell, and a function from its byte offsets to code points of `text`.

    A completely indented cell, which IPython accepts, is read as a block. Raises OverBudget if the
    tree's nodes exceed the request's budget.
    """
    kept: LruCache[str, tuple[Tree, Callable[[int], int]]] | None
    kept = getattr(_LOCAL, "kept", None)
    if kept is None:
        kept = _LOCAL.kept = LruCache(_KEPT)
    found = kept.get(text)
    if found is None:
        # The cost of an invalid text is known only afterwards.
        require(MAX_NODES + 1 if _has_endless_line(text) else len(text) // 4)
        found = _parse(text)
        kept.put(text, found)
        root = found[0].root_node
        if root.has_error:
            spend(4 * root.descendant_count)
    spend(found[0].root_node.descendant_count // 2 + len(text) // 20 + 12)
    return found


def _parse(text: str) -> tuple[Tree, Callable[[int], int]]:
    parser: Parser | None = getattr(_LOCAL, "parser", None)
    if parser is None:
        parser = _LOCAL.parser = Parser(_LANGUAGE)
    if text.count("\\") > _MAX_JOINED:  # joined by spaces instead, which means the same
        text = text.replace("\\\r\n", "   ").replace("\\\n", "  ")
    if text.count("#") > _MAX_COMMENTS:
        text = _COMMENT.sub(lambda found: " " * len(found[0]), text)
    first = next((line for line in text.split("\n", 64) if line.strip()), "")
    shift = len(_INDENTED) if first[:1] in (" ", "\t") else 0
    data = text.encode("utf-8", "replace")
    tree = parser.parse(_INDENTED.encode() + data if shift else data)
    if len(data) == len(text):
        return tree, (lambda byte: max(byte - shift, 0)) if shift else int
    points: list[int] = []
    for point, char in enumerate(text):
        points += [point] * (1 if char < "\x80" else len(char.encode("utf-8", "replace")))
    points.append(len(text))
    last = len(points) - 1
    return tree, lambda byte: points[min(max(byte - shift, 0), last)]


def _has_endless_line(text: str) -> bool:
    return text.count("{") > _MAX_FIELDS and any(
        line.count("{") > _MAX_FIELDS and _F_STRING.search(line) for line in text.split("\n")
    )


def walk(root: Node) -> Iterator[Node]:
    """Every named node, parents first; without recursion, whatever the depth."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.named_children))


def unstarred(node: Node) -> Node:
    """The node called or read in `[*f(x)]`, which the grammar parses as a call of `*f`."""
    while node.type == "list_splat" and node.named_children:
        node = node.named_children[0]
    return node


def called_name(callee: Node) -> Node | None:
    """The name of a callee: `f` of `a.f(1)`, `Box` of `Box[int](1)`. None for another call's
    result: `f(1)(2)`.
    """
    inner: Node | None = unstarred(callee)
    if inner is not None and inner.type == "subscript":
        inner = inner.child_by_field_name("value")
    if inner is not None and inner.type == "attribute":
        inner = inner.child_by_field_name("attribute")
    return inner if inner is not None and inner.type == "identifier" else None
