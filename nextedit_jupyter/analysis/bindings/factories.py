"""Classes that are created by a call, such as `Point = namedtuple("Point", "x y")`, and their
fields.

The fields are in strings, which name the class's attributes as annotations would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from nextedit_jupyter.analysis.bindings.cell_index import Class
from nextedit_jupyter.analysis.bindings.walker import Context, Walker

# For each factory, by its last name, the base and decorator of the equivalent class statement.
_FACTORIES = {
    "namedtuple": ("NamedTuple", ""),
    "NamedTuple": ("NamedTuple", ""),
    "TypedDict": ("TypedDict", ""),
    "make_dataclass": ("", "dataclass"),
    "Enum": ("Enum", ""),
    "IntEnum": ("IntEnum", ""),
    "StrEnum": ("StrEnum", ""),
    "Flag": ("Flag", ""),
    "IntFlag": ("IntFlag", ""),
}
_ENUMS = frozenset(["Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"])
_FIELDS = frozenset(["field_names", "fields", "names"])
_WORD = re.compile(r"[^\W\d]\w*")


def read_factory(walker: Walker, name: Node, value: Node, context: Context) -> bool:
    """Whether `name = value` creates a class; if so, the class and its fields are added to the
    index."""
    made = _made(walker, value)
    if made is None:
        return False
    base, decorator, fields = made
    inner = walker.scope("class", value, context, walker.string_of(name))
    walker.index.classes.append(
        Class(
            walker.identifier(name, context.scope),
            walker.place(name.start_byte),
            walker.place(name.end_byte),
            inner.scope,
            context.scope,
            (base,) if base else (),
            (decorator,) if decorator else (),
        )
    )
    _add(walker, fields, inner)
    return True


def read_base(walker: Walker, value: Node, inner: Context) -> str | None:
    """`class Point(namedtuple("Point", "x y"))`: the fields are the class's own.

    The base that is equivalent to the call; None for any other expression.
    """
    made = _made(walker, value)
    if made is None or not made[0] or made[0] in _ENUMS:
        return None
    _add(walker, made[2], inner)
    return made[0]


def _add(walker: Walker, fields: Node, inner: Context) -> None:
    for start, end in _named(walker, fields):
        walker.add(start, end, "write", "variable", inner)


def _made(walker: Walker, value: Node) -> tuple[str, str, Node] | None:
    """The base, decorator and fields of a call that creates a class."""
    callee, given = value.child_by_field_name("function"), value.child_by_field_name("arguments")
    if value.type != "call" or callee is None or given is None:
        return None
    path = walker.dotted(callee)[0]
    found = _FACTORIES.get(path.rpartition(".")[2])
    plain = [n for n in given.named_children if n.type not in ("comment", "keyword_argument")]
    if found is None or not plain or plain[0].type != "string":
        return None
    fields = plain[1] if len(plain) > 1 else None
    for word in given.named_children:
        named = word.child_by_field_name("name") if word.type == "keyword_argument" else None
        if named is not None and walker.string_of(named) in _FIELDS:
            fields = word.child_by_field_name("value")
    if fields is None:
        return None
    base, decorator = found
    return path if base in _ENUMS else base, decorator, fields


def _named(walker: Walker, fields: Node) -> Iterator[tuple[int, int]]:
    """The places of the fields' names: words of one string, strings, first elements of pairs,
    keys."""
    if fields.type == "string":
        if span := walker.content(fields):
            for word in _WORD.finditer(walker.source, *span):
                yield word.span()
        return
    for child in fields.named_children:
        first: Node | None = child
        if child.type in ("tuple", "list"):
            first = child.named_children[0] if child.named_children else None
        elif child.type == "pair":
            first = child.child_by_field_name("key")
        span = walker.content(first) if first is not None else None
        if span and _WORD.fullmatch(walker.source, *span):
            yield span
