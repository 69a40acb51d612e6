"""Helpers for syntax nodes: callees, bindings, contents of strings."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from nextedit_jupyter.analysis.flat_tree import Node
from nextedit_jupyter.core import Replacement

LITERALS = frozenset({"none", "true", "false"})
NUMBERS = frozenset({"integer", "float"})


# The number of attributes in a dotted path, which is computed for each of them.
_MAX_DOTTED = 30


def words(text: str) -> frozenset[str]:
    """The set of words in a text."""
    return frozenset(text.split())


def has_interpolation(node: Node) -> bool:
    return any(child.kind == "interpolation" for child in node.children)


def dotted(node: Node) -> tuple[str, ...] | None:
    """The parts of `a.b.c`; None for anything but names and attributes, or too many of them."""
    parts: list[str] = []
    while node.kind == "attribute":
        attribute, inner = node.child("attribute"), node.child("object")
        if attribute is None or inner is None or len(parts) == _MAX_DOTTED:
            return None
        parts.append(attribute.text)
        node = inner
    if node.kind == "dotted_name":
        return tuple(child.text for child in node.named_children)
    if node.kind != "identifier":
        return None
    return (node.text, *reversed(parts))


def whole_path(node: Node) -> Node:
    """The largest dotted path that contains the node."""
    while True:
        above = node.parent
        if above is None or above.kind not in ("attribute", "dotted_name"):
            return node
        node = above


def callee(call: Node) -> str | None:
    """The last name of a call's callee: `SGD` of `keras.optimizers.SGD(…)`."""
    function = call.child("function")
    if function is not None and function.kind == "attribute":
        function = function.child("attribute")
    return function.text if function is not None and function.kind == "identifier" else None


def enclosing_call(argument: Node) -> Node | None:
    arguments = argument.parent
    if arguments is None or arguments.kind != "argument_list":
        return None
    call = arguments.parent
    return call if call is not None and call.kind == "call" else None


def is_called(node: Node) -> bool:
    return node.field == "function" and node.parent is not None and node.parent.kind == "call"


def arguments_of(call: Node) -> list[Node]:
    arguments = call.child("arguments")
    if arguments is None or arguments.kind != "argument_list":
        return []
    return [child for child in arguments.named_children if child.kind != "comment"]


def keyword_of(call: Node, name: str) -> Node | None:
    for argument in arguments_of(call):
        if argument.kind == "keyword_argument":
            key = argument.child("name")
            if key is not None and key.text == name:
                return argument
    return None


def is_prose(string: Node) -> bool:
    """Whether a string is a whole statement: a docstring, or a text for the reader."""
    above = string.parent
    if above is not None and above.kind == "concatenated_string":
        above = above.parent
    return above is not None and above.kind == "expression_statement"


def plain_content(string: Node) -> Node | None:
    """The text within the quotes of a string without escapes, interpolation or bytes prefix."""
    parts = string.children
    if len(parts) != 3 or parts[1].kind != "string_content" or parts[1].children:
        return None
    if set(parts[0].text.lower()) & {"b", "f", "t"}:
        return None
    return parts[1]


def imports_of(statement: Node) -> Iterator[tuple[str, str]]:
    """The names that an import binds, each with the path that it refers to."""
    module = statement.child("module_name")
    base = module.text + "." if module is not None else ""
    for child in statement.named_children:
        if child.field != "name":
            continue
        target = child.child("name") if child.kind == "aliased_import" else child
        alias = child.child("alias") if child.kind == "aliased_import" else None
        if target is None:
            continue
        path = base + target.text
        if alias is not None:
            yield alias.text, path
        elif module is not None:
            yield target.text, path
        else:
            yield target.text.split(".", 1)[0], target.text.split(".", 1)[0]


def part_spans(node: Node) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    while node.kind == "attribute":
        attribute, inner = node.child("attribute"), node.child("object")
        assert attribute is not None
        assert inner is not None
        spans.append((attribute.start, attribute.end))
        node = inner
    if node.kind == "dotted_name":
        return [(child.start, child.end) for child in node.named_children]
    return [(node.start, node.end), *reversed(spans)]


def is_bound_at(node: Node) -> bool:
    """Whether the name is bound here, or is that of a keyword or a parameter."""
    above = node.parent
    if above is None:
        return False
    kind, role = above.kind, node.field
    if kind in ("keyword_argument", "function_definition", "class_definition"):
        return role == "name"
    if kind in ("default_parameter", "typed_default_parameter"):
        return role == "name"
    if kind in ("parameters", "lambda_parameters", "typed_parameter", "as_pattern_target"):
        return True
    if kind in ("assignment", "augmented_assignment", "for_statement", "for_in_clause"):
        return role == "left"
    if kind in ("global_statement", "nonlocal_statement", "aliased_import", "named_expression"):
        return role != "value"
    return kind in ("pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern")


def disjoint(found: list[Replacement]) -> list[Replacement]:
    result: list[Replacement] = []
    for replacement in sorted(found):
        if not result or replacement.start >= result[-1].end:
            result.append(replacement)
    return result


def is_akin(old: str, new: str) -> bool:
    """Whether two names are related: a shared word, or few letters changed."""
    words = {w for w in old.lower().split("_") if len(w) > 2}
    if words & {w for w in new.lower().split("_") if len(w) > 2}:
        return True
    if min(len(old), len(new)) > 3 and (old in new or new in old):
        return True
    return SequenceMatcher(None, old, new).ratio() > 0.7
