"""Finds the right answers with only `ast` and `symtable`.

Independent of the measured analysis: only the masking of magics is shared. `synthetic_edits` leaves
out notebooks in which the right answer is a matter of opinion.
"""

from __future__ import annotations

import ast
import re
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from nextedit_jupyter.analysis.magics import mask


@dataclass(frozen=True, slots=True)
class Use:
    """A place of a name; `fresh`: an unconditional definition that does not read the old value."""

    start: int
    end: int
    binds: bool
    late: bool
    fresh: bool
    kind: str = "variable"


@dataclass(slots=True)
class Facts:
    """A cell's names. `names` are the notebook's names in order, `formatted` those in f-strings,
    whose positions Python 3.11 does not report, or in magics."""

    source: str
    names: dict[str, list[Use]] = field(default_factory=dict)
    formatted: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    keywords: list[tuple[str, str, int, int]] = field(default_factory=list)
    attributes: list[tuple[str, int, int]] = field(default_factory=list)
    modules: list[tuple[str, int, int]] = field(default_factory=list)
    strings: list[tuple[str, str, str, int, int]] = field(default_factory=list)
    imported: set[str] = field(default_factory=set)
    tree: ast.Module | None = None
    starts: list[int] = field(default_factory=list)

    def offset(self, line: int, column: int) -> int:
        start = self.starts[line - 1]
        text = self.source[start : start + column]
        if not text.isascii():
            raw = self.source[start:].split("\n", 1)[0].encode("utf-8", "surrogatepass")
            return start + len(raw[:column].decode("utf-8", "replace"))
        return start + column

    def span(self, node: ast.expr | ast.keyword | ast.alias | ast.arg) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno, node.end_col_offset),
        )


def read(source: str) -> Facts | None:
    """A cell's names according to Python itself; None if it does not parse or is not Python."""
    masked = mask(source)
    if not masked.is_python:
        return None
    text = masked.text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
            table = symtable.symtable(text, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    facts = Facts(text, tree=tree)
    facts.starts = [0]
    for line in text.split("\n"):
        facts.starts.append(facts.starts[-1] + len(line) + 1)
    for node in ast.walk(tree):
        facts.words |= set(_words(node))
    if masked.snippets or masked.binds:
        facts.formatted |= set(source.replace("{", " ").replace("$", " ").split())
        for snippet in (*masked.snippets,):
            facts.formatted |= {
                n.id for n in _expression_names(source[snippet.start : snippet.end])
            }
    _Reader(facts).block(tree.body, table, True)
    _calls(facts, tree)
    return facts


def _words(node: ast.AST) -> Iterator[str]:
    for name in ("id", "attr", "arg", "name", "asname", "rest"):
        value = getattr(node, name, None)
        if isinstance(value, str):
            yield value
    yield from getattr(node, "names", []) if isinstance(node, ast.Global | ast.Nonlocal) else []


def _expression_names(text: str) -> Iterator[ast.Name]:
    try:
        tree = ast.parse(text.strip())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node


class _Reader:
    """Walks the tree and the symbol tables in parallel."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def block(self, body: list[ast.stmt], table: symtable.SymbolTable, top: bool) -> None:
        for statement in body:
            self.visit(statement, table, [*table.get_children()], top, None)

    def visit(
        self,
        node: ast.AST,
        table: symtable.SymbolTable,
        children: list[symtable.SymbolTable],
        top: bool,
        statement: ast.stmt | None,
    ) -> None:
        if isinstance(node, ast.stmt):
            statement = node
        if isinstance(node, ast.JoinedStr):
            self.formatted(node, table)
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.definition(node, table, children, top)
            return
        scopes = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
        if isinstance(node, scopes):
            inner_table = self.child(children, node)
            if inner_table is None:
                return
            outer: list[ast.AST] = []
            if isinstance(node, ast.Lambda):
                outer = [*node.args.defaults, *[d for d in node.args.kw_defaults if d]]
            else:
                outer = [node.generators[0].iter]
            for part in outer:
                self.visit(part, table, children, False, statement)
            grandchildren = [*inner_table.get_children()]
            for part in ast.iter_child_nodes(node):
                if isinstance(part, ast.arguments):
                    continue
                if isinstance(part, ast.comprehension):
                    self.visit(part.target, inner_table, grandchildren, False, statement)
                    if part.iter not in outer:
                        self.visit(part.iter, inner_table, grandchildren, False, statement)
                    for condition in part.ifs:
                        self.visit(condition, inner_table, grandchildren, False, statement)
                else:
                    self.visit(part, inner_table, grandchildren, False, statement)
            return
        if isinstance(node, ast.Name):
            self.name(node, table, top, statement)
        if isinstance(node, ast.Import | ast.ImportFrom):
            self.imports(node, table, top)
        if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            self.facts.formatted.add(node.name)  # bound, at an unreported position
        if isinstance(node, ast.Global):
            self.facts.formatted |= set(node.names)
        nested = top and not isinstance(
            node, ast.For | ast.While | ast.If | ast.Try | ast.Match | ast.AsyncFor
        )
        for part in ast.iter_child_nodes(node):
            self.visit(part, table, children, nested, statement)

    def formatted(self, node: ast.JoinedStr, table: symtable.SymbolTable) -> None:
        """Names in an f-string, whose positions Python 3.11 does not report: found as words in its
        text, if every such word is one of the names."""
        inner = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
        nested = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
        if any(isinstance(n, (*nested, ast.NamedExpr)) for n in ast.walk(node)):
            self.facts.formatted |= {n.id for n in inner}
            return
        begin, end = self.facts.span(node)
        module = str(table.get_type()).lower().endswith("module")
        for name in {n.id for n in inner}:
            word = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
            found = list(word.finditer(self.facts.source, begin, end))
            if len(found) != sum(n.id == name for n in inner):
                self.facts.formatted.add(name)
            elif self.is_global(name, table):
                for match in found:
                    self.add(name, Use(*match.span(), False, not module, False))

    def child(
        self, children: list[symtable.SymbolTable], node: ast.AST
    ) -> symtable.SymbolTable | None:
        names = {
            ast.Lambda: "lambda",
            ast.ListComp: "listcomp",
            ast.SetComp: "setcomp",
            ast.DictComp: "dictcomp",
            ast.GeneratorExp: "genexpr",
        }
        name = names.get(type(node)) or getattr(node, "name", "")
        line = getattr(node, "lineno", 0)
        for i, table in enumerate(children):
            if table.get_name() == name and table.get_lineno() in (line, _first_line(node)):
                return children.pop(i)
        return None

    def definition(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        table: symtable.SymbolTable,
        children: list[symtable.SymbolTable],
        top: bool,
    ) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator, table, children, False, node)
        if isinstance(node, ast.ClassDef):
            for part in (*node.bases, *node.keywords):
                self.visit(part, table, children, False, node)
        else:
            for part in ast.walk(node.args):
                if isinstance(part, ast.arg) and part.annotation:
                    self.visit(part.annotation, table, children, False, node)
            for default in (*node.args.defaults, *node.args.kw_defaults):
                if default is not None:
                    self.visit(default, table, children, False, node)
            if node.returns:
                self.visit(node.returns, table, children, False, node)
        if table.get_type() == "module" or str(table.get_type()).endswith("MODULE"):
            word = "class" if isinstance(node, ast.ClassDef) else "def"
            begin = self.facts.offset(node.lineno, node.col_offset)
            start = self.facts.source.index(node.name, self.facts.source.index(word, begin) + 3)
            self.add(node.name, Use(start, start + len(node.name), True, False, top, word))
            if isinstance(node, ast.FunctionDef):
                self.facts.functions[node.name] = node
        inner = self.child(children, node)
        if inner is not None:
            grandchildren = [*inner.get_children()]
            for statement in node.body:
                self.visit(statement, inner, grandchildren, False, None)

    def add(self, name: str, use: Use) -> None:
        self.facts.names.setdefault(name, []).append(use)

    def is_global(self, name: str, table: symtable.SymbolTable) -> bool:
        if str(table.get_type()).lower().endswith("module"):
            return True
        try:
            return table.lookup(name).is_global()
        except KeyError:
            return False

    def name(
        self, node: ast.Name, table: symtable.SymbolTable, top: bool, statement: ast.stmt | None
    ) -> None:
        if not self.is_global(node.id, table):
            return
        module = str(table.get_type()).lower().endswith("module")
        comprehension = table.get_name() in ("listcomp", "setcomp", "dictcomp", "genexpr")
        binds = not isinstance(node.ctx, ast.Load)
        fresh = (
            binds
            and top
            and isinstance(statement, ast.Assign)
            and not any(
                isinstance(n, ast.Name) and n.id == node.id and isinstance(n.ctx, ast.Load)
                for n in ast.walk(statement)
            )
        )
        self.add(node.id, Use(*self.facts.span(node), binds, not (module or comprehension), fresh))

    def imports(
        self, node: ast.Import | ast.ImportFrom, table: symtable.SymbolTable, top: bool
    ) -> None:
        if not str(table.get_type()).lower().endswith("module"):
            return
        for alias in node.names:
            if alias.name == "*":
                continue
            bound = alias.asname or alias.name.partition(".")[0]
            self.facts.imported.add(bound)
            end = self.facts.span(alias)[1]
            if alias.asname:
                self.add(bound, Use(end - len(bound), end, True, False, top, "alias"))
            else:
                start = self.facts.span(alias)[0]
                self.add(bound, Use(start, start + len(bound), True, False, top, "import"))


def _first_line(node: ast.AST) -> int:
    decorators = getattr(node, "decorator_list", [])
    return decorators[0].lineno if decorators else getattr(node, "lineno", 0)


def dotted(node: ast.expr) -> str:
    """`a.b.c` as text, "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def _calls(facts: Facts, tree: ast.Module) -> None:
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.JoinedStr):
            continue
        todo.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Attribute) and (text := dotted(node)):
            end = facts.span(node)[1]
            facts.attributes.append((text, end - len(node.attr), end))
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            start = facts.source.find(node.module, facts.offset(node.lineno, node.col_offset))
            if start >= 0:
                facts.modules += _prefixes(node.module, start)
        if isinstance(node, ast.Import):
            for alias in node.names:
                facts.modules += _prefixes(alias.name, facts.span(alias)[0])
        if isinstance(node, ast.Call) and (callee := dotted(node.func)):
            for word in node.keywords:
                if word.arg is None:
                    continue
                start = facts.offset(word.lineno, word.col_offset)
                facts.keywords.append((callee, word.arg, start, start + len(word.arg)))
                value = word.value
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    begin, end = facts.span(value)
                    if facts.source[begin + 1 : end - 1] == value.value and value.value:
                        facts.strings.append((callee, word.arg, value.value, begin + 1, end - 1))


def _prefixes(module: str, start: int) -> Iterator[tuple[str, int, int]]:
    """The path and its prefixes: `a.b.c`, `a.b`, `a`."""
    while module:
        yield module, start, start + len(module)
        module = module.rpartition(".")[0]
