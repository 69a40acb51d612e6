"""Strings filled in by `format`, rewritten as f-strings.

Only what is the same as an f-string is offered: a literal with plain fields, whose arguments are
short expressions that are evaluated once (see PEP 498, and the reference of `str.format`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nextedit_jupyter.analysis.flat_tree import Node, SyntaxTree
from nextedit_jupyter.analysis.patterns.changed_nodes import NodeChange
from nextedit_jupyter.analysis.patterns.nodes import arguments_of, disjoint, has_interpolation
from nextedit_jupyter.analysis.patterns.rule import Around, Rule, Trust
from nextedit_jupyter.core import Replacement

_CALLED = ".format("
_SIMPLE = frozenset(["identifier", "attribute", "subscript", "call", "integer", "float"])
_REPEATABLE = frozenset(["identifier", "attribute", "integer", "float"])
_NUMBERS = frozenset(["integer", "float"])
_MAX_ARGUMENT = 40  # longer ones hide the text around them
_MAX_LEVELS = 3
_QUOTES = frozenset("'\"")
_UNFIT = frozenset("\\\n{}#!:")  # what an expression of an f-string must not have, or may end it
_PART = re.compile(
    r"(?P<escaped>\{\{|\}\})"
    r"|\{(?P<name>\d+|[^\W\d]\w*)?(?P<path>(?:\.[^\W\d]\w*)*)"
    r"(?P<format>(?:![rsa])?(?::[^{}'\"\\\n]*)?)\}"
    r"|(?P<other>[{}]|\\N)"
)


@dataclass(frozen=True, slots=True)
class FormatInlined:
    """`"{}".format(x)` to `f"{x}"`."""

    needle: str = _CALLED
    examples: int = 1
    trust: Trust = "specific"

    @property
    def what(self) -> str:
        return "write .format(…) as an f-string"

    @property
    def where(self) -> str:
        return "place"

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        found = []
        for call in tree.of_kind("call"):
            written = _as_f_string(call)
            if written is not None:
                found.append(Replacement(call.start, call.end, written))
        return disjoint(found)


def format_rules(change: NodeChange, around: Around) -> Iterator[Rule]:
    if change.new.kind != "string" or not has_interpolation(change.new):
        return
    call: Node | None = change.old
    for _ in range(_MAX_LEVELS):
        if call is None:
            return
        written = _as_f_string(call)
        if written is not None:
            if _is_same(written, change.new.text):
                yield FormatInlined()
            return
        call = call.parent


def _is_same(one: str, other: str) -> bool:
    """Whether two strings differ in their quotes at most."""
    return one.replace("'", '"') == other.replace("'", '"')


def _as_f_string(call: Node) -> str | None:
    """What a call of `format` on a literal is as an f-string; None if it is none, or not quite the
    same."""
    function = call.child("function")
    if call.kind != "call" or function is None or function.kind != "attribute":
        return None
    method, string = function.child("attribute"), function.child("object")
    if method is None or string is None or method.text != "format" or string.kind != "string":
        return None
    begin, *_, end = string.children or (None, None)
    if begin is None or end is None or has_interpolation(string):
        return None
    prefix, quote = begin.text.rstrip("'\"").lower(), end.text
    given = _given(call)
    if given is None or prefix not in ("", "r", "u"):
        return None
    body = _filled(call.tree.text[begin.end : end.start], given, quote)
    return None if body is None else f"f{prefix.replace('u', '')}{quote}{body}{quote}"


def _given(call: Node) -> dict[str, Node] | None:
    """The values that a call passes, by position or keyword; None if they are not plain ones."""
    found: dict[str, Node] = {}
    for n, argument in enumerate(arguments_of(call)):
        name, value = str(n), argument
        if argument.kind == "keyword_argument":
            key, inner = argument.child("name"), argument.child("value")
            if key is None or inner is None:
                return None
            name, value = key.text, inner
        text = value.text
        if value.kind not in _SIMPLE or len(text) > _MAX_ARGUMENT or _UNFIT & set(text):
            return None
        found[name] = value
    return found


def _filled(text: str, given: dict[str, Node], quote: str) -> str | None:
    """A literal's text with the values in their places; None if these are not all plain fields."""
    parts: list[str] = []
    used: list[str] = []
    at = counted = numbered = 0
    for part in _PART.finditer(text):
        if part["other"] is not None:
            return None
        parts.append(text[at : part.start()])
        at = part.end()
        if part["escaped"] is not None:
            parts.append(part[0])
            continue
        name = part["name"] or str(counted)
        counted += part["name"] is None
        numbered += name == part["name"] and name[0].isdigit()
        value = given.get(name)
        written = None if value is None else _requoted(value.text, quote)
        if value is None or written is None:
            return None
        if (name in used and value.kind not in _REPEATABLE) or (
            part["path"] and value.kind in _NUMBERS
        ):
            return None
        used.append(name)
        parts.append(f"{{{written}{part['path']}{part['format']}}}")
    if (counted and numbered) or not used or set(used) != set(given):
        return None
    return "".join(parts) + text[at:]


def _requoted(value: str, quote: str) -> str | None:
    """A value with quotes that do not end the string around it."""
    if quote[0] not in value:
        return value
    other = next(iter(_QUOTES - {quote[0]}))
    return None if other in value else value.replace(quote[0], other)
