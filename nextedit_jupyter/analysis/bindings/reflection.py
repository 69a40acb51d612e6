"""Names in strings, and calls that read or show names as text while the cell runs.

`__all__`, `__slots__`, `getattr(x, "name")` and quoted types refer to things as surely as code
does; `eval`, `vars` or `f.__name__` may refer to anything, so a rename has to mention them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from tree_sitter import Node

from nextedit_jupyter.analysis.bindings.cell_index import Attribute, Reader, normalised
from nextedit_jupyter.analysis.bindings.walker import Context, Walker

# Generic types whose quoted arguments are types.
GENERICS = frozenset(
    [
        "Annotated",
        "AsyncGenerator",
        "AsyncIterable",
        "AsyncIterator",
        "Awaitable",
        "Callable",
        "ChainMap",
        "ClassVar",
        "Collection",
        "Concatenate",
        "Coroutine",
        "Counter",
        "DefaultDict",
        "Deque",
        "Dict",
        "Final",
        "FrozenSet",
        "Generator",
        "Iterable",
        "Iterator",
        "List",
        "Mapping",
        "MutableMapping",
        "MutableSequence",
        "MutableSet",
        "NotRequired",
        "Optional",
        "OrderedDict",
        "Required",
        "Sequence",
        "Set",
        "Tuple",
        "Type",
        "TypeGuard",
        "Union",
        "Unpack",
        "defaultdict",
        "deque",
        "dict",
        "frozenset",
        "list",
        "set",
        "tuple",
        "type",
    ]
)
# Attributes that contain names as text.
ATTRIBUTES = frozenset(
    [
        "__annotations__",
        "__class__",
        "__code__",
        "__dict__",
        "__doc__",
        "__kwdefaults__",
        "__match_args__",
        "__members__",
        "__mro__",
        "__name__",
        "__qualname__",
        "__slots__",
        "_asdict",
        "_fields",
        "f_globals",
        "f_locals",
        "keywords",
        "user_ns",
    ]
)
# Builtins that read names, called by their plain name, and functions of modules, by their last
# name.
_BUILTINS = frozenset(["compile", "eval", "exec", "globals", "help", "locals"])
_CALLS = frozenset(
    [
        "asdict",
        "astuple",
        "bind",
        "bind_partial",
        "fields",
        "format_exc",
        "getargspec",
        "getattr_static",
        "getfullargspec",
        "getmembers",
        "getsource",
        "get_doctest",
        "get_type_hints",
        "model_dump",
        "patch",
        "print_exc",
        "run_cell",
        "run_docstring_examples",
        "signature",
        "testfile",
        "testmod",
        "timeit",
    ]
)
_PRINTING = frozenset(["display", "format", "pformat", "pprint", "print", "repr", "str"])
_ACCESS = frozenset(["getattr", "setattr", "hasattr", "delattr"])
# The same as methods: of `object` or a base, of `patch`, of a test's `monkeypatch`.
_ACCESS_METHODS = frozenset(
    ["__getattribute__", "__setattr__", "__delattr__", "delattr", "object", "setattr"]
)
# Lists of names, and what they bind: the names in `__slots__` are attributes of the class.
_LISTS = frozenset(["__all__", "__slots__", "__match_args__"])
_FIELD = re.compile(r"\{\w*(?P<path>(?:\.[^\W\d]\w*|\[\w*\])+)")
_PART = re.compile(r"\.(?P<name>[^\W\d]\w*)")
_WORD = re.compile(r"[^\W\d]\w*")
_TYPE_CALLS = frozenset(
    [
        "ForwardRef",
        "NamedTuple",
        "NewType",
        "ParamSpec",
        "TypeVar",
        "TypeVarTuple",
        "TypedDict",
        "assert_type",
        "cast",
        "make_dataclass",
    ]
)
_NO_TYPES: frozenset[int] = frozenset()
# Calls that are looked at more closely; most calls of a notebook are none of them.
_FORMATTING = frozenset(["format", "format_map", "vformat"])
_LOOKED_AT = (
    _CALLS
    | _BUILTINS
    | _PRINTING
    | _ACCESS
    | _ACCESS_METHODS
    | frozenset(["attrgetter", "methodcaller", "vars", "dir", "type"])
    | frozenset(["extend", "append", "remove"])
    | _FORMATTING
)
# Errors whose messages name what was not found.
_TELLING = re.compile(r"\b(?:NameError|UnboundLocalError|AttributeError|TypeError)\b")


def quoted_types(walker: Walker, called: str, children: list[Node]) -> Collection[int]:
    """The ids of a call's arguments whose strings are types: `cast("Box", x)`."""
    if called not in _TYPE_CALLS:
        return _NO_TYPES
    plain = [n for n in children if n.type != "keyword_argument"]
    words = {
        walker.string_of(name): n
        for n in children
        if n.type == "keyword_argument" and (name := n.child_by_field_name("name")) is not None
    }
    found: list[Node] = []
    if called in ("cast", "ForwardRef"):
        found = plain[:1]
    elif called in ("NewType", "TypedDict", "assert_type"):
        found = plain[1:2]
    elif called in ("NamedTuple", "make_dataclass"):
        walker.types |= {node.id for field in plain[1:2] for node in _types_of_fields(field)}
    elif called in ("TypeVar", "TypeVarTuple", "ParamSpec"):
        found = plain[1:] + [words[word] for word in ("bound", "default") if word in words]
    return {node.id for node in found}


def _types_of_fields(fields: Node) -> Iterator[Node]:
    """The second parts of the pairs in `[("left", "Node"), ("size", int)]`."""
    for pair in fields.named_children:
        parts = [n for n in pair.named_children if n.type != "comment"]
        if pair.type in ("tuple", "list") and len(parts) > 1:
            yield parts[1]


def read_named(walker: Walker, name: str, value: Node, context: Context) -> None:
    """`__all__ = ["load"]`: the strings are names in the notebook or in the class."""
    if name not in _LISTS:
        return
    is_class = walker.index.scopes[context.scope].kind == "class"
    strings = [value] if value.type == "string" else value.named_children
    for string in strings:
        if (span := walker.content(string)) and _WORD.fullmatch(walker.source[slice(*span)]):
            if name == "__all__":
                walker.add(*span, "read", "variable", context)
            elif is_class:
                text = normalised(walker.source[slice(*span)])
                # Private names in `__slots__` are mangled as in code.
                called = walker.private(text, context.scope) if name == "__slots__" else text
                walker.index.attributes.append(
                    Attribute(*span, called, "class", span[0], context.scope, "read")
                )


def read_call(
    walker: Walker, callee: Node, called: str, children: list[Node], context: Context
) -> None:
    """Names in a call's strings, and calls that read names."""
    if called not in _LOOKED_AT:
        return
    scope = context.scope
    at = walker.place(callee.start_byte)
    if called in _ACCESS and callee.type == "identifier":
        if len(children) < 2 or not _attribute_string(walker, children[0], children[1], context):
            _reads(walker, at, called, scope)
    elif called in _ACCESS_METHODS and callee.type == "attribute":
        _access_method(walker, children, context)
    elif called in ("attrgetter", "methodcaller"):
        for child in children if called == "attrgetter" else children[:1]:
            if not _attribute_string(walker, None, child, context):
                _reads(walker, at, called, scope)
    elif called in ("vars", "dir") and callee.type == "identifier":
        name = called if children else f"{called}()"
        _reads(walker, at, name, scope)
    elif _reads_names(callee, called, children):
        _reads(walker, at, called, scope)
    if called in _PRINTING:
        for child in children:
            if child.type == "identifier":
                walker.index.readers.append(Reader(walker.place(child.start_byte), "shown", scope))
    if callee.type == "attribute" and called in _FORMATTING:
        # `"{0.x}".format(a)`, or what a formatter is given: `Formatter().vformat("{0.x}", …)`.
        for value in (callee.child_by_field_name("object"), *children[:1]):
            if value is not None and (span := walker.content(value)):
                _format_fields(walker, span, context)
                break
    if callee.type == "attribute" and called in ("extend", "append", "remove") and children:
        value = callee.child_by_field_name("object")
        if value is not None and value.type == "identifier":
            read_named(walker, walker.string_of(value), children[0], context)


def _access_method(walker: Walker, children: list[Node], context: Context) -> None:
    """`object.__setattr__(self, "name", x)`, `super().__setattr__("name", x)`."""
    if not children or _attribute_string(walker, None, children[0], context):
        return
    if len(children) > 1:
        _attribute_string(walker, children[0], children[1], context)


def _reads_names(callee: Node, called: str, children: list[Node]) -> bool:
    if called == "type":
        return len(children) == 1
    if children and children[0].type == "lambda":
        return False  # `timeit(lambda: f(x))` is given no text
    return called in _CALLS or (called in _BUILTINS and callee.type == "identifier")


def _reads(walker: Walker, at: int, name: str, scope: int) -> None:
    walker.index.readers.append(Reader(at, name, scope))


def _attribute_string(walker: Walker, value: Node | None, string: Node, context: Context) -> bool:
    """`getattr(value, "name")` reads `value.name`; returns False if the name is computed."""
    span = walker.content(string)
    if span is None:
        return False
    text, root = walker.dotted(value) if value is not None else ("", -1)
    made = value.child_by_field_name("function") if value is not None else None
    if value is not None and value.type == "call" and made is not None:  # `getattr(Box(), "w")`
        text, root = walker.dotted(made)
        text += "()" if text else ""
    start = span[0]
    for part in walker.source[slice(*span)].split("."):
        if _WORD.fullmatch(part):
            walker.index.attributes.append(
                Attribute(
                    start, start + len(part), normalised(part), text, root, context.scope, "read"
                )
            )
        start, text, root = start + len(part) + 1, "", -1
    return True


def _format_fields(walker: Walker, span: tuple[int, int], context: Context) -> None:
    """`"{0.name}".format(x)` reads an attribute of an unknown object."""
    for field in _FIELD.finditer(walker.source, *span):
        for part in _PART.finditer(walker.source, *field.span("path")):
            start, end = part.span("name")
            walker.index.attributes.append(
                Attribute(start, end, normalised(part["name"]), "", -1, context.scope, "read")
            )


def read_handler(walker: Walker, node: Node, context: Context) -> None:
    """`except NameError as error`: its message contains the name."""
    head = walker.string_of(node).partition("\n")[0]
    for error in sorted(set(_TELLING.findall(head))) if " as " in head else ():
        at = walker.place(node.start_byte)
        walker.index.readers.append(Reader(at, f"except {error}", context.scope))
