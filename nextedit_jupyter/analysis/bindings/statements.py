"""What statements bind, and the branches and loops around their parts."""

from __future__ import annotations

from tree_sitter import Node

from nextedit_jupyter.analysis.bindings import factories, reflection
from nextedit_jupyter.analysis.bindings.cell_index import MODULE, Attribute, Op
from nextedit_jupyter.analysis.bindings.walker import SKIPPED, Context, Walker


def read_assignment(walker: Walker, node: Node, context: Context) -> None:
    context = context.at(walker.place(node.start_byte))
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    annotation = node.child_by_field_name("type")
    if left is not None and left.type == "identifier":
        start = walker.place(left.start_byte)
        if annotation is not None:
            walker.index.annotations[start] = walker.string_of(annotation)
        if right is not None:
            given(walker, left, right, context)
    if left is not None and right is not None:
        read_displays(walker, left, right)
    op: Op = "write" if right is not None or annotation is None else "declare"
    is_class = (
        left is not None
        and right is not None
        and left.type == "identifier"
        and annotation is None
        and factories.read_factory(walker, left, right, context)
    )
    walker.push(left, context, op, "class" if is_class else "")
    walker.push(annotation, context)
    is_type = annotation is not None and walker.string_of(annotation).endswith("TypeAlias")
    walker.push(right, context._replace(in_type=True) if is_type else context)


def given(walker: Walker, name: Node, value: Node, context: Context) -> None:
    """What is assigned to a name: a call's value, a dictionary, a lambda, names as strings."""
    start = walker.place(name.start_byte)
    if value.type == "call" and (callee := value.child_by_field_name("function")) is not None:
        walker.index.instances[start] = walker.dotted(callee)[0]
    elif value.type == "lambda":
        walker.lambdas[value.id] = name
    reflection.read_named(walker, walker.string_of(name), value, context)


_CONTAINERS = frozenset(["dictionary", "list", "pair", "tuple"])


def read_displays(walker: Walker, target: Node, value: Node) -> None:
    """Record for the dictionaries in a value what the value is assigned to."""
    text, start = walker.dotted(target)
    if not text:
        return
    owner = start if target.type == "identifier" else -1
    todo = [value]
    while todo:
        node = todo.pop()
        if node.type in ("dictionary", "call"):
            walker.displays[node.id] = owner if node is value else -1, text
        if node.type in _CONTAINERS:
            todo += node.named_children


def read_augmented(walker: Walker, node: Node, context: Context) -> None:
    context = context.at(walker.place(node.start_byte))
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is not None and right is not None:
        reflection.read_named(walker, walker.string_of(left), right, context)
        read_displays(walker, left, right)
    walker.push(left, context, "update")
    walker.push(right, context)


def read_delete(walker: Walker, node: Node, context: Context) -> None:
    context = context.at(walker.place(node.start_byte))
    for child in reversed(node.named_children):
        walker.push(child, context, "delete")


def read_declared(walker: Walker, node: Node, context: Context) -> None:
    scope = walker.index.scopes[context.scope]
    names = scope.globals if node.type == "global_statement" else scope.nonlocals
    for child in node.named_children:
        if child.type == "identifier":
            walker.name(child, "declare", "variable", context)
            if context.scope != MODULE:
                names.add(walker.identifier(child, context.scope))


def loop(walker: Walker, node: Node, context: Context) -> tuple[Context, Context]:
    """Read a loop's body and `else`; returns the contexts outside and inside it."""
    context = context.at(walker.place(node.start_byte))
    block = walker.block("loop", 2, False)
    inside = context._replace(path=(*context.path, (block, 0)))
    walker.push(
        node.child_by_field_name("alternative"),
        context._replace(path=(*context.path, (block, 1))),
    )
    walker.push(node.child_by_field_name("body"), inside)
    return context, inside


def read_for(walker: Walker, node: Node, context: Context) -> None:
    context, inside = loop(walker, node, context)
    walker.push(node.child_by_field_name("left"), inside, "write", "loop")
    walker.push(node.child_by_field_name("right"), context)


def read_while(walker: Walker, node: Node, context: Context) -> None:
    _, inside = loop(walker, node, context)
    walker.push(node.child_by_field_name("condition"), inside)


def read_if(walker: Walker, node: Node, context: Context) -> None:
    context = context.at(walker.place(node.start_byte))
    others = node.children_by_field_name("alternative")
    condition = node.child_by_field_name("condition")
    if not others and condition is not None and walker.string_of(condition) in ("1", "True"):
        # Not a branch, although `%time x = f()` is read as one.
        context = walker.within_own(walker.place(node.start_byte), context)
        walker.push(node.child_by_field_name("consequence"), context)
        walker.push(condition, context)
        return
    exhaustive = any(n.type == "else_clause" for n in others)
    block = walker.block("branch", 1 + len(others), exhaustive)
    for i, clause in reversed(list(enumerate(others))):
        arm = context._replace(path=(*context.path, (block, i + 1)))
        walker.push_all(clause.named_children, arm)
    walker.push(
        node.child_by_field_name("consequence"),
        context._replace(path=(*context.path, (block, 0))),
    )
    walker.push(node.child_by_field_name("condition"), context)


def read_try(walker: Walker, node: Node, context: Context) -> None:
    context = context.at(walker.place(node.start_byte))
    clauses = [clause for clause in node.named_children if clause.type != "comment"]
    is_either = {clause.type for clause in clauses} <= {"block", "except_clause"}
    block = walker.block("try", len(clauses), is_either)
    for i, clause in reversed(list(enumerate(clauses))):
        walker.push(clause, context._replace(path=(*context.path, (block, i))))


def read_as_pattern(walker: Walker, node: Node, context: Context) -> None:
    """`value as target`, in `with` and `except`."""
    target = node.child_by_field_name("alias")
    walker.push(target, context, "write", "with")
    walker.push_all([n for n in node.named_children if n != target], context)


def read_match(walker: Walker, node: Node, context: Context) -> None:
    context = context.at(walker.place(node.start_byte))
    body = node.child_by_field_name("body")
    cases = list(body.named_children) if body is not None else []
    block = walker.block("branch", len(cases), False)
    for i, case in reversed(list(enumerate(cases))):
        arm = context._replace(path=(*context.path, (block, i)))
        walker.push(case.child_by_field_name("consequence"), arm)
        walker.push(case.child_by_field_name("guard"), arm)
        for pattern in reversed(case.named_children):
            if pattern.type == "case_pattern":
                walker.push(pattern, arm)
    subjects = node.children_by_field_name("subject")
    walker.push_all(subjects, context)


def read_case_pattern(walker: Walker, node: Node, context: Context) -> None:
    """A pattern binds its plain names; dotted ones, classes and keys are read."""
    # Each with its enclosing class pattern, because finding a node's parent starts from the root.
    todo: list[tuple[Node, Context, Node | None]] = [(node, context, None)]
    while todo:
        pattern, context, around = todo.pop()
        type = pattern.type
        children = pattern.named_children
        inner = children
        if type == "class_pattern":
            around = pattern
            if children and children[0].type == "dotted_name":
                _read_dotted(walker, children[0], context)
                inner = children[1:]
        elif type == "dotted_name":
            if len(children) == 1:
                walker.name(children[0], "write", "match", context)
            else:
                _read_dotted(walker, pattern, context)
            continue
        elif type == "splat_pattern":
            for child in children:
                if child.type == "identifier" and walker.string_of(child) != "_":
                    walker.name(child, "write", "match", context)
            continue
        elif type == "as_pattern":
            if children[-1].type == "identifier":
                walker.name(children[-1], "write", "match", context)
                inner = children[:-1]
        elif type == "keyword_pattern":
            class_attribute(walker, pattern, around, context)
            inner = children[1:]
        elif type == "identifier":
            walker.name(pattern, "read", "variable", context)
            continue
        elif type == "union_pattern":  # one alternative binds, and all bind the same names
            block = walker.block("branch", len(children), True)
            for i, arm in reversed(list(enumerate(children))):
                in_arm = context._replace(path=(*context.path, (block, i)))
                todo.append((arm, in_arm, around))
            continue
        elif type in SKIPPED or type in ("string", "integer"):
            continue
        todo.extend((one, context, around) for one in reversed(inner))


def _read_dotted(walker: Walker, node: Node, context: Context) -> None:
    if names := node.named_children:
        walker.name(names[0], "read", "variable", context)
        dotted_attributes(walker, names, context)


def class_attribute(walker: Walker, pattern: Node, around: Node | None, context: Context) -> None:
    """`case Point(x=a)` reads the attribute `x` of a `Point`."""
    name = pattern.named_children[0]
    if around is None or name.type != "identifier":
        return
    text = "".join(walker.string_of(around.named_children[0]).split())
    walker.index.attributes.append(
        Attribute(
            walker.place(name.start_byte),
            walker.place(name.end_byte),
            walker.identifier(name, context.scope),
            f"{text}()",
            walker.place(around.start_byte),
            context.scope,
            "read",
        )
    )


def dotted_attributes(walker: Walker, names: list[Node], context: Context) -> None:
    for i, name in enumerate(names[1:], 1):
        start, end = walker.place(name.start_byte), walker.place(name.end_byte)
        root = walker.place(names[0].start_byte)
        text = ".".join(walker.string_of(n) for n in names[:i])
        walker.index.attributes.append(
            Attribute(
                start,
                end,
                walker.identifier(name, context.scope),
                text,
                root,
                context.scope,
                "read",
            )
        )


def read_except_clause(walker: Walker, node: Node, context: Context) -> None:
    context = context.at(walker.place(node.start_byte))
    reflection.read_handler(walker, node, context)
    walker.push_all(node.named_children, context)
