"""What expressions read and bind: attributes, keys, calls, comprehensions, types."""

from __future__ import annotations

from tree_sitter import Node

from nextedit_jupyter.analysis.bindings import reflection
from nextedit_jupyter.analysis.bindings.cell_index import (
    Attribute,
    DictKey,
    Function,
    Key,
    Keyword,
    Op,
    Parameter,
    Reader,
    Splat,
    Text,
)
from nextedit_jupyter.analysis.bindings.definitions import read_parameters
from nextedit_jupyter.analysis.bindings.walker import Context, Walker
from nextedit_jupyter.analysis.trees import called_name, unstarred

_MAX_LINKS = 60  # of a chain of calls and attributes


def read_attribute(walker: Walker, node: Node, context: Context) -> None:
    value, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
    if value is None or name is None:
        return
    value = unstarred(value)
    text, root = walker.dotted(value)
    if value.type == "call" and (callee := value.child_by_field_name("function")) is not None:
        text, root = walker.dotted(callee)
        text = f"{text}()" if text else ""
    start, end = walker.place(name.start_byte), walker.place(name.end_byte)
    called = walker.identifier(name, context.scope)
    walker.index.attributes.append(
        Attribute(start, end, called, text, root, context.scope, walker.op)
    )
    if called in reflection.ATTRIBUTES:
        walker.index.readers.append(Reader(start, called, context.scope))
    walker.push(value, context)


def read_subscript(walker: Walker, node: Node, context: Context) -> None:
    value = node.child_by_field_name("value")
    op = walker.op
    generic = walker.dotted(value)[0].rpartition(".")[2] if value is not None else ""
    arguments = [n for n in node.named_children if n != value]
    for child in reversed(arguments):
        is_type = context.in_type or generic in reflection.GENERICS
        if generic == "Literal" or (generic == "Annotated" and child != arguments[0]):
            is_type = False
        walker.push(child, context._replace(in_type=is_type))
        if value is None:
            continue
        text, root = walker.dotted(value)
        if not text:
            root = walker.rooted(value)
        strings = child.named_children if child.type in ("list", "tuple") else [child]
        for string in strings:
            if (span := walker.content(string)) and root >= 0:
                walker.index.keys.append(
                    Key(*span, walker.source[slice(*span)], text, root, context.scope, op)
                )
    walker.push(value, context)


def read_string(walker: Walker, node: Node, context: Context) -> None:
    is_type = context.in_type or node.id in walker.types
    if is_type and (span := walker.content(node)):
        walker.snippet(*span, context)
        return
    children = node.named_children
    if walker.place(node.start_byte) not in walker.docs:
        walker.index.strings += [
            (walker.place(child.start_byte), walker.place(child.end_byte))
            for child in children
            if child.type == "string_content"
        ]
    if len(children) > 2:
        walker.push_all([n for n in children if n.type == "interpolation"], context)


def read_interpolation(walker: Walker, node: Node, context: Context) -> None:
    """A field of an f-string; `{x=}` prints the expression's own text."""
    if any(child.type == "=" for child in node.children):
        span = walker.place(node.start_byte), walker.place(node.end_byte)
        walker.index.self_named.append(span)
    walker.push_all(node.named_children, context)


def read_call(walker: Walker, node: Node, context: Context) -> None:
    callee = node.child_by_field_name("function")
    arguments = node.child_by_field_name("arguments")
    if callee is None or arguments is None:
        walker.push_all(node.named_children, context)
        return
    callee = unstarred(callee)
    if arguments.type == "argument_list":
        read_arguments(walker, callee, arguments, context)
        if node.id in walker.displays:
            _read_dict(walker, callee, arguments, context, walker.displays.pop(node.id))
    else:
        walker.push(arguments, context)
    walker.push(callee, context)


def _read_dict(
    walker: Walker, callee: Node, arguments: Node, context: Context, given: tuple[int, str]
) -> None:
    """`cfg = dict(lr=1)`: its keywords are keys."""
    if walker.string_of(callee) != "dict":
        return
    owner, within = given
    for child in arguments.named_children:
        name = child.child_by_field_name("name") if child.type == "keyword_argument" else None
        if name is not None:
            span = walker.place(name.start_byte), walker.place(name.end_byte)
            text = walker.source[slice(*span)]
            walker.index.dict_keys.append(DictKey(*span, text, owner, within, context.scope))


def read_contained(walker: Walker, node: Node, context: Context) -> None:
    """A comparison: `"lr" in cfg` asks for a key."""
    children = node.named_children
    walker.push_all(children, context)
    is_asked = any(child.type in ("in", "not in") for child in node.children)
    if len(children) != 2 or not is_asked:
        return
    (text, root), span = walker.dotted(children[1]), walker.content(children[0])
    if span is not None and text:
        walker.index.keys.append(
            Key(*span, walker.source[slice(*span)], text, root, context.scope, "read")
        )


def read_arguments(walker: Walker, callee: Node, arguments: Node, context: Context) -> None:
    text, root = walker.dotted(callee)
    last = called_name(callee)
    target = walker.place(last.start_byte) if last is not None else -1
    called = walker.string_of(last) if last is not None else ""
    children = [n for n in arguments.named_children if n.type != "comment"]
    kinds = {child.type for child in children}
    named = "dictionary_splat" in kinds or "keyword_argument" in kinds
    passed = names_passed(walker, children) if named else ()
    if "dictionary_splat" in kinds:
        walker.index.splats.append(Splat(target, root, context.scope, passed))
    for child in children:
        if child.type != "keyword_argument":
            continue
        name = child.child_by_field_name("name")
        if name is not None:
            start, end = walker.place(name.start_byte), walker.place(name.end_byte)
            walker.index.keywords.append(
                Keyword(
                    start,
                    end,
                    walker.identifier(name, context.scope),
                    text,
                    target,
                    root,
                    context.scope,
                    passed,
                )
            )
    types = reflection.quoted_types(walker, called, children)
    for child in reversed(children):
        walker.push(child, context._replace(in_type=True) if child.id in types else context)
    reflection.read_call(walker, callee, called, children, context)
    if callee.type == "attribute" and children:
        texts_of(walker, callee, called, children, context)
        if called in ("query", "eval") and (span := walker.content(children[0])):
            queried(walker, *span, context)


def names_passed(walker: Walker, children: list[Node]) -> tuple[int, ...]:
    """Where a call's arguments that are names begin (the last one of `self.draw`), and its
    lambdas."""
    found: list[int] = []
    for child in children:
        value = child.child_by_field_name("value") if child.type == "keyword_argument" else child
        if value is not None and value.type == "attribute":
            value = value.child_by_field_name("attribute")
        if value is not None and value.type in ("identifier", "lambda"):
            found.append(walker.place(value.start_byte))
    return tuple(found)


def read_dictionary(walker: Walker, node: Node, context: Context) -> None:
    """A dictionary display: its string keys, and the name that it is assigned to. In a type there
    are no keys."""
    owner, within = walker.displays.pop(node.id, (-1, ""))
    for pair in reversed([n for n in node.named_children if n.type != "comment"]):
        key = pair.child_by_field_name("key") if pair.type == "pair" else None
        if key is None:
            walker.push(pair, context)
            continue
        if span := walker.content(key):
            text = walker.source[slice(*span)]
            walker.index.dict_keys.append(DictKey(*span, text, owner, within, context.scope))
        walker.push(pair.child_by_field_name("value"), context)
        walker.push(key, context._replace(in_type=False))


def texts_of(
    walker: Walker, callee: Node, called: str, children: list[Node], context: Context
) -> None:
    """The plain strings among a method's arguments, in lists and dictionaries too."""
    todo: list[tuple[Node, str, str]] = []
    data = -1
    roots: dict[str, int] = {}
    for i, child in enumerate(children):
        word, value = "", child
        if child.type == "keyword_argument":
            name = child.child_by_field_name("name")
            given = child.child_by_field_name("value")
            if name is None or given is None:
                continue
            word, value = walker.string_of(name), given
        if value.type == "identifier" and (word == "data" or (not word and i == 0)):
            data = walker.place(value.start_byte)
        elif value.type in ("string", "list", "tuple", "dictionary"):
            todo.append((value, word, "argument"))
        if (word or i < 2) and (begins := walker.rooted(value)) >= 0:
            roots[word or str(i)] = begins
    if not todo:
        return
    chained = _data_of_chain(walker, callee)
    root = walker.rooted(callee)
    first, second = roots.get("0", -1), roots.get("1", -1)
    if "left" in roots or second >= 0:  # `merge(a, b)`, else `a.merge(b)`
        sides = roots.get("left", first), roots.get("right", second)
    else:
        sides = root, roots.get("right", first)
    while todo:
        node, word, role = todo.pop(0)
        if node.type == "string":
            if span := walker.content(node):
                text = walker.source[slice(*span)]
                walker.index.texts.append(
                    Text(
                        *span, text, called, root, data, role, word, context.scope, *sides, chained
                    )
                )
        elif node.type in ("list", "tuple"):
            todo += [(n, word, role) for n in node.named_children if n.type == "string"]
        elif node.type == "dictionary" and role == "argument":
            for pair in node.named_children:
                key, value_ = (
                    pair.child_by_field_name("key"),
                    pair.child_by_field_name("value"),
                )
                if key is not None and value_ is not None:
                    todo += [(key, word, "key"), (value_, word, "value")]


def _data_of_chain(walker: Walker, callee: Node) -> int:
    """Where the name begins that a call below this one is given first or as `data=`: `df` of
    `Chart(df).mark_bar().encode`; -1 if none is.
    """
    inner: Node | None = callee
    for _ in range(_MAX_LINKS):
        if inner is None:
            break
        if inner.type == "call":
            arguments = inner.child_by_field_name("arguments")
            given = (
                [n for n in arguments.named_children if n.type != "comment"] if arguments else []
            )
            values = [n for n in given[:1] if n.type == "identifier"]
            for n in given:
                name = n.child_by_field_name("name") if n.type == "keyword_argument" else None
                if name is not None and walker.string_of(name) == "data":
                    values += [v for v in n.children[-1:] if v.type == "identifier"]
            if values:
                return walker.place(values[-1].start_byte)
        inner = inner.child_by_field_name("function" if inner.type == "call" else "object")
    return -1


def queried(walker: Walker, start: int, end: int, context: Context) -> None:
    """`@name` in a frame's query reads a variable."""
    at = walker.source.find("@", start, end)
    while at >= 0:
        stop = at + 1
        while stop < end and (walker.source[stop].isalnum() or walker.source[stop] == "_"):
            stop += 1
        if walker.source[at + 1 : stop].isidentifier():
            walker.snippet(at + 1, stop, context)
        at = walker.source.find("@", at + 1, end)


def read_keyword(walker: Walker, node: Node, context: Context) -> None:
    walker.push(node.child_by_field_name("value"), context)


def read_integer(walker: Walker, node: Node, context: Context) -> None:
    if walker.pending and not walker.nesting:
        start = walker.place(node.start_byte)
        context = walker.within_own(start, context)
        for snippet in walker.pending.pop(start, ()):
            walker.snippet(snippet.start, snippet.end, context)


def read_type(walker: Walker, node: Node, context: Context) -> None:
    walker.push_all(node.named_children, context._replace(in_type=True))


def read_generic_type(walker: Walker, node: Node, context: Context) -> None:
    children = node.named_children
    inner = context
    generic = walker.string_of(children[0]).rpartition(".")[2] if children else ""
    if generic in ("Literal", "Annotated"):
        # The grammar wraps each argument in a `type`, which would enable it again.
        arguments = [n for child in children[1:] for n in child.named_children]
        for argument in reversed(arguments):
            is_type = generic == "Annotated" and argument == arguments[0]
            bare = argument.named_children if argument.type == "type" else [argument]
            walker.push_all(bare, context._replace(in_type=is_type))
    else:
        walker.push_all(children[1:], inner)
    walker.push(children[0] if children else None, context)


def read_comprehension(walker: Walker, node: Node, context: Context) -> None:
    body = node.child_by_field_name("body")
    inner = walker.scope("comprehension", node, context)
    clauses = [n for n in node.named_children if n != body and n.type != "comment"]
    walker.push(body, inner)
    first = True
    pushed: list[tuple[Node | None, Context, Op, str]] = []
    for clause in clauses:
        if clause.type == "for_in_clause":
            right = clause.child_by_field_name("right")
            pushed.append((right, context if first else inner, "read", ""))
            pushed.append((clause.child_by_field_name("left"), inner, "write", "loop"))
            first = False
        else:
            pushed.append((clause, inner, "read", ""))
    for item in reversed(pushed):
        walker.push(*item)


def read_lambda(walker: Walker, node: Node, context: Context) -> None:
    inner = walker.scope("lambda", node, context)
    walker.push(node.child_by_field_name("body"), inner)
    parameters = node.child_by_field_name("parameters")
    found: tuple[Parameter, ...] = ()
    if parameters is not None:
        found = read_parameters(walker, parameters, context, inner)
    if (name := walker.lambdas.pop(node.id, None)) is not None:
        start, end = walker.place(name.start_byte), walker.place(name.end_byte)
        walker.index.functions.append(
            Function(
                walker.identifier(name, context.scope),
                start,
                end,
                inner.scope,
                context.scope,
                found,
            )
        )


def read_walrus(walker: Walker, node: Node, context: Context) -> None:
    scope = context.scope
    while walker.index.scopes[scope].kind == "comprehension":
        context = context._replace(path=walker.index.scopes[scope].path)
        scope = walker.index.scopes[scope].parent
    outer = context._replace(scope=scope)
    walker.push(node.child_by_field_name("name"), outer, "write", "walrus")
    walker.push(node.child_by_field_name("value"), context)
