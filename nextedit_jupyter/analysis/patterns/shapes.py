"""Shapes: what two changes have in common, with holes where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.flat_tree import Node, SyntaxTree
from nextedit_jupyter.analysis.patterns.changed_nodes import NodeChange
from nextedit_jupyter.analysis.patterns.nodes import LITERALS, NUMBERS, disjoint
from nextedit_jupyter.analysis.patterns.rule import Around, Rule, Trust
from nextedit_jupyter.core import Replacement


@dataclass(frozen=True, slots=True)
class Hole:
    """A placeholder for any expression; equal numbers stand for equal texts."""

    number: int


@dataclass(frozen=True, slots=True)
class NodeShape:
    """A node with holes. A leaf has a text and no parts."""

    kind: str
    text: str | None = None
    parts: tuple[NodeShape | Hole, ...] = ()


@dataclass(frozen=True, slots=True)
class ShapeReplaced:
    """What two changes have in common: `zip($1)` to `list(zip($1))`, `$1 == None` to `$1 is
    None`."""

    old: NodeShape
    template: tuple[str | int, ...]
    needle: str
    examples: int = 2
    trust: Trust = "weak"

    @property
    def what(self) -> str:
        return f"change {_written(self.old)} to {self._render('…')}"

    @property
    def where(self) -> str:
        return "place"

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        found = []
        for node in tree.of_kind(self.old.kind):
            bound: dict[int, str] = {}
            if not _matches(self.old, node, bound):
                continue
            text = self._render(bound)
            if _is_within(node, text) or text == node.text:
                continue  # done there
            found.append(Replacement(node.start, node.end, text))
        return disjoint(found)

    def _render(self, bound: Mapping[int, str] | str) -> str:
        return "".join(
            part if isinstance(part, str) else bound if isinstance(bound, str) else bound[part]
            for part in self.template
        )


def shared_shape(first: NodeChange, second: NodeChange) -> ShapeReplaced | None:
    """The smallest rule that both changes are examples of; None if they have too little in common.

    Replacing one name or literal by another is not a shape: which of two values or functions is
    meant is decided at each place.
    """
    if any(c.old.kind in _ATOMS and c.new.kind in _ATOMS for c in (first, second)):
        return None
    for old, new in _few(first.pairs):
        for other, then in _few(second.pairs):
            if old.kind != other.kind or old.kind in _STATEMENTS:
                continue
            if not all(_is_small(node) for node in (old, new, other, then)):
                continue
            rule = _generalise(old, new, other, then)
            if rule is not None:
                return rule
    return None


# A rule shared by two places is small. A sum of thousands of terms would be compared term by term
# with each of its own partial sums.
_MAX_NODES, _MAX_CHARS = 120, 2_000


def _is_small(node: Node) -> bool:
    nodes = node.tree.lasts[node.index] - node.index
    return nodes <= _MAX_NODES and node.end - node.start <= _MAX_CHARS


_ATOMS = frozenset({"identifier", "string", *NUMBERS, *LITERALS})
_STATEMENTS = frozenset({"module", "block", "ERROR", "string", "comment"})


def _few(pairs: Iterable[tuple[Node, Node]], limit: int = 5) -> list[tuple[Node, Node]]:
    return [pair for pair, _ in zip(pairs, range(limit), strict=False)]


def _generalise(old: Node, new: Node, other: Node, then: Node) -> ShapeReplaced | None:
    for whole in (True, False):  # arguments as one hole, so that their number doesn't matter
        holes: dict[tuple[str, str], int] = {}
        shape = _unify(old, other, holes, whole)
        if isinstance(shape, Hole) or not _anchors(shape):
            return None
        template = _unify_template(new, then, holes)
        if template is not None:
            return ShapeReplaced(shape, template, max(_anchors(shape), key=len))
    return None


def _unify(a: Node, b: Node, holes: dict[tuple[str, str], int], whole: bool) -> NodeShape | Hole:
    """What two nodes have in common, with a hole for each pair of differing texts.

    `whole`: arguments with nothing in common become one hole.
    """
    if whole and a.kind == b.kind == "argument_list" and a.text != b.text:
        common = {x.text for x in a.named_children} & {x.text for x in b.named_children}
        if not common:
            return Hole(holes.setdefault((a.text, b.text), len(holes)))
    mine, theirs = a.children, b.children
    if a.kind == b.kind and len(mine) == len(theirs):
        if not mine:
            if a.text == b.text:
                return NodeShape(a.kind, a.text)
        elif a.kind != "string" or a.text == b.text:
            pairs = list(zip(mine, theirs, strict=True))
            if all(x.is_named or x.kind == y.kind for x, y in pairs):
                return NodeShape(a.kind, None, tuple(_unify(x, y, holes, whole) for x, y in pairs))
    return Hole(holes.setdefault((a.text, b.text), len(holes)))


def _unify_template(
    a: Node, b: Node, holes: Mapping[tuple[str, str], int]
) -> tuple[str | int, ...] | None:
    """The first new text as pieces between holes; None if it needs a hole that the old text
    lacks."""
    number = holes.get((a.text, b.text))
    if number is not None and a.is_named:
        return (number,)
    if a.text == b.text and a.kind == b.kind:
        return (a.text,)
    mine, theirs = a.children, b.children
    if a.kind != b.kind or not mine or len(mine) != len(theirs):
        return None
    pieces: list[str | int] = []
    at = a.start
    for x, y in zip(mine, theirs, strict=True):
        if x.start > at:
            pieces.append(a.tree.text[at : x.start])
        inner = _unify_template(x, y, holes)
        if inner is None:
            return None
        pieces += inner
        at = x.end
    return tuple(pieces)


def _anchors(shape: NodeShape | Hole) -> list[str]:
    """The names that a shape requires: without one it would match anything."""
    if isinstance(shape, Hole):
        return []
    if shape.kind == "identifier" and shape.text:
        return [shape.text]
    if shape.kind in LITERALS and shape.text:
        return [shape.text]
    return [name for part in shape.parts for name in _anchors(part)]


def _matches(shape: NodeShape | Hole, node: Node, bound: dict[int, str]) -> bool:
    if isinstance(shape, Hole):
        return bound.setdefault(shape.number, node.text) == node.text
    if shape.kind != node.kind:
        return False
    if shape.text is not None:
        return node.text == shape.text
    children = node.children
    spend(len(shape.parts))  # each place may be compared with the whole shape
    return len(children) == len(shape.parts) and all(
        _matches(part, child, bound) for part, child in zip(shape.parts, children, strict=True)
    )


def _is_within(node: Node, text: str) -> bool:
    near = zip(node.ancestors, range(4), strict=False)
    return any(above.text == text for above, _ in near)


def _written(shape: NodeShape | Hole) -> str:
    if isinstance(shape, Hole):
        return "…"
    if shape.text is not None:
        return shape.text
    separator = " " if shape.kind in _SPACED else ""
    return separator.join(_written(part) for part in shape.parts)


_SPACED = frozenset({"binary_operator", "comparison_operator", "boolean_operator", "not_operator"})


def literal_comparison_rules(change: NodeChange, around: Around) -> Iterator[Rule]:
    """`x == None` to `x is None`: because of the literal, one example is enough."""
    old, new = change.old, change.new
    if old.kind != "comparison_operator" or new.kind != "comparison_operator":
        return
    was, now = old.children, new.children
    if len(was) != 3 or was[2].kind not in LITERALS or was[0].text != now[0].text:
        return
    if now[-1].text != was[2].text:
        return
    operator = new.tree.text[now[0].end : now[-1].start]
    shape = NodeShape(
        "comparison_operator",
        None,
        (Hole(0), NodeShape(was[1].kind, was[1].text), NodeShape(was[2].kind, was[2].text)),
    )
    yield ShapeReplaced(shape, (0, operator, was[2].text), was[2].text, 1, "specific")
