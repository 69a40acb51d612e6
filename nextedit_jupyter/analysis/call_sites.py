"""Calls in a cell: their arguments, the targets of unpacking, and edits of nested calls."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from tree_sitter import Node

from nextedit_jupyter.analysis import trees
from nextedit_jupyter.analysis.bindings import CellIndex

# Edits in the arguments of one call; moved arguments are rewritten for each enclosing call.
_MAX_WITHIN = 40
Edit = tuple[int, int, str]
"""What stands between two places of a cell becomes a text."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call; `keyword` is None for a positional one, "*" or "**" if unpacked."""

    start: int
    end: int
    text: str
    keyword: str | None = None
    value: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call: its arguments, and the place before its closing parenthesis.

    `target` is where the callee's last name begins; `targets` are the places that its value is
    unpacked to, if any.
    """

    arguments: tuple[Argument, ...]
    open: int
    close: int
    scope_at: int
    target: int = -1
    targets: tuple[tuple[int, int], ...] = ()


def calls_at(index: CellIndex, starts: set[int]) -> Iterator[Call]:
    """The calls in a cell whose callee's last name begins at one of these places."""
    text = index.masked.text
    tree, at = trees.parse(text)
    targets: dict[int, tuple[tuple[int, int], ...]] = {}  # by the id of the unpacked call
    for node in trees.walk(tree.root_node):
        if node.type == "assignment":
            right = node.child_by_field_name("right")
            if right is not None and right.type == "call":
                targets[right.id] = tuple(_targets(node, at))
        if node.type != "call":
            continue
        callee = node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        if callee is None or arguments is None or arguments.type != "argument_list":
            continue
        last = trees.called_name(callee)
        if last is None or at(last.start_byte) not in starts:
            continue
        found = []
        for child in arguments.named_children:
            if child.type == "comment":
                continue
            start, end = at(child.start_byte), at(child.end_byte)
            keyword, value = None, text[start:end]
            if child.type == "keyword_argument":
                name = child.child_by_field_name("name")
                given = child.child_by_field_name("value")
                if name is None or given is None:
                    continue
                keyword = text[at(name.start_byte) : at(name.end_byte)]
                value = text[at(given.start_byte) : at(given.end_byte)]
            elif child.type in ("list_splat", "dictionary_splat"):
                keyword = "*" if child.type == "list_splat" else "**"
            found.append(Argument(start, end, text[start:end], keyword, value))
        # `C(...)` for `__init__`, or `obj.method(...)`: the first parameter is not passed.
        yield Call(
            tuple(found),
            at(arguments.start_byte) + 1,
            at(arguments.end_byte) - 1,
            at(node.start_byte),
            at(last.start_byte),
            targets.get(node.id, ()),
        )


def _targets(node: Node, at: Callable[[int], int]) -> Iterator[tuple[int, int]]:
    """The names that an assignment unpacks to: `a, b = call(...)`."""
    left = node.child_by_field_name("left")
    if left is None or left.type not in ("pattern_list", "tuple_pattern"):
        return
    items = [n for n in left.named_children if n.type != "comment"]
    if any(n.type == "list_splat_pattern" for n in items):
        return
    for item in items:
        yield at(item.start_byte), at(item.end_byte)


def argument_edits(call: Call, wanted: list[str]) -> list[Edit]:
    """The edits that turn the arguments of a call into `wanted`, with as few changes as
    possible."""
    arguments = call.arguments
    if not arguments:
        return [(call.open, call.open, ", ".join(wanted))] if wanted else []
    texts = [a.text for a in arguments]
    if len(texts) == len(wanted):
        return [
            (a.start, a.end, text)
            for a, text in zip(arguments, wanted, strict=True)
            if a.text != text
        ]
    edits: list[Edit] = []
    matcher = SequenceMatcher(None, texts, wanted, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        new = wanted[j1:j2]
        if tag == "insert" and i1:
            edits.append((arguments[i1 - 1].end,) * 2 + ("".join(f", {text}" for text in new),))
        elif tag == "insert":
            edits.append((arguments[0].start,) * 2 + ("".join(f"{text}, " for text in new),))
        elif tag == "delete" and i2 < len(arguments):
            edits.append((arguments[i1].start, arguments[i2].start, ""))
        elif tag == "delete":
            start = arguments[i1 - 1].end if i1 else arguments[0].start
            edits.append((start, arguments[i2 - 1].end, ""))
        elif tag == "replace":
            edits.append((arguments[i1].start, arguments[i2 - 1].end, ", ".join(new)))
    return edits


@dataclass(frozen=True, slots=True)
class CallEdits:
    """The edits of a cell's calls in order, and how many calls have any.

    The others were left alone: `unpacked` calls hide their arguments in `*` or `**`, `crowded` ones
    contain too many edited calls.
    """

    edits: tuple[Edit, ...]
    sites: int
    unpacked: int
    crowded: int


def edited_calls(calls: Iterable[Call], rebind: Callable[[Call], list[Edit] | None]) -> CallEdits:
    """The edits that `rebind` makes of a cell's calls; it returns None if `*` or `**` hide the
    arguments.

    A call may be an argument of another: the inner one is edited first, and the outer one moves its
    edited text.
    """
    done: list[Edit] = []  # in order
    sites = unpacked = crowded = 0
    for call in sorted(calls, key=lambda call: call.close - call.open):
        first, last = bisect_left(done, (call.open,)), bisect_left(done, (call.close + 1,))
        inner = done[first:last]
        if len(inner) > _MAX_WITHIN:
            crowded += 1
            continue
        edits = rebind(_as_edited(call, inner))
        if edits is None:
            unpacked += 1
        elif edits:
            sites += 1
            left = [edit for edit in inner if not any(_holds(outer, edit) for outer in edits)]
            done[first:last] = sorted([*left, *edits])
    return CallEdits(tuple(done), sites, unpacked, crowded)


def _as_edited(call: Call, done: list[Edit]) -> Call:
    """The call with the edits made that lie in its arguments."""
    found = []
    for argument in call.arguments:
        text = argument.text
        for start, end, new in sorted(done, reverse=True):
            if argument.start <= start and end <= argument.end:
                at = argument.start
                text = text[: start - at] + new + text[end - at :]
        value = text.partition("=")[2].strip() if argument.value != argument.text else text
        found.append(
            argument if text == argument.text else replace(argument, text=text, value=value)
        )
    return replace(call, arguments=tuple(found))


def _holds(outer: Edit, inner: Edit) -> bool:
    return outer[0] < outer[1] and outer[0] <= inner[0] and inner[1] <= outer[1]
