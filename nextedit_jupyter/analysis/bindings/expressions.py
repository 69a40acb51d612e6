"""What expressions read and bind: attributes, keys, calls, comprehensions, types."""

from __future__ import annotations

from tree_sitter import Node

from nextedit_jupyter.analysis.bindings.cell_index import (
    Attribute,
    Key,
    Keyword,
    Op,
    Text,
    normalised,
)
from nextedit_jupyter.analysis.bindings.definitions import read_parameters
from nextedit_jupyter.analysis.bindings.walker import Context, Walker


def read_attribute(walker: Walker, node: Node, context: Context) -> None:
    value, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
    if value is None or name is None:
        return
    text, root = walker.dotted(value)
    if value.type == "call" and (callee := value.child_by_field_name("function")) is not None:
        text, root = walker.dotted(callee)
        text = f"{text}()" if text else ""
    start, end = walker.place(name.start_byte), walker.place(name.end_byte)
    walker.index.attributes.append(
        Attribute(
            start, end, normalised(walker.text[start:end]), text, root, context.scope, walker.op
        )
    )
    walker.push(value, context)


def read_subscript(walker: Walker, node: Node, context: Context) -> None:
    value = node.child_by_field_name("value")
    op = walker.op
    inner = context
    if value is not None and context.in_type:
        text, _ = walker.dotted(value)
        if text.rpartition(".")[2] in ("Literal", "Annotated"):
            inner = context._replace(in_type=False)
    for child in reversed(node.named_children):
        if child == value:
            continue
        walker.push(child, inner)
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
    if context.in_type and (span := walker.content(node)):
        walker.snippet(*span, context)
        return
    if node.named_child_count > 2:
        walker.push_all([n for n in node.named_children if n.type == "interpolation"], context)


def read_call(walker: Walker, node: Node, context: Context) -> None:
    callee = node.child_by_field_name("function")
    arguments = node.child_by_field_name("arguments")
    if callee is None or arguments is None:
        walker.push_all(node.named_children, context)
        return
    if arguments.type == "argument_list":
        read_arguments(walker, callee, arguments, context)
    else:
        walker.push(arguments, context)
    walker.push(callee, context)


def read_arguments(walker: Walker, callee: Node, arguments: Node, context: Context) -> None:
    text, root = walker.dotted(callee)
    last = callee.child_by_field_name("attribute") if callee.type == "attribute" else callee
    target = walker.place(last.start_byte) if last is not None else -1
    called = walker.string_of(last) if last is not None else ""
    children = arguments.named_children
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
                    normalised(walker.text[start:end]),
                    text,
                    target,
                    root,
                    context.scope,
                )
            )
    for i, child in enumerate(reversed(children)):
        inner = context
        if called == "cast" and i == len(children) - 1:
            inner = context._replace(in_type=True)
        walker.push(child, inner)
    if callee.type == "attribute" and children:
        texts_of(walker, callee, called, children, context)
        if called in ("query", "eval") and (span := walker.content(children[0])):
            queried(walker, *span, context)


def texts_of(
    walker: Walker, callee: Node, called: str, children: list[Node], context: Context
) -> None:
    """The plain strings among a method's arguments, in lists and dictionaries too."""
    todo: list[tuple[Node, str, str]] = []
    data = -1
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
    if not todo:
        return
    root = walker.rooted(callee)
    while todo:
        node, word, role = todo.pop(0)
        if node.type == "string":
            if span := walker.content(node):
                text = walker.source[slice(*span)]
                walker.index.texts.append(
                    Text(*span, text, called, root, data, role, word, context.scope)
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
        for snippet in walker.pending.pop(walker.place(node.start_byte), ()):
            walker.snippet(snippet.start, snippet.end, context)


def read_type(walker: Walker, node: Node, context: Context) -> None:
    walker.push_all(node.named_children, context._replace(in_type=True))


def read_generic_type(walker: Walker, node: Node, context: Context) -> None:
    children = node.named_children
    inner = context
    if children and walker.string_of(children[0]).rpartition(".")[2] in ("Literal", "Annotated"):
        inner = context._replace(in_type=False)
        # The grammar wraps each argument in a `type`, which would turn it on again.
        for child in reversed(children[1:]):
            for argument in reversed(child.named_children):
                walker.push_all(
                    argument.named_children if argument.type == "type" else [argument], inner
                )
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
    if parameters is not None:
        read_parameters(walker, parameters, context, inner)


def read_walrus(walker: Walker, node: Node, context: Context) -> None:
    scope = context.scope
    while walker.index.scopes[scope].kind == "comprehension":
        context = context._replace(path=walker.index.scopes[scope].path)
        scope = walker.index.scopes[scope].parent
    outer = context._replace(scope=scope)
    walker.push(node.child_by_field_name("name"), outer, "write", "walrus")
    walker.push(node.child_by_field_name("value"), context)
