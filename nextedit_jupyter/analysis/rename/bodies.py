"""What functions and classes do, and how much of it is left after an edit.

A function keeps what it does when it gets another name, other parameters or a docstring. Its
operators, the calls that it makes and its literals say what that is: where `return a + b` became
`return a - b`, another function stands in the old one's place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from nextedit_jupyter.analysis import trees
from nextedit_jupyter.analysis.bindings import MODULE, CellIndex

_DEFINITIONS = frozenset(["function_definition", "class_definition"])
_NO_DEEDS = frozenset(["comment", "type"])
_LITERALS = frozenset(["integer", "float", "true", "false", "none", "ellipsis"])
# What every body has: a keyword or an operator that is none of these says what is done.
_SAYS_NOTHING = frozenset(
    [
        *("(", ")", "[", "]", "{", "}", ",", ":", ".", "=", "->", ";"),
        *("def", "class", "lambda", "return", "async", "await", "pass"),
    ]
)
_NAME = re.compile(r"\w+")
_MAX_NODES = 4_000  # what is longer is compared as far as that


@dataclass(frozen=True, slots=True)
class Body:
    """What a definition does, each thing as often as it is done, and the names that it gives: of
    its parameters, its variables and its attributes.
    """

    does: Counter[str] = field(default_factory=Counter)
    names: frozenset[str] = frozenset()

    def kept(self, after: Body) -> float | None:
        """Which part of it `after` still has, 0 to 1; None where nothing is done that could tell.

        Names that changed count where what is done changed too: alone they are renames.
        """
        if not self.does:
            return None
        same = (self.does & after.does).total()
        lost = len(self.names - after.names) if self.does != after.does else 0
        return same / (self.does.total() + lost)

    def is_most_of(self, after: Body) -> bool:
        """Whether no more was added than there was."""
        return not self.does or after.does.total() <= 2 * self.does.total()


def body_at(index: CellIndex, start: int, called: Collection[str]) -> Body | None:
    """What the function, the class or the named lambda does whose name begins at `start`; None if
    none does. By the names in `called` it means itself, as by its own.
    """
    text = index.masked.text
    tree, at = trees.parse(text)
    node = _definition(tree.root_node, at, start)
    return None if node is None else _Reading(index, at, node).body(start, called)


def _definition(root: Node, at: Callable[[int], int], start: int) -> Node | None:
    node: Node | None = root
    while node is not None:
        name = None
        if node.type in _DEFINITIONS:
            name = node.child_by_field_name("name")
        elif node.type == "assignment":
            value = node.child_by_field_name("right")
            is_lambda = value is not None and value.type == "lambda"
            name = node.child_by_field_name("left") if is_lambda else None
        if name is not None and at(name.start_byte) == start:
            return node
        node = next(
            (n for n in node.named_children if at(n.start_byte) <= start < at(n.end_byte)), None
        )
    return None


class _Reading:
    """One definition, read."""

    def __init__(self, index: CellIndex, at: Callable[[int], int], node: Node) -> None:
        self._index, self._at, self._node = index, at, node
        self._text = index.masked.text

    def body(self, start: int, called: Collection[str]) -> Body:
        i = self._index.starts.get(start)
        called = {*called, *([self._index.names[i].name] if i is not None else ())}
        does: Counter[str] = Counter()
        names: set[str] = set()
        for is_name, text in self._read():
            if text[:1] in ("'", '"'):
                text = _NAME.sub(lambda found: "" if found[0] in called else found[0], text)
            if text in called or text in ("", "''", '""'):
                continue  # it names itself, or the parser misses something there
            if is_name:
                names.add(text)
            else:
                does[text] += 1
        return Body(does, frozenset(names))

    def _read(self) -> Iterator[tuple[bool, str]]:
        """The names that it gives (True) and what it does (False)."""
        stack, seen = [(self._node, False)], 0
        while stack and (seen := seen + 1) < _MAX_NODES:
            node, is_called = stack.pop()
            if node.type in _NO_DEEDS or _is_docstring(node):
                continue
            if node.type == "string_content":
                yield False, repr(self._of(node))
            elif node.type in _LITERALS:
                yield False, self._of(node)
            elif node.type == "identifier":
                yield self._is_own(node), self._of(node)
            elif node.type == "attribute":
                root, *links = _links(node)
                if root.type == "identifier" and not self._is_own(root):
                    yield False, self._of(node)  # `pd.read_csv`
                    continue
                # A method of what the definition made, or attributes.
                *held, last = map(self._of, links)
                yield (False, f".{last}") if is_called else (True, last)
                yield from ((True, name) for name in held)
                stack.append((root, False))
            elif node.child_count:
                parts = node.children
                stack += [(n, node.type == "call" and n == parts[0]) for n in reversed(parts)]
            elif not node.is_named and node.type not in _SAYS_NOTHING:
                yield False, node.type

    def _of(self, node: Node) -> str:
        return self._text[self._at(node.start_byte) : self._at(node.end_byte)]

    def _is_own(self, node: Node) -> bool:
        """Whether a name is one that the definition gives."""
        i = self._index.starts.get(self._at(node.start_byte))
        return i is not None and self._index.homes[i] != MODULE


def _links(node: Node) -> list[Node]:
    """What a dotted path begins with, and the names behind its dots."""
    names = []
    while node.type == "attribute" and node.child_count:
        names.append(node.children[-1])
        node = node.children[0]
    return [node, *reversed(names)]


def _is_docstring(node: Node) -> bool:
    return node.type == "expression_statement" and [n.type for n in node.children] == ["string"]
