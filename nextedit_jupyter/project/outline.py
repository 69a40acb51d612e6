"""What a module defines for importing code: names, signatures, first lines of docstrings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from nextedit_jupyter.analysis.syntax import has_endless_import
from nextedit_jupyter.core.python_trees import python_tree

DefinitionKind = Literal["function", "class", "value", "module"]
MAX_SIGNATURE, MAX_HEAD = 160, 100  # characters
MAX_DEFINITIONS = 400
# Each field of an f-string is compiled separately: ten thousand take a quarter of a second.
_MAX_BRACES = 3_000
_DYNAMIC = frozenset(("globals", "setattr", "exec", "vars", "__import__"))


@dataclass(frozen=True, slots=True)
class Definition:
    """One name of a module.

    `signature` is `(path, *, sep=',') -> Table`, `head` the docstring's first line, `keywords` the
    parameters that can be passed by name, `methods` a class's public methods, `members` all of its
    names. `source` is (module, name) for an imported name.
    """

    name: str
    kind: DefinitionKind
    signature: str = ""
    head: str = ""
    keywords: tuple[str, ...] = ()
    methods: tuple[Definition, ...] = ()
    members: tuple[str, ...] = ()
    bases: str = ""
    source: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """A module's names in the order of its text.

    `stars` are the modules (with leading dots) from which it imports `*`. `is_closed`: nothing
    suggests that it has other names. `exported` is `__all__`, if it is a list of strings.
    """

    definitions: tuple[Definition, ...] = ()
    head: str = ""
    stars: tuple[str, ...] = ()
    is_closed: bool = True
    exported: tuple[str, ...] | None = None

    def named(self, name: str) -> Definition | None:
        return next((known for known in self.definitions if known.name == name), None)

    @property
    def public(self) -> tuple[Definition, ...]:
        """What `from module import *` imports, and what is offered after `module.`."""
        if self.exported is not None:
            return tuple(known for known in self.definitions if known.name in self.exported)
        return tuple(known for known in self.definitions if not known.name.startswith("_"))


def parse_module(text: str) -> ast.Module | None:
    """The tree of a module; None if it doesn't parse, or would take too long. Never raises."""
    if has_endless_import(text) or text.count("{") > _MAX_BRACES:
        return None
    tree = python_tree(text)
    return tree if isinstance(tree, ast.Module) else None


@lru_cache(maxsize=256)
def outline(text: str) -> Outline | None:
    """What a module's text defines; None if it doesn't parse."""
    tree = parse_module(text)
    if tree is None:
        return None
    found: dict[str, Definition] = {}
    stars: list[str] = []
    exported: tuple[str, ...] | None = None
    closed = True
    for node in _statements(tree.body):
        for definition in _defined(node):
            if definition.name == "*" and definition.source:
                stars.append(definition.source[0])
            elif len(found) < MAX_DEFINITIONS:
                found[definition.name] = definition
            else:
                closed = False
        if isinstance(node, ast.Assign) and _assigns(node, "__all__"):
            exported = _strings(node.value)
            closed = closed and exported is not None
        closed = closed and not _is_dynamic(node)
    closed = closed and "__getattr__" not in found
    head = _head(ast.get_docstring(tree, clean=False))
    return Outline(tuple(found.values()), head, tuple(stars), closed, exported)


def stub(definition: Definition, *, methods: int = 12) -> str:
    """A definition as Python source, without its body."""
    if definition.kind == "function":
        return f"def {definition.name}{definition.signature}:{_doc(definition.head)}"
    if definition.kind == "class":
        lines = [f"class {definition.name}{definition.bases}:{_doc(definition.head)}"]
        lines += [f"    def {m.name}{m.signature}: ..." for m in definition.methods[:methods]]
        return "\n".join(lines)
    return ""


def _doc(head: str) -> str:
    return f'\n    """{head}"""' if head else " ..."


def _statements(body: list[ast.stmt], depth: int = 0) -> Iterator[ast.stmt]:
    """The statements of a module that run when it is imported, including those in blocks."""
    for node in body:
        yield node
        if depth == 8:
            continue
        if isinstance(node, ast.If | ast.For | ast.While):
            yield from _statements([*node.body, *node.orelse], depth + 1)
        elif isinstance(node, ast.With):
            yield from _statements(node.body, depth + 1)
        elif isinstance(node, ast.Try):
            handled = [one for handler in node.handlers for one in handler.body]
            yield from _statements([*node.body, *handled, *node.orelse, *node.finalbody], depth + 1)


def _defined(node: ast.stmt) -> Iterator[Definition]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield _function(node)
    elif isinstance(node, ast.ClassDef):
        yield _class(node)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            target = alias.name if alias.asname else name
            yield Definition(name, "module", source=(target, ""))
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            yield Definition(alias.asname or alias.name, "value", source=(module, alias.name))
    else:
        for name in _assigned(node):
            yield Definition(name, "value")


def _assigned(node: ast.stmt) -> Iterator[str]:
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = list(node.targets)
    elif isinstance(node, ast.AnnAssign | ast.For | ast.AugAssign):
        targets = [node.target]
    elif isinstance(node, ast.With):
        targets = [item.optional_vars for item in node.items if item.optional_vars is not None]
    while targets:
        target = targets.pop()
        if isinstance(target, ast.Name):
            yield target.id
        elif isinstance(target, ast.Tuple | ast.List):
            targets += target.elts
        elif isinstance(target, ast.Starred):
            targets.append(target.value)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, *, method: bool = False) -> Definition:
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
    positional = node.args.args[1:] if method and not static else node.args.args
    keywords = tuple(argument.arg for argument in (*positional, *node.args.kwonlyargs))
    return Definition(
        node.name,
        "function",
        _signature(node),
        _head(ast.get_docstring(node, clean=False)),
        keywords,
    )


def _class(node: ast.ClassDef) -> Definition:
    methods, members, keywords = [], [], None
    fields: list[str] = []
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            if item.name == "__init__":
                made = _function(item, method=True)
                keywords = made.keywords
                methods.append(made)
            elif not item.name.startswith("_"):
                methods.append(_function(item, method=True))
                members.append(item.name)
        else:
            names = [name for name in _assigned(item) if not name.startswith("_")]
            members += names
            if isinstance(item, ast.AnnAssign):
                fields += names
    if keywords is None and any("dataclass" in ast.dump(d) for d in node.decorator_list):
        keywords = tuple(fields)
    bases = ", ".join(filter(None, map(_unparsed, node.bases)))[:MAX_SIGNATURE]
    return Definition(
        node.name,
        "class",
        "",
        _head(ast.get_docstring(node, clean=False)),
        keywords or (),
        tuple(methods),
        tuple(dict.fromkeys(members)),
        f"({bases})" if bases else "",
    )


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    returns = f" -> {_unparsed(node.returns)}" if node.returns is not None else ""
    text = f"({_unparsed(node.args)}){returns}"
    if len(text) <= MAX_SIGNATURE:
        return text
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    names += ["*"] * (bool(node.args.kwonlyargs) and node.args.vararg is None)
    names += [f"*{node.args.vararg.arg}"] if node.args.vararg else []
    names += [argument.arg for argument in node.args.kwonlyargs]
    names += [f"**{node.args.kwarg.arg}"] if node.args.kwarg else []
    short = f"({', '.join(names)})"
    return short if len(short) <= MAX_SIGNATURE else "(...)"


def _unparsed(node: ast.AST) -> str:
    try:
        return ast.unparse(node).replace("\n", " ")
    except (ValueError, RecursionError, AttributeError):
        return ""


def _head(doc: str | None) -> str:
    for line in (doc or "").strip().splitlines()[:1]:
        line = line.strip().replace('"""', "'''").replace("\\", "/")
        return line if len(line) <= MAX_HEAD else ""
    return ""


def _assigns(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _strings(node: ast.expr) -> tuple[str, ...] | None:
    if not isinstance(node, ast.List | ast.Tuple):
        return None
    values = [e.value if isinstance(e, ast.Constant) else None for e in node.elts]
    return tuple(v for v in values if isinstance(v, str)) if None not in values else None


def _is_dynamic(node: ast.stmt) -> bool:
    """Whether a statement may define names that cannot be seen: `globals().update(…)`."""
    if not isinstance(node, ast.Expr | ast.Assign | ast.For | ast.AugAssign):
        return False
    if isinstance(node, ast.AugAssign):
        return isinstance(node.target, ast.Name) and node.target.id == "__all__"
    return any(
        isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in _DYNAMIC
        for part in ast.walk(node)
    )
