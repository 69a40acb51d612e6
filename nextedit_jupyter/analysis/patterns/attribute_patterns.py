"""Patterns of attributes of variables: renamed methods of any object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nextedit_jupyter.analysis.flat_tree import Node, SyntaxTree
from nextedit_jupyter.analysis.patterns.changed_nodes import NodeChange
from nextedit_jupyter.analysis.patterns.nodes import (
    arguments_of,
    dotted,
    is_akin,
    is_bound_at,
    is_called,
)
from nextedit_jupyter.analysis.patterns.rule import Around, Rule, Trust
from nextedit_jupyter.core import Replacement


@dataclass(frozen=True, slots=True)
class AttributeReplaced:
    """`x.as_matrix()` to `x.to_numpy()` on any object.

    `old` and `new` begin with the attribute's name and include a call that belongs to it. `modules`
    are names of modules, whose functions are different ones. `arguments`: whether the attribute is
    called with any; None if it is not called.
    """

    old: str
    new: str
    examples: int = 2
    trust: Trust = "weak"
    modules: frozenset[str] = frozenset()
    arguments: bool | None = None

    @property
    def needle(self) -> str:
        return _attribute_name(self.old)

    @property
    def what(self) -> str:
        return f"change .{self.old} to .{self.new}"

    @property
    def where(self) -> str:
        return "place"

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        found = []
        for node in tree.of_kind("attribute"):
            name, inner = node.child("attribute"), node.child("object")
            if name is None or inner is None or name.text != self.needle or is_bound_at(node):
                continue
            path = dotted(inner)
            if path is not None and path[0] in (*self.modules, "self", "cls"):
                continue
            if self.arguments is not None and _takes_arguments(node) != self.arguments:
                continue
            end = name.end
            if self.old.endswith(")"):
                call = node.parent
                if call is None or not is_called(node):
                    continue
                end = call.end
                if node.tree.text[name.start : end] != self.old:
                    continue
            elif self.new.endswith(")") and is_called(node):
                continue
            found.append(Replacement(name.start, end, self.new))
        return found


def _attribute_name(text: str) -> str:
    return re.split(r"\W", text, maxsplit=1)[0]


def attribute_rules(change: NodeChange, around: Around) -> Iterator[Rule]:
    for old, new in _attribute_pairs(change):
        inner, other = old.child("object"), new.child("object")
        was, now = old.child("attribute"), new.child("attribute")
        if inner is None or other is None or was is None or now is None:
            continue
        if inner.text != other.text or was.text == now.text or is_bound_at(old) or is_bound_at(new):
            continue
        path = dotted(inner)
        if path is not None and (
            path[0] in ("self", "cls") or around.imported(path[0]) is not None
        ):
            return
        before, after = was.text, now.text
        if is_called(old) != is_called(new):
            call = old.parent if is_called(old) else new.parent
            assert call is not None
            start = was.start if is_called(old) else now.start
            written = call.tree.text[start : call.end]
            if not written.endswith("()"):
                return
            if is_called(old):
                before = written
            else:
                after = written
        gone = _is_gone(path, was.text, now.text, around)
        if not gone and around.existed_attribute(now.text):
            return  # both exist: one was confused with the other
        if _is_defined(was.text, around):
            return
        akin = is_akin(was.text, now.text) and len(was.text) > 4
        modules = frozenset(
            name for name in _roots(around, was.text) if around.imported(name) is not None
        )
        one = gone or akin
        yield AttributeReplaced(
            before,
            after,
            examples=1 if one else 2,
            trust="known" if gone else "weak",
            modules=modules,
            arguments=_takes_arguments(old),
        )
        return


def _takes_arguments(attribute: Node) -> bool | None:
    call = attribute.parent
    return bool(arguments_of(call)) if call is not None and is_called(attribute) else None


def _attribute_pairs(change: NodeChange) -> Iterator[tuple[Node, Node]]:
    """The attributes that the change is about: itself, those around it, or the calls' functions."""
    candidates = [(change.old, change.new)]
    above, beyond = change.old.parent, change.new.parent
    if above is not None and beyond is not None:
        candidates.append((above, beyond))
    for old, new in candidates:
        if old.kind == "call":
            old = old.child("function") or old
        if new.kind == "call":
            new = new.child("function") or new
        if old.kind == new.kind == "attribute":
            yield old, new


def _is_gone(path: tuple[str, ...] | None, old: str, new: str, around: Around) -> bool:
    """Whether the kernel says that the object has no such attribute."""
    error = around.facts.error
    if error is not None and error.exception == "AttributeError" and error.name == old:
        return True
    if path is None or len(path) != 1:
        return False
    members = around.members(path[0])
    return bool(members) and old not in members and new in members


def _is_defined(attribute: str, around: Around) -> bool:
    """Whether the notebook itself defines a method or sets an attribute of that name."""
    pattern = re.compile(
        rf"\bdef\s+{re.escape(attribute)}\b|\.{re.escape(attribute)}\s*=(?!=)"
        rf"|^[ \t]+{re.escape(attribute)}\s*[:=](?!=)",
        re.M,
    )
    return any(attribute in text and pattern.search(text) for text in around.texts())


def _roots(around: Around, attribute: str) -> set[str]:
    pattern = re.compile(rf"(?<![\w.])([^\W\d]\w*)(?:\.\w+)*\.{re.escape(attribute)}\b")
    return {
        match[1] for text in around.texts() if attribute in text for match in pattern.finditer(text)
    }
