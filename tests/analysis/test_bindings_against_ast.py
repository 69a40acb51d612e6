"""The walker's reading is held against `ast` and `symtable`, which are right but lack places."""

from __future__ import annotations

import ast
import symtable
from collections import Counter

import pytest

from nextedit_jupyter.analysis.bindings import CellIndex, index_cell

SOURCES = [
    "x = 1\ny = x + 1\ndel x",
    "é = 1\n𝒳 = é\nprint('é', é, 𝒳)",
    "def f(a, /, b, *args, c=1, **kw):\n    d = a\n    return b, c, args, kw, d",
    "def f(a):\n    global g\n    g = a\n    def h():\n        nonlocal a\n        a = 2\n"
    "    return h",
    "x = [i * k for i in range(3) for k in range(i) if k != i]\ni",
    "x = {k: v for k, v in d.items()}\ny = {a for a in x}\nz = (b for b in y)",
    "if (n := len(a)) > 3:\n    print(n)\nfound = [last := w for w in ws]\nlast",
    "f = lambda x, *y, z=w: (x, y, z, t)",
    "class A(B, metaclass=M):\n    x = 1\n    y = [x for _ in range(3)]\n"
    "    def m(self):\n        return self.x + x",
    "class A:\n    x = x\n    def x(self): return x",
    "for i, (a, *b) in pairs:\n    print(i, a, b)\nelse:\n    i = 0",
    "with open(p) as f, g() as (h, [j]):\n    f.read()",
    "with (open(p) as f, g() as k[0]):\n    pass",
    "try:\n    import a\nexcept (B, C) as e:\n    print(e)\nelse:\n    d\nfinally:\n    c",
    "import a, b.c, d as e\nfrom f import g, h as i\nfrom . import j",
    "a, b = b, a\n(c, d), e = f\n[g, *h] = i\nx.y, z[k] = 1, 2",
    "x += y\nx.a += y\nx[i] += y",
    "x: int = 3\ny: list[str]\nz: 'Foo' = 1",
    "match p:\n    case [a, *rest] if a > b:\n        pass\n    case {'k': v, **others}:\n"
    "        pass\n    case Point(x=0, y=yy) as q:\n        pass\n"
    "    case Color.RED | Color.BLUE:\n"
    "        pass\n    case str(s) | int(s):\n        pass\n    case (1 | 2) as n:\n        pass\n"
    "    case _:\n        pass",
    "@dec(x)\n@other\ndef f() -> T:\n    yield x\n    return (yield from g())",
    "async def f():\n    async for a in b:\n        await c\n    async with d as e:\n        pass\n"
    "    return [x async for x in y]",
    "print(a if b else c, not d, e and f, *g, **h)",
    "df[df['a'] > x]['b'].mean()",
    "match = 1\ntype = match\ncase = type\nprint(match, type, case, _)",
    "assert a, b\nraise c from d",
    "def f():\n    x = 1\n    class C:\n        y = x\n        def g(self):\n"
    "            return x, y\n"
    "    return C",
    "def f(x=x, *, y: z = w) -> r:\n    def x(): pass",
    "f(a=1, *b, c=d)(e)[g:h:i]",
    "x = yield_ = 3; y = x\nif x: z = y\n",
    "global a\na = 1\ndef f():\n    a = 2",
    "try:\n    pass\nexcept* E as group:\n    group",
    "while (line := f()):\n    print(line)\nelse:\n    line",
    "[[a for a in b] for b in c if [d for d in b]]",
    "class A:\n    def f(self):\n        return [self.x for self.x in y]",
    "lambda: (yield)",
    "def ﬁne(ﬁeld): return field\nfine(1)",
]


def names_by_ast(source: str) -> set[tuple[int, str, str]]:
    """Offset, name and op of every `ast.Name` outside of f-strings."""
    tree = ast.parse(source)
    lines = source.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    found = set()
    updated = {
        id(node.target)
        for node in ast.walk(tree)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    }
    bare = {
        id(node.target)
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and node.value is None
    }
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.JoinedStr):
            continue
        if isinstance(node, ast.Name):
            encoded = lines[node.lineno - 1].encode()
            offset = starts[node.lineno - 1] + len(encoded[: node.col_offset].decode())
            op = {ast.Load: "read", ast.Store: "write", ast.Del: "delete"}[type(node.ctx)]
            op = "update" if id(node) in updated else "declare" if id(node) in bare else op
            found.add((offset, node.id, op))
        todo.extend(ast.iter_child_nodes(node))
    return found


# What `ast` keeps as plain strings, or without a place.
_PLACELESS = {"parameter", "function", "class", "import", "package", "member", "alias", "match"}


def differences(source: str, index: CellIndex) -> list[str]:
    """How the index differs from `ast` and `symtable`; empty where they agree."""
    expected = names_by_ast(source)
    found = {(n.start, n.name, n.op) for n in index.names}
    wrong = [f"missing {item}" for item in sorted(expected - found)]
    places = {start: name for start, name, _ in expected}
    for n in index.names:
        if n.start in places or n.kind in _PLACELESS or n.kind == "with" or n.op == "declare":
            continue
        quoted = any(q in index.masked.text for q in "'\"")
        if not quoted:
            wrong.append(f"invented {n}")
    wrong += _scope_differences(source, index)
    return wrong


def _scope_differences(source: str, index: CellIndex) -> list[str]:
    table = symtable.symtable(source, "cell", "exec")
    theirs: Counter[tuple[str, tuple[str, ...]]] = Counter()
    todo = list(table.get_children())
    while todo:
        scope = todo.pop()
        todo.extend(scope.get_children())
        kind = str(getattr(scope.get_type(), "value", scope.get_type()))
        if kind not in ("function", "class"):
            continue
        own = tuple(
            sorted(
                s.get_name()
                for s in scope.get_symbols()
                if (s.is_local() or s.is_parameter()) and not s.get_name().startswith(".")
                if s.is_assigned()
                or s.is_parameter()
                or s.is_imported()
                or s.is_annotated()
                or s.is_namespace()
            )
        )
        theirs[("class" if kind == "class" else "function", own)] += 1
    ours: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for own_scope in index.scopes[1:]:
        kind = "class" if own_scope.kind == "class" else "function"
        ours[(kind, tuple(sorted(own_scope.binds)))] += 1
    return [f"scopes {theirs - ours} became {ours - theirs}"] if theirs != ours else []


@pytest.mark.parametrize("source", SOURCES)
def test_names_and_scopes_are_those_of_ast_and_symtable(source: str) -> None:
    index = index_cell(source)
    assert not index.broken
    assert differences(source, index) == []
