"""The smallest nodes that differ between two texts of a cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from nextedit_jupyter.analysis.flat_tree import Node, SyntaxTree
from nextedit_jupyter.analysis.patterns.nodes import has_interpolation
from nextedit_jupyter.core import TextEdit

# The maximum number of changes examined in one edit: more is a paste or a rewrite.
MAX_CHANGES = 40
# In blocks of different lengths, statements count as the same from this difflib ratio on.
ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class NodeChange:
    """The smallest pair of nodes that differ, at the same place of two texts of a cell."""

    old: Node
    new: Node

    @property
    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """This pair and those of the enclosing nodes, as long as their kinds agree."""
        old, new = self.old, self.new
        yield old, new
        while True:
            above, beyond = old.parent, new.parent
            if above is None or beyond is None or above.kind != beyond.kind:
                return
            if len(above.children) != len(beyond.children):
                return
            old, new = above, beyond
            yield old, new


def changes(before: SyntaxTree, after: SyntaxTree) -> list[NodeChange]:
    """The smallest nodes that differ, in document order; at most `MAX_CHANGES`.

    Each changed range is mapped to the smallest pair of nodes that contains it in both trees, and
    refined from there as long as both sides have the same shape.
    """
    found: list[NodeChange] = []
    growth = 0
    edit = TextEdit.between(before.text, after.text)
    if len(edit.replacements) > 5 * MAX_CHANGES:  # each is searched in the whole tree
        return []
    for r in edit:
        end = r.start + growth + len(r.text)
        pair = _smallest_pair(
            before.covering(r.start, r.end),
            after.covering(r.start + growth, end),
            growth,
            growth + r.growth,
        )
        growth += r.growth
        if pair is not None:
            found += [c for c in _differences(*pair) if c not in found]
        if len(found) > MAX_CHANGES:
            return []
    return found


def is_half_typed(before: SyntaxTree, after: SyntaxTree) -> bool:
    """Whether the changed text has a syntax error where the old text had none nearby."""
    growth = 0
    for r in TextEdit.between(before.text, after.text):
        old = _line_span(before.text, r.start, r.end)
        new = _line_span(after.text, r.start + growth, r.start + growth + len(r.text))
        growth += r.growth
        if _has_error(after, *new) and not _has_error(before, *old):
            return True
    return False


def _smallest_pair(
    old: list[Node], new: list[Node], shift: int, shift_behind: int
) -> tuple[Node, Node] | None:
    by_span: dict[tuple[int, int], Node] = {}
    for node in new:  # outermost first, so that the innermost node of a span is kept
        by_span[node.start, node.end] = node
    best: tuple[Node, Node] | None = None
    for node in old:
        other = by_span.get((node.start + shift, node.end + shift_behind))
        if other is None or not node.is_named or not other.is_named:
            continue
        if best is None or node.end - node.start <= best[0].end - best[0].start:
            best = node, other
    return best


def _differences(old: Node, new: Node) -> list[NodeChange]:
    found: list[NodeChange] = []
    for lifted in ("string_content", "string_start", "string_end", "escape_sequence"):
        above, beyond = old.parent, new.parent
        if old.kind != lifted or above is None or beyond is None:
            continue
        if above.kind == beyond.kind and not has_interpolation(above):
            old, new = above, beyond
    waiting = [(old, new)]
    while waiting and len(found) <= MAX_CHANGES:
        was, now = waiting.pop()
        if was.text == now.text and was.kind == now.kind:
            continue
        parts = _same_shape(was, now)
        if parts is None and was.kind == now.kind and was.kind in ("module", "block"):
            parts = _alike_statements(was.named_children, now.named_children)
        if parts is None:
            found.append(NodeChange(was, now))
        else:
            waiting += reversed(parts)
    return found


def _same_shape(old: Node, new: Node) -> list[tuple[Node, Node]] | None:
    """The pairs of children; None if the nodes differ in more than their children."""
    if old.kind != new.kind or old.kind == "ERROR":
        return None
    if old.kind == "string" and not (has_interpolation(old) or has_interpolation(new)):
        return None
    mine, theirs = old.children, new.children
    if not mine or len(mine) != len(theirs) or _holds(new, old) or _holds(old, new):
        return None
    pairs = list(zip(mine, theirs, strict=True))
    if any(a.is_named != b.is_named or (not a.is_named and a.text != b.text) for a, b in pairs):
        return None
    return pairs


def _alike_statements(old: list[Node], new: list[Node]) -> list[tuple[Node, Node]]:
    """The statements of two blocks that correspond, possibly edited; others were added or
    removed."""
    while old and new and old[0].text == new[0].text:
        old, new = old[1:], new[1:]
    while old and new and old[-1].text == new[-1].text:
        old, new = old[:-1], new[:-1]
    pairs, at = [], 0
    for was in old[:MAX_CHANGES]:
        for place in range(at, min(len(new), at + MAX_CHANGES)):
            now = new[place]
            if was.kind != now.kind:
                continue
            matcher = SequenceMatcher(None, was.text[:400], now.text[:400], autojunk=False)
            if matcher.quick_ratio() > ALIKE and matcher.ratio() > ALIKE:
                pairs.append((was, now))
                at = place + 1
                break
    return pairs


def _holds(outer: Node, inner: Node) -> bool:
    """Whether a node of the same kind and text is within `outer`: it was wrapped."""
    text, tree = inner.text, outer.tree
    if len(text) >= outer.end - outer.start or text not in outer.text:
        return False
    return any(
        tree.kinds[i] == inner.kind and tree.text[tree.starts[i] : tree.ends[i]] == text
        for i in range(outer.index + 1, tree.lasts[outer.index])
        if tree.ends[i] - tree.starts[i] == len(text)
    )


def _line_span(text: str, start: int, end: int) -> tuple[int, int]:
    newline = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, newline if newline >= 0 else len(text)


def _has_error(tree: SyntaxTree, start: int, end: int) -> bool:
    return any(node.start <= end and node.end >= start for node in tree.of_kind("ERROR", "MISSING"))
