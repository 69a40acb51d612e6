"""Syntax trees of cells as flat arrays, for examining and caching many cells.

The nodes that `trees.parse` reads, also of broken cells, in document order and code points: some 40
bytes per node, nothing for the garbage collector to traverse, and no recursion however deeply a
source nests.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from nextedit_jupyter.analysis.magics import mask
from nextedit_jupyter.analysis.trees import parse
from nextedit_jupyter.core.cache import LruCache


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a tree. Two nodes are equal if they are the same node of the same tree."""

    tree: SyntaxTree
    index: int

    @property
    def kind(self) -> str:
        return self.tree.kinds[self.index]

    @property
    def field(self) -> str | None:
        """The role in the parent, as tree-sitter-python names it ("left", "arguments")."""
        return self.tree.fields[self.index]

    @property
    def start(self) -> int:
        return self.tree.starts[self.index]

    @property
    def end(self) -> int:
        return self.tree.ends[self.index]

    @property
    def text(self) -> str:
        return self.tree.text[self.start : self.end]

    @property
    def is_named(self) -> bool:
        """False for punctuation and keywords."""
        return bool(self.tree.named[self.index])

    @property
    def parent(self) -> Node | None:
        above = self.tree.parents[self.index]
        return Node(self.tree, above) if above >= 0 else None

    @property
    def children(self) -> list[Node]:
        tree, found, at = self.tree, [], self.index + 1
        last = tree.lasts[self.index]
        while at < last:
            found.append(Node(tree, at))
            at = tree.lasts[at]
        return found

    @property
    def named_children(self) -> list[Node]:
        return [child for child in self.children if child.is_named]

    def child(self, field: str) -> Node | None:
        tree, at = self.tree, self.index + 1
        last = tree.lasts[self.index]
        while at < last:
            if tree.fields[at] == field:
                return Node(tree, at)
            at = tree.lasts[at]
        return None

    @property
    def ancestors(self) -> Iterator[Node]:
        above = self.parent
        while above is not None:
            yield above
            above = above.parent


class SyntaxTree:
    """The tree of one text. `lasts[i]` is the index after node i's last descendant."""

    __slots__ = (
        "__dict__",  # for the cached properties
        "ends",
        "fields",
        "kinds",
        "lasts",
        "named",
        "parents",
        "starts",
        "text",
    )

    def __init__(self, text: str) -> None:
        self.text = text
        self.kinds: list[str] = []
        self.fields: list[str | None] = []
        self.starts, self.ends = array("i"), array("i")
        self.parents, self.lasts = array("i"), array("i")
        self.named = bytearray()
        self._read(text)

    @property
    def root(self) -> Node:
        return Node(self, 0)

    def of_kind(self, *kinds: str) -> list[Node]:
        """The nodes of these kinds, each kind in document order."""
        return [Node(self, i) for kind in kinds for i in self._by_kind.get(kind, ())]

    def covering(self, start: int, end: int) -> list[Node]:
        """The nodes that contain the range, outermost first; at its borders also adjacent ones."""
        found, at = [], 0
        while at < len(self.kinds):
            if self.starts[at] <= start and end <= self.ends[at]:
                found.append(Node(self, at))
                at += 1
            else:
                at = self.lasts[at]
        return found

    @cached_property
    def error_count(self) -> int:
        """The number of syntax errors."""
        return len(self._by_kind.get("ERROR", ())) + len(self._by_kind.get("MISSING", ()))

    @cached_property
    def _by_kind(self) -> dict[str, array[int]]:
        table: dict[str, array[int]] = {}
        for index, kind in enumerate(self.kinds):
            if (places := table.get(kind)) is None:
                places = table[kind] = array("i")
            places.append(index)
        return table

    def _read(self, text: str) -> None:
        tree, point = parse(text)
        cursor = tree.walk()
        open_nodes: list[int] = []
        while True:
            node = cursor.node
            assert node is not None
            index = len(self.kinds)
            self.kinds.append("MISSING" if node.is_missing else node.type)
            self.fields.append(cursor.field_name)
            self.starts.append(point(node.start_byte))
            self.ends.append(point(node.end_byte))
            self.parents.append(open_nodes[-1] if open_nodes else -1)
            self.lasts.append(index + 1)
            self.named.append(node.is_named)
            open_nodes.append(index)
            if cursor.goto_first_child():
                continue
            while True:
                self.lasts[open_nodes.pop()] = len(self.kinds)
                if not open_nodes:
                    return
                if cursor.goto_next_sibling():
                    break
                cursor.goto_parent()


# The size of a node in bytes: two references and six numbers, with some slack.
_NODE_BYTES = 48


class TreeCache:
    """A cache of trees by source, up to `max_bytes`; the least recently used are dropped."""

    def __init__(self, max_bytes: int = 16_000_000) -> None:
        self._trees: LruCache[str, SyntaxTree] = LruCache(
            sys.maxsize,
            max_weight=max_bytes,
            weigh=lambda source, tree: 3 * len(source) + _NODE_BYTES * len(tree.kinds),
        )

    def tree(self, source: str) -> SyntaxTree:
        """The tree of the cell, magics masked. Never raises."""
        return self._trees.get_or_make(source, lambda: SyntaxTree(mask(source).text))
