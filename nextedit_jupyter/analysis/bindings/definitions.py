"""What `def`, `class`, `import`, `type` and `return` bind and define."""

from __future__ import annotations

from typing import Literal

from tree_sitter import Node

from nextedit_jupyter.analysis import trees
from nextedit_jupyter.analysis.bindings import factories
from nextedit_jupyter.analysis.bindings.cell_index import Class, Function, Keyword, Parameter
from nextedit_jupyter.analysis.bindings.walker import Context, Walker


def read_function(walker: Walker, node: Node, context: Context) -> None:
    define(walker, node, context, ())


def define(walker: Walker, node: Node, context: Context, decorators: tuple[str, ...]) -> None:
    name = node.child_by_field_name("name")
    parameters = node.child_by_field_name("parameters")
    if name is None or parameters is None:
        walker.push_all(node.named_children, context)
        return
    context = context.at(walker.place(node.start_byte))
    outer = read_type_parameters(walker, node, context)
    inner = walker.scope("function", node, outer, walker.string_of(name))
    walker.push(node.child_by_field_name("body"), inner)
    is_overload = any(text.rpartition(".")[2] in walker.overloads for text in decorators)
    kind = "overload" if is_overload else "function"
    walker.push(name, context, "write", kind)  # before its body, which may call it
    walker.push(node.child_by_field_name("return_type"), outer)
    found = read_parameters(walker, parameters, outer, inner)
    walker.index.functions.append(
        Function(
            walker.identifier(name, context.scope),
            walker.place(name.start_byte),
            walker.place(name.end_byte),
            inner.scope,
            context.scope,
            found,
            decorators,
            doc=docstring(walker, node),
        )
    )


def docstring(walker: Walker, node: Node) -> tuple[int, int] | None:
    """The place of a definition's docstring, which then does not count as a string of the code."""
    body = node.child_by_field_name("body")
    first = next((n for n in body.named_children if n.type != "comment"), None) if body else None
    if first is None or first.type != "expression_statement" or first.named_child_count != 1:
        return None
    string = first.named_children[0]
    if string.type != "string" or string.named_child_count < 3:
        return None
    start, end = string.named_children[0].end_byte, string.named_children[-1].start_byte
    walker.docs.add(walker.place(string.start_byte))
    return walker.place(start), walker.place(end)


def read_type_parameters(walker: Walker, node: Node, context: Context) -> Context:
    declared = node.child_by_field_name("type_parameters")
    if declared is None:
        return context
    inner = walker.scope("type", node, context)
    for child in declared.named_children:
        read_type_parameter(walker, child, inner)
    return inner


def read_type_parameter(walker: Walker, node: Node, context: Context) -> None:
    """One of `[T: bound, *Ts, **P]`: the first identifier is bound, the others are read."""
    names = [n for n in trees.walk(node) if n.type == "identifier"]
    for i, name in enumerate(names):
        walker.name(name, "write" if i == 0 else "read", "type" if i == 0 else "variable", context)
    quoted = [n for n in trees.walk(node) if n.type == "string"]
    walker.push_all(quoted, context._replace(in_type=True))


def read_parameters(
    walker: Walker, node: Node, outer: Context, inner: Context
) -> tuple[Parameter, ...]:
    found: list[Parameter] = []
    after_star = False
    for child in node.named_children:
        type = child.type
        if type == "keyword_separator":
            after_star = True
            continue
        if type == "positional_separator":
            found = [
                Parameter(p.name, p.start, p.end, "positional_only", p.has_default, p.annotation)
                for p in found
            ]
            continue
        name: Node | None = child
        value = annotation = None
        if type in ("default_parameter", "typed_default_parameter"):
            name = child.child_by_field_name("name")
            value = child.child_by_field_name("value")
            annotation = child.child_by_field_name("type")
        elif type == "typed_parameter":
            name = child.named_children[0] if child.named_children else None
            annotation = child.child_by_field_name("type")
        if name is None or name.type == "comment":
            continue
        kind: Literal["positional", "keyword", "star", "stars"]
        kind = "keyword" if after_star else "positional"
        if name.type == "list_splat_pattern":
            kind, after_star = "star", True
        elif name.type == "dictionary_splat_pattern":
            kind = "stars"
        for identifier in trees.walk(name):
            if identifier.type != "identifier":
                continue
            walker.name(identifier, "write", "parameter", inner)
            if annotation is not None and kind not in ("star", "stars"):
                start = walker.place(identifier.start_byte)
                walker.index.annotations[start] = walker.string_of(annotation)
            found.append(
                Parameter(
                    walker.identifier(identifier, inner.scope),
                    walker.place(identifier.start_byte),
                    walker.place(identifier.end_byte),
                    kind,
                    value is not None,
                    walker.string_of(annotation) if annotation is not None else "",
                )
            )
        walker.push(value, outer)
        walker.push(annotation, outer)
    return tuple(found)


def read_class(walker: Walker, node: Node, context: Context) -> None:
    define_class(walker, node, context, ())


def define_class(walker: Walker, node: Node, context: Context, decorators: tuple[str, ...]) -> None:
    name, bases = node.child_by_field_name("name"), node.child_by_field_name("superclasses")
    if name is None:
        walker.push_all(node.named_children, context)
        return
    context = context.at(walker.place(node.start_byte))
    outer = read_type_parameters(walker, node, context)
    inner = walker.scope("class", node, outer, walker.string_of(name))
    walker.push(node.child_by_field_name("body"), inner)
    walker.push(name, context, "write", "class")
    walker.push(bases, outer)
    texts, is_open = class_bases(walker, bases, context.scope, inner)
    walker.index.classes.append(
        Class(
            walker.identifier(name, context.scope),
            walker.place(name.start_byte),
            walker.place(name.end_byte),
            inner.scope,
            context.scope,
            texts,
            decorators,
            is_open,
            docstring(walker, node),
        )
    )


def class_keyword(walker: Walker, node: Node, scope: int) -> None:
    """`class B(A, tag=1)` passes a keyword to an `__init_subclass__` that is not known."""
    name = node.child_by_field_name("name")
    if name is not None and walker.string_of(name) != "metaclass":
        start, end = walker.place(name.start_byte), walker.place(name.end_byte)
        called = walker.identifier(name, scope)
        walker.index.keywords.append(Keyword(start, end, called, "", -1, -1, scope))


def class_bases(
    walker: Walker, bases: Node | None, scope: int, inner: Context
) -> tuple[tuple[str, ...], bool]:
    """The dotted texts of the bases (`Base[T]` is `Base`), and whether some are computed."""
    texts: list[str] = []
    is_open = False
    for base in bases.named_children if bases is not None else []:
        named = base.child_by_field_name("value") if base.type == "subscript" else base
        if named is not None and named.type in ("identifier", "attribute"):
            texts.append("".join(walker.string_of(named).split()))
        elif base.type == "keyword_argument":
            class_keyword(walker, base, scope)
        elif (made := factories.read_base(walker, base, inner)) is not None:
            texts.append(made)
        elif base.type != "comment":
            is_open = True
    return tuple(texts), is_open


def read_decorated(walker: Walker, node: Node, context: Context) -> None:
    context = context.at(walker.place(node.start_byte))
    decorators = [n for n in node.named_children if n.type == "decorator"]
    texts = tuple(walker.string_of(n).lstrip("@").strip() for n in decorators)
    definition = node.child_by_field_name("definition")
    if definition is not None:
        if definition.type == "class_definition":
            define_class(walker, definition, context, texts)
        else:
            define(walker, definition, context, texts)
    walker.push_all(decorators, context)


def read_type_alias(walker: Walker, node: Node, context: Context) -> None:
    context = context.at(walker.place(node.start_byte))
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    start = walker.place(node.start_byte)
    if left is not None and walker.string_of(left)[:1] in "([":
        # `type(x).y = z` is an assignment, although the grammar reads it as an alias.
        walker.add(start, start + 4, "read", "variable", context)
        walker.push_all(node.named_children, context)
        return
    names = [n for n in trees.walk(left) if n.type == "identifier"] if left is not None else []
    inner = context
    if len(names) > 1 and left is not None:
        inner = walker.scope("type", node, context)
        walker.name(names[1], "write", "type", inner)
        for name in names[2:]:
            walker.name(name, "write", "type", inner)
    if names:
        walker.name(names[0], "write", "variable", context)
    walker.push(right, inner)


def read_import(walker: Walker, node: Node, context: Context) -> None:
    context = context.at(walker.place(node.start_byte))
    for child in reversed(node.children_by_field_name("name")):
        if child.type == "aliased_import":
            imported(walker, child.child_by_field_name("alias"), child, "", context, "alias")
        elif child.named_children:
            kind = "import" if child.named_child_count == 1 else "package"
            imported(walker, child.named_children[0], child, "", context, kind)


def imported(
    walker: Walker, name: Node | None, child: Node, module: str, context: Context, kind: str
) -> None:
    what = child.child_by_field_name("name") if child.type == "aliased_import" else child
    if name is not None and what is not None:
        path = "".join(walker.string_of(what).split())
        if module and path == "overload":
            walker.overloads.add(walker.string_of(name))
        walker.index.imports[walker.place(name.start_byte)] = f"{module}{path}"
    walker.push(name, context, "write", kind)


def read_import_from(walker: Walker, node: Node, context: Context) -> None:
    context = context.at(walker.place(node.start_byte))
    module = node.child_by_field_name("module_name")
    if any(n.type == "wildcard_import" for n in node.named_children):
        walker.index.stars.append(walker.string_of(module) if module is not None else "")
    source = "".join(walker.string_of(module).split()) + ":" if module is not None else ":"
    for child in reversed(node.children_by_field_name("name")):
        if child.type == "aliased_import":
            imported(walker, child.child_by_field_name("alias"), child, source, context, "alias")
        elif child.named_children:
            imported(walker, child.named_children[0], child, source, context, "member")


def read_return(walker: Walker, node: Node, context: Context) -> None:
    context = context.at(walker.place(node.start_byte))
    values = [n for n in node.named_children if n.type != "comment"]
    if values:
        value = values[0]
        while value.type == "parenthesized_expression" and value.named_child_count == 1:
            value = value.named_children[0]
        texts: tuple[str, ...] = (walker.string_of(value),)
        if value.type in ("expression_list", "tuple"):
            items = [n for n in value.named_children if n.type != "comment"]
            if not any(n.type == "list_splat" for n in items):
                texts = tuple(walker.string_of(n) for n in items)
        walker.returns.setdefault(context.scope, []).append(texts)
    walker.push_all(node.named_children, context)
