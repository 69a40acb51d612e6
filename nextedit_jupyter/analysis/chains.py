"""Chains of attributes, calls and subscripts: `df.groupby("k")["n"].sum()`."""

from __future__ import annotations

from typing import NamedTuple

from tree_sitter import Node

_MAX_LINKS = 60


class ChainLink(NamedTuple):
    """A part of a chain: a method that is called, an attribute, or a key (without a name). A call
    of what is no attribute has no name either.
    """

    name: str
    is_called: bool
    node: Node


def links_of(node: Node) -> tuple[list[ChainLink], Node | None]:
    """The links of a chain, outermost first, and what it begins with; None if it is too long."""
    links: list[ChainLink] = []
    inner: Node | None = node
    while inner is not None and inner.type in ("attribute", "call", "subscript"):
        if len(links) > _MAX_LINKS:
            return [], None
        inner = _take_link(inner, links)
    return links, inner


def _take_link(node: Node, links: list[ChainLink]) -> Node | None:
    """Add the outermost link of a chain; what it is made on."""
    if node.type == "subscript":
        links.append(ChainLink("", False, node))
        return node.child_by_field_name("value")
    if node.type == "attribute":
        word = node.child_by_field_name("attribute")
        links.append(ChainLink(text_of(word), False, node))
        return node.child_by_field_name("object")
    callee = node.child_by_field_name("function")
    if callee is None or callee.type != "attribute":
        links.append(ChainLink("", True, node))
        return callee
    links.append(ChainLink(text_of(callee.child_by_field_name("attribute")), True, node))
    return callee.child_by_field_name("object")


def arguments_of(call: Node) -> tuple[list[Node], dict[str, Node]]:
    """What a call is given by position, and by keyword."""
    arguments = call.child_by_field_name("arguments")
    given: list[Node] = []
    words: dict[str, Node] = {}
    for argument in arguments.named_children if arguments is not None else []:
        word = argument.child_by_field_name("name")
        value = argument.child_by_field_name("value")
        if argument.type == "keyword_argument" and value is not None:
            words[text_of(word)] = value
        elif argument.type != "comment":
            given.append(argument)
    return given, words


def text_of(node: Node | None) -> str:
    """A node's text; "" for none."""
    return node.text.decode() if node is not None and node.text else ""


def string_of(node: Node | None) -> str | None:
    """The text of a plain string within its quotes; None for anything else."""
    if node is None or node.type != "string":
        return None
    inner = [n for n in node.named_children if n.type not in ("string_start", "string_end")]
    is_plain = len(inner) == 1 and inner[0].type == "string_content"
    return text_of(inner[0]) if is_plain and not inner[0].named_children else None
