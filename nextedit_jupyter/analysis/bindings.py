"""What each name in a cell is: where it stands, whether it binds or reads, and in which scope.

A `CellIndex` holds nothing of other cells, so it is cached by the cell's text. Names are kept in
the order in which they are evaluated, with the branches and loops they stand in, from which
`index` tells which definition a use can see.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from tree_sitter import Node

from nextedit_jupyter.analysis import trees
from nextedit_jupyter.analysis.magics import Masked, Snippet, mask

Op = Literal["read", "write", "update", "delete", "declare"]
ScopeKind = Literal["module", "function", "lambda", "class", "comprehension", "type"]
MODULE = 0
# A cell past this many code points is left out: the request's bound on a cell is 64 kB.
MAX_CELL = 200_000
# Snippets in snippets: strings in annotations in f-strings. Nobody nests deeper.
_MAX_NESTING = 4
# Links of a chain `a.b(c)[d]` that are followed back to its first name.
_MAX_CHAIN = 40


class Name(NamedTuple):
    """One place of a name; `start` and `end` in code points, `name` NFKC-normalised.

    `update` reads and writes at once (`x += 1`); `declare` is an annotation without a value, or
    stands in `global` or `nonlocal`. `kind` says what binds it: "variable", "parameter",
    "function", "class", "import" (`import a`), "package" (`import a.b` binds a), "member"
    (`from m import a`), "alias", "loop", "except", "with", "match", "walrus", "type", "magic".
    `path` holds the branches it stands in, as (block, arm); `statement` is where its statement
    begins.
    """

    start: int
    end: int
    name: str
    op: Op
    kind: str
    scope: int
    path: tuple[tuple[int, int], ...]
    statement: int


class Attribute(NamedTuple):
    """`object.name`: the place of `name`. `object` is the dotted text before it, with `()` if it
    is called, "" if it is neither.

    `root` is where that dotted text begins, and so the place of its first name.
    """

    start: int
    end: int
    name: str
    object: str
    root: int
    scope: int
    op: Op


class Keyword(NamedTuple):
    """`callee(name=…)`: the place of `name`; `callee` is dotted text, "" if it is none.

    `target` is where the callee's last name begins, `root` where its first does.
    """

    start: int
    end: int
    name: str
    callee: str
    target: int
    root: int
    scope: int


class Key(NamedTuple):
    """`object["text"]`: the place of the text within its quotes.

    `object` is the dotted text before it, "" if it is none; `root` is where its first name begins,
    through calls and subscripts as well.
    """

    start: int
    end: int
    text: str
    object: str
    root: int
    scope: int
    op: Op


class Text(NamedTuple):
    """A plain string that a call is given: its place within its quotes.

    `method` is the callee's last name, `root` where the callee's first name begins (-1 if it is
    none), `data` where the name begins that is passed first or as `data=`. `role` is "argument",
    "key" or "value" of a dictionary, `keyword` the argument's keyword, "" if positional.
    """

    start: int
    end: int
    text: str
    method: str
    root: int
    data: int
    role: str
    keyword: str
    scope: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in its order; `kind` as in `inspect`: positional, keyword, star, stars."""

    name: str
    start: int
    end: int
    kind: Literal["positional_only", "positional", "keyword", "star", "stars"]
    has_default: bool = False
    annotation: str = ""


@dataclass(slots=True)
class Scope:
    """A scope of the cell; `path` is where it stands in its parent."""

    kind: ScopeKind
    parent: int
    start: int
    end: int
    name: str = ""
    path: tuple[tuple[int, int], ...] = ()
    binds: set[str] = field(default_factory=set)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Function:
    """A `def`: its name's place, its own scope and the scope that it is bound in.

    `returns` has one entry a `return`: the texts of its tuple's values, or of its one value.
    """

    name: str
    start: int
    end: int
    scope: int
    outer: int
    parameters: tuple[Parameter, ...]
    decorators: tuple[str, ...] = ()
    returns: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Class:
    name: str
    start: int
    end: int
    scope: int
    outer: int
    bases: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A branching statement: `try` arms may stop anywhere; `exhaustive` ones take one arm."""

    kind: Literal["branch", "loop", "try"]
    arms: int
    exhaustive: bool = False


@dataclass(slots=True)
class CellIndex:
    """Everything the analysis knows of one cell's text. Treat it as frozen: it is shared.

    `homes[i]` is the scope that `names[i]` belongs to; `streams` lists, for a scope and a name,
    the indices of its places in the order of evaluation. `broken`: the grammar does not fit, so
    the places are a guess and nothing here is to be changed.
    """

    masked: Masked
    broken: bool = False
    names: list[Name] = field(default_factory=list)
    homes: list[int] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    keywords: list[Keyword] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    classes: list[Class] = field(default_factory=list)
    instances: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    imports: dict[int, str] = field(default_factory=dict)  # where a name begins -> what it imports
    streams: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)  # where a name begins -> its index

    @property
    def is_python(self) -> bool:
        return self.masked.is_python

    def name_at(self, offset: int) -> int | None:
        """The index of the name at or just before `offset`."""
        best = None
        for i, name in enumerate(self.names):
            if name.start <= offset <= name.end and (best is None or offset < name.end):
                best = i
        return best

    def is_late(self, index: int) -> bool:
        """Whether this place runs after its own statement: in a function of an inner scope."""
        scope, home = self.names[index].scope, self.homes[index]
        while scope != home and scope != MODULE:
            if self.scopes[scope].kind in ("function", "lambda"):
                return True
            scope = self.scopes[scope].parent
        return False

    def path_at_home(self, index: int) -> tuple[tuple[int, int], ...]:
        """The branches, within the scope it belongs to, that this place stands in."""
        scope, home = self.names[index].scope, self.homes[index]
        if scope == home:
            return self.names[index].path
        while self.scopes[scope].parent != home and scope != MODULE:
            scope = self.scopes[scope].parent
        return self.scopes[scope].path

    def module_names(self) -> Iterator[str]:
        return (name for home, name in self.streams if home == MODULE)

    def bound_at_module(self) -> set[str]:
        """The names that this cell binds in the notebook's namespace."""
        return {
            name
            for (home, name), places in self.streams.items()
            if home == MODULE and any(self.names[i].op in ("write", "update") for i in places)
        }

    def enclosing(self, scope: int) -> Iterator[int]:
        """The scope and those around it, innermost first."""
        while True:
            yield scope
            if scope == MODULE:
                return
            scope = self.scopes[scope].parent


def index_cell(source: str) -> CellIndex:
    """Read one cell. Never raises.

    What can't be read is `broken`; a cell of another language has no names.
    """
    masked = mask(source)
    index = CellIndex(masked, scopes=[Scope("module", MODULE, 0, len(source))])
    if len(source) > MAX_CELL or "\0" in source:
        index.broken = True
        return index
    walker = _Walker(index)
    walker.run()
    index.broken = walker.has_error
    _resolve(index)
    return index


def normalised(name: str) -> str:
    """The name as Python's parser compares it."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


class _Context(NamedTuple):
    scope: int
    path: tuple[tuple[int, int], ...]
    statement: int
    in_type: bool = False

    def at(self, statement: int) -> _Context:
        return _Context(self.scope, self.path, statement, self.in_type)


_Handler = Callable[["_Walker", Node, _Context], None]
_SKIPPED = frozenset(
    [
        "comment",
        "string_start",
        "string_content",
        "string_end",
        "escape_sequence",
        "float",
        "true",
        "false",
        "none",
        "pass_statement",
        "break_statement",
        "continue_statement",
        "ellipsis",
        "import_prefix",
        "wildcard_import",
        "keyword_separator",
        "positional_separator",
        "type_conversion",
        "line_continuation",
    ]
)
_TARGETS = frozenset(
    [
        "pattern_list",
        "tuple_pattern",
        "list_pattern",
        "list_splat_pattern",
        "tuple",
        "list",
        "expression_list",
        "parenthesized_expression",
        "as_pattern_target",
        "list_splat",
        "dictionary_splat_pattern",
    ]
)


class _Walker:
    """One pass over the tree with a stack of its own, in the order of evaluation."""

    def __init__(self, index: CellIndex) -> None:
        self.index = index
        self.source = index.masked.source
        self.text = index.masked.text
        self.stack: list[tuple[Node, _Context, Op, str]] = []
        self.base = 0
        self.at: Callable[[int], int] = int
        self.nesting = 0
        self.has_error = False
        self.pending: dict[int, list[Snippet]] = {}
        self.returns: dict[int, list[tuple[str, ...]]] = {}

    def run(self) -> None:
        masked = self.index.masked
        top = _Context(MODULE, (), 0)
        for start, end in masked.binds:
            self.add(start, end, "write", "magic", top)
        regions = sorted(masked.regions, key=lambda region: region.start)
        starts = [region.start for region in regions]
        for snippet in masked.snippets:
            region = regions[bisect_right(starts, snippet.start) - 1]
            if region.kind == "cell-magic":
                self.snippet(snippet.start, snippet.end, top)
            else:
                self.pending.setdefault(region.start, []).append(snippet)
        if masked.is_python:
            tree, self.at = trees.parse(masked.text)
            self.has_error = tree.root_node.has_error
            self.walk(tree.root_node, top)
        for snippets in self.pending.values():
            for snippet in snippets:
                self.snippet(snippet.start, snippet.end, top)
        for i, function in enumerate(self.index.functions):
            if returns := self.returns.get(function.scope):
                self.index.functions[i] = replace(function, returns=tuple(returns))

    def walk(self, root: Node, context: _Context) -> None:
        stack = self.stack
        stack.append((root, context, "read", ""))
        handlers = _HANDLERS
        while stack:
            node, context, op, kind = stack.pop()
            type = node.type
            if type == "identifier":
                self.name(node, op, kind or "variable", context)
            elif op != "read" and (type in _TARGETS or type.endswith("pattern")):
                for child in reversed(node.named_children):
                    stack.append((child, context, op, kind))
            elif handler := handlers.get(type):
                self.op = op
                handler(self, node, context)
            elif type not in _SKIPPED:
                if type.endswith("_statement"):
                    context = context.at(self.place(node.start_byte))
                stack += [(child, context, "read", "") for child in reversed(node.named_children)]

    def place(self, byte: int) -> int:
        return self.base + self.at(byte)

    def push(self, node: Node | None, context: _Context, op: Op = "read", kind: str = "") -> None:
        if node is not None:
            self.stack.append((node, context, op, kind))

    def push_all(self, nodes: list[Node], context: _Context) -> None:
        self.stack += [(node, context, "read", "") for node in reversed(nodes)]

    def name(self, node: Node, op: Op, kind: str, context: _Context) -> None:
        self.add(self.place(node.start_byte), self.place(node.end_byte), op, kind, context)

    def add(self, start: int, end: int, op: Op, kind: str, context: _Context) -> None:
        self.index.names.append(
            Name(
                start,
                end,
                normalised(self.text[start:end].strip() or self.source[start:end]),
                op,
                kind,
                context.scope,
                context.path,
                context.statement,
            )
        )

    def string_of(self, node: Node) -> str:
        return self.text[self.place(node.start_byte) : self.place(node.end_byte)]

    def scope(self, kind: ScopeKind, node: Node, context: _Context, name: str = "") -> _Context:
        start, end = self.place(node.start_byte), self.place(node.end_byte)
        self.index.scopes.append(Scope(kind, context.scope, start, end, name, context.path))
        return _Context(len(self.index.scopes) - 1, (), context.statement)

    def block(self, kind: Literal["branch", "loop", "try"], arms: int, exhaustive: bool) -> int:
        self.index.blocks.append(Block(kind, arms, exhaustive))
        return len(self.index.blocks) - 1

    def snippet(self, start: int, end: int, context: _Context) -> None:
        """Read Python that stands in a string or a magic; what does not parse holds no names."""
        if self.nesting >= _MAX_NESTING or start >= end:
            return
        code = self.source[start:end]
        lead = len(code) - len(code.lstrip())
        tree, at = trees.parse(code.strip())
        if tree.root_node.has_error:
            return
        held = self.stack, self.base, self.at, self.text
        self.stack, self.base, self.at, self.text = [], start + lead, at, self.source
        self.nesting += 1
        self.walk(tree.root_node, context)
        self.nesting -= 1
        self.stack, self.base, self.at, self.text = held

    def dotted(self, node: Node) -> tuple[str, int]:
        """`a.b.c` as text and where it begins; ("", -1) for anything else."""
        inner, links = node, 0
        while inner.type == "attribute":
            child = inner.child_by_field_name("object")
            links += 1
            if child is None or links > _MAX_CHAIN:
                return "", -1
            inner = child
        if inner.type != "identifier":
            return "", -1
        return "".join(self.string_of(node).split()), self.place(node.start_byte)

    def rooted(self, node: Node) -> int:
        """Where the first name of `a.b(c)[d].e` begins; -1 if the chain begins otherwise."""
        inner: Node | None = node
        for _ in range(_MAX_CHAIN):
            if inner is None or inner.type == "identifier":
                break
            fields = {"attribute": "object", "call": "function", "subscript": "value"}
            name = fields.get(inner.type)
            inner = inner.child_by_field_name(name) if name else None
        if inner is None or inner.type != "identifier":
            return -1
        return self.place(inner.start_byte)

    # What each kind of node means.

    def assignment(self, node: Node, context: _Context) -> None:
        context = context.at(self.place(node.start_byte))
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        annotation = node.child_by_field_name("type")
        if left is not None and left.type == "identifier" and right is not None:
            self.made_of(self.string_of(left), right)
        op: Op = "write" if right is not None or annotation is None else "declare"
        self.push(left, context, op)
        self.push(annotation, context)
        self.push(right, context)

    def made_of(self, name: str, value: Node) -> None:
        if value.type == "call" and (callee := value.child_by_field_name("function")) is not None:
            text, _ = self.dotted(callee)
            self.index.instances[name] = text
        else:
            self.index.instances.pop(name, None)

    def augmented(self, node: Node, context: _Context) -> None:
        context = context.at(self.place(node.start_byte))
        self.push(node.child_by_field_name("left"), context, "update")
        self.push(node.child_by_field_name("right"), context)

    def walrus(self, node: Node, context: _Context) -> None:
        scope = context.scope
        while self.index.scopes[scope].kind == "comprehension":
            context = context._replace(path=self.index.scopes[scope].path)
            scope = self.index.scopes[scope].parent
        outer = context._replace(scope=scope)
        self.push(node.child_by_field_name("name"), outer, "write", "walrus")
        self.push(node.child_by_field_name("value"), context)

    def delete(self, node: Node, context: _Context) -> None:
        context = context.at(self.place(node.start_byte))
        for child in reversed(node.named_children):
            self.push(child, context, "delete")

    def declared(self, node: Node, context: _Context) -> None:
        scope = self.index.scopes[context.scope]
        names = scope.globals if node.type == "global_statement" else scope.nonlocals
        for child in node.named_children:
            if child.type == "identifier":
                self.name(child, "declare", "variable", context)
                if context.scope != MODULE:
                    names.add(normalised(self.string_of(child)))

    def attribute(self, node: Node, context: _Context) -> None:
        value, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        if value is None or name is None:
            return
        text, root = self.dotted(value)
        if value.type == "call" and (callee := value.child_by_field_name("function")) is not None:
            text, root = self.dotted(callee)
            text = f"{text}()" if text else ""
        start, end = self.place(name.start_byte), self.place(name.end_byte)
        self.index.attributes.append(
            Attribute(
                start, end, normalised(self.text[start:end]), text, root, context.scope, self.op
            )
        )
        self.push(value, context)

    def subscript(self, node: Node, context: _Context) -> None:
        value = node.child_by_field_name("value")
        op = self.op
        inner = context
        if value is not None and context.in_type:
            text, _ = self.dotted(value)
            if text.rpartition(".")[2] in ("Literal", "Annotated"):
                inner = context._replace(in_type=False)
        for child in reversed(node.named_children):
            if child == value:
                continue
            self.push(child, inner)
            if value is None:
                continue
            text, root = self.dotted(value)
            if not text:
                root = self.rooted(value)
            strings = child.named_children if child.type in ("list", "tuple") else [child]
            for string in strings:
                if (span := self.content(string)) and root >= 0:
                    self.index.keys.append(
                        Key(*span, self.source[slice(*span)], text, root, context.scope, op)
                    )
        self.push(value, context)

    def content(self, node: Node) -> tuple[int, int] | None:
        """Where the text of a plain string stands; None if it has escapes, fields or is none."""
        if node.type != "string" or len(node.named_children) != 3:
            return None
        prefix, content, _ = node.named_children
        if content.type != "string_content" or content.named_child_count:
            return None
        if set(self.string_of(prefix).lower()) & set("bf"):
            return None
        return self.place(content.start_byte), self.place(content.end_byte)

    def string(self, node: Node, context: _Context) -> None:
        if context.in_type and (span := self.content(node)):
            self.snippet(*span, context)
            return
        if node.named_child_count > 2:
            self.push_all([n for n in node.named_children if n.type == "interpolation"], context)

    def call(self, node: Node, context: _Context) -> None:
        callee = node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        if callee is None or arguments is None:
            self.push_all(node.named_children, context)
            return
        if arguments.type == "argument_list":
            self.arguments(callee, arguments, context)
        else:
            self.push(arguments, context)
        self.push(callee, context)

    def arguments(self, callee: Node, arguments: Node, context: _Context) -> None:
        text, root = self.dotted(callee)
        last = callee.child_by_field_name("attribute") if callee.type == "attribute" else callee
        target = self.place(last.start_byte) if last is not None else -1
        called = self.string_of(last) if last is not None else ""
        children = arguments.named_children
        for child in children:
            if child.type != "keyword_argument":
                continue
            name = child.child_by_field_name("name")
            if name is not None:
                start, end = self.place(name.start_byte), self.place(name.end_byte)
                self.index.keywords.append(
                    Keyword(
                        start,
                        end,
                        normalised(self.text[start:end]),
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
            self.push(child, inner)
        if callee.type == "attribute" and children:
            self.texts_of(callee, called, children, context)
            if called in ("query", "eval") and (span := self.content(children[0])):
                self.queried(*span, context)

    def texts_of(self, callee: Node, called: str, children: list[Node], context: _Context) -> None:
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
                word, value = self.string_of(name), given
            if value.type == "identifier" and (word == "data" or (not word and i == 0)):
                data = self.place(value.start_byte)
            elif value.type in ("string", "list", "tuple", "dictionary"):
                todo.append((value, word, "argument"))
        if not todo:
            return
        root = self.rooted(callee)
        while todo:
            node, word, role = todo.pop(0)
            if node.type == "string":
                if span := self.content(node):
                    text = self.source[slice(*span)]
                    self.index.texts.append(
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

    def queried(self, start: int, end: int, context: _Context) -> None:
        """`@name` in a frame's query reads a variable."""
        at = self.source.find("@", start, end)
        while at >= 0:
            stop = at + 1
            while stop < end and (self.source[stop].isalnum() or self.source[stop] == "_"):
                stop += 1
            if self.source[at + 1 : stop].isidentifier():
                self.snippet(at + 1, stop, context)
            at = self.source.find("@", at + 1, end)

    def keyword(self, node: Node, context: _Context) -> None:
        self.push(node.child_by_field_name("value"), context)

    def function(self, node: Node, context: _Context) -> None:
        self.define(node, context, ())

    def define(self, node: Node, context: _Context, decorators: tuple[str, ...]) -> None:
        name = node.child_by_field_name("name")
        parameters = node.child_by_field_name("parameters")
        if name is None or parameters is None:
            self.push_all(node.named_children, context)
            return
        context = context.at(self.place(node.start_byte))
        outer = self.type_parameters(node, context)
        inner = self.scope("function", node, outer, self.string_of(name))
        self.push(node.child_by_field_name("body"), inner)
        self.push(name, context, "write", "function")  # before its body, which may call it
        self.push(node.child_by_field_name("return_type"), outer)
        found = self.parameters(parameters, outer, inner)
        self.index.functions.append(
            Function(
                normalised(self.string_of(name)),
                self.place(name.start_byte),
                self.place(name.end_byte),
                inner.scope,
                context.scope,
                found,
                decorators,
            )
        )

    def type_parameters(self, node: Node, context: _Context) -> _Context:
        declared = node.child_by_field_name("type_parameters")
        if declared is None:
            return context
        inner = self.scope("type", node, context)
        for child in declared.named_children:
            self.type_parameter(child, inner)
        return inner

    def type_parameter(self, node: Node, context: _Context) -> None:
        """One of `[T: bound, *Ts, **P]`: the first identifier is bound, the others are read."""
        names = [n for n in trees.walk(node) if n.type == "identifier"]
        for i, name in enumerate(names):
            self.name(
                name, "write" if i == 0 else "read", "type" if i == 0 else "variable", context
            )

    def parameters(self, node: Node, outer: _Context, inner: _Context) -> tuple[Parameter, ...]:
        found: list[Parameter] = []
        after_star = False
        for child in node.named_children:
            type = child.type
            if type == "keyword_separator":
                after_star = True
                continue
            if type == "positional_separator":
                found = [
                    Parameter(
                        p.name, p.start, p.end, "positional_only", p.has_default, p.annotation
                    )
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
                self.name(identifier, "write", "parameter", inner)
                found.append(
                    Parameter(
                        normalised(self.string_of(identifier)),
                        self.place(identifier.start_byte),
                        self.place(identifier.end_byte),
                        kind,
                        value is not None,
                        self.string_of(annotation) if annotation is not None else "",
                    )
                )
            self.push(value, outer)
            self.push(annotation, outer)
        return tuple(found)

    def lambda_(self, node: Node, context: _Context) -> None:
        inner = self.scope("lambda", node, context)
        self.push(node.child_by_field_name("body"), inner)
        parameters = node.child_by_field_name("parameters")
        if parameters is not None:
            self.parameters(parameters, context, inner)

    def class_(self, node: Node, context: _Context) -> None:
        self.define_class(node, context, ())

    def define_class(self, node: Node, context: _Context, decorators: tuple[str, ...]) -> None:
        name, bases = node.child_by_field_name("name"), node.child_by_field_name("superclasses")
        if name is None:
            self.push_all(node.named_children, context)
            return
        context = context.at(self.place(node.start_byte))
        outer = self.type_parameters(node, context)
        inner = self.scope("class", node, outer, self.string_of(name))
        self.push(node.child_by_field_name("body"), inner)
        self.push(name, context, "write", "class")
        self.push(bases, outer)
        self.index.classes.append(
            Class(
                normalised(self.string_of(name)),
                self.place(name.start_byte),
                self.place(name.end_byte),
                inner.scope,
                context.scope,
                tuple(
                    self.string_of(base)
                    for base in (bases.named_children if bases is not None else [])
                    if base.type in ("identifier", "attribute")
                ),
                decorators,
            )
        )

    def decorated(self, node: Node, context: _Context) -> None:
        context = context.at(self.place(node.start_byte))
        decorators = [n for n in node.named_children if n.type == "decorator"]
        texts = tuple(self.string_of(n).lstrip("@").strip() for n in decorators)
        definition = node.child_by_field_name("definition")
        if definition is not None:
            if definition.type == "class_definition":
                self.define_class(definition, context, texts)
            else:
                self.define(definition, context, texts)
        self.push_all(decorators, context)

    def comprehension(self, node: Node, context: _Context) -> None:
        body = node.child_by_field_name("body")
        inner = self.scope("comprehension", node, context)
        clauses = [n for n in node.named_children if n != body and n.type != "comment"]
        self.push(body, inner)
        first = True
        pushed: list[tuple[Node | None, _Context, Op, str]] = []
        for clause in clauses:
            if clause.type == "for_in_clause":
                right = clause.child_by_field_name("right")
                pushed.append((right, context if first else inner, "read", ""))
                pushed.append((clause.child_by_field_name("left"), inner, "write", "loop"))
                first = False
            else:
                pushed.append((clause, inner, "read", ""))
        for item in reversed(pushed):
            self.push(*item)

    def loop(self, node: Node, context: _Context) -> tuple[_Context, _Context]:
        """Read a loop's body and `else`; the contexts around it and in it."""
        context = context.at(self.place(node.start_byte))
        block = self.block("loop", 2, False)
        inside = context._replace(path=(*context.path, (block, 0)))
        self.push(
            node.child_by_field_name("alternative"),
            context._replace(path=(*context.path, (block, 1))),
        )
        self.push(node.child_by_field_name("body"), inside)
        return context, inside

    def for_(self, node: Node, context: _Context) -> None:
        context, inside = self.loop(node, context)
        self.push(node.child_by_field_name("left"), inside, "write", "loop")
        self.push(node.child_by_field_name("right"), context)

    def while_(self, node: Node, context: _Context) -> None:
        _, inside = self.loop(node, context)
        self.push(node.child_by_field_name("condition"), inside)

    def if_(self, node: Node, context: _Context) -> None:
        context = context.at(self.place(node.start_byte))
        others = node.children_by_field_name("alternative")
        exhaustive = any(n.type == "else_clause" for n in others)
        block = self.block("branch", 1 + len(others), exhaustive)
        for i, clause in reversed(list(enumerate(others))):
            arm = context._replace(path=(*context.path, (block, i + 1)))
            self.push_all(clause.named_children, arm)
        self.push(
            node.child_by_field_name("consequence"),
            context._replace(path=(*context.path, (block, 0))),
        )
        self.push(node.child_by_field_name("condition"), context)

    def try_(self, node: Node, context: _Context) -> None:
        context = context.at(self.place(node.start_byte))
        clauses = node.named_children
        block = self.block("try", len(clauses), False)
        for i, clause in reversed(list(enumerate(clauses))):
            self.push(clause, context._replace(path=(*context.path, (block, i))))

    def as_pattern(self, node: Node, context: _Context) -> None:
        """`value as target`, in `with` and `except`."""
        target = node.child_by_field_name("alias")
        self.push(target, context, "write", "with")
        self.push_all([n for n in node.named_children if n != target], context)

    def match(self, node: Node, context: _Context) -> None:
        context = context.at(self.place(node.start_byte))
        body = node.child_by_field_name("body")
        cases = list(body.named_children) if body is not None else []
        block = self.block("branch", len(cases), False)
        for i, case in reversed(list(enumerate(cases))):
            arm = context._replace(path=(*context.path, (block, i)))
            self.push(case.child_by_field_name("consequence"), arm)
            self.push(case.child_by_field_name("guard"), arm)
            for pattern in reversed(case.named_children):
                if pattern.type == "case_pattern":
                    self.push(pattern, arm)
        subjects = node.children_by_field_name("subject")
        self.push_all(subjects, context)

    def case_pattern(self, node: Node, context: _Context) -> None:
        """A pattern binds its plain names; dotted ones, classes and keys are read."""
        todo = [node]
        while todo:
            pattern = todo.pop()
            type = pattern.type
            children = pattern.named_children
            if type == "dotted_name":
                parent = pattern.parent
                is_class = parent is not None and parent.type == "class_pattern"
                if len(children) == 1 and not (is_class and _is_first(parent, pattern)):
                    self.name(children[0], "write", "match", context)
                elif children:
                    self.name(children[0], "read", "variable", context)
                    self.dotted_attributes(children, context)
            elif type == "splat_pattern":
                for child in children:
                    if child.type == "identifier" and self.string_of(child) != "_":
                        self.name(child, "write", "match", context)
            elif type == "as_pattern":
                *inner, last = children
                if last.type == "identifier":
                    self.name(last, "write", "match", context)
                else:
                    inner.append(last)
                todo.extend(reversed(inner))
            elif type == "keyword_pattern":
                todo.extend(reversed(children[1:]))
            elif type == "identifier":
                self.name(pattern, "read", "variable", context)
            elif type not in _SKIPPED and type not in ("string", "integer"):
                todo.extend(reversed(children))

    def dotted_attributes(self, names: list[Node], context: _Context) -> None:
        for i, name in enumerate(names[1:], 1):
            start, end = self.place(name.start_byte), self.place(name.end_byte)
            root = self.place(names[0].start_byte)
            text = ".".join(self.string_of(n) for n in names[:i])
            self.index.attributes.append(
                Attribute(
                    start, end, normalised(self.text[start:end]), text, root, context.scope, "read"
                )
            )

    def import_(self, node: Node, context: _Context) -> None:
        context = context.at(self.place(node.start_byte))
        for child in reversed(node.children_by_field_name("name")):
            if child.type == "aliased_import":
                self.imported(child.child_by_field_name("alias"), child, "", context, "alias")
            elif child.named_children:
                kind = "import" if child.named_child_count == 1 else "package"
                self.imported(child.named_children[0], child, "", context, kind)

    def imported(
        self, name: Node | None, child: Node, module: str, context: _Context, kind: str
    ) -> None:
        what = child.child_by_field_name("name") if child.type == "aliased_import" else child
        if name is not None and what is not None:
            path = "".join(self.string_of(what).split())
            self.index.imports[self.place(name.start_byte)] = f"{module}{path}"
        self.push(name, context, "write", kind)

    def import_from(self, node: Node, context: _Context) -> None:
        context = context.at(self.place(node.start_byte))
        module = node.child_by_field_name("module_name")
        if any(n.type == "wildcard_import" for n in node.named_children):
            self.index.stars.append(self.string_of(module) if module is not None else "")
        source = "".join(self.string_of(module).split()) + ":" if module is not None else ":"
        for child in reversed(node.children_by_field_name("name")):
            if child.type == "aliased_import":
                self.imported(child.child_by_field_name("alias"), child, source, context, "alias")
            elif child.named_children:
                self.imported(child.named_children[0], child, source, context, "member")

    def type_(self, node: Node, context: _Context) -> None:
        self.push_all(node.named_children, context._replace(in_type=True))

    def generic_type(self, node: Node, context: _Context) -> None:
        children = node.named_children
        inner = context
        if children and self.string_of(children[0]).rpartition(".")[2] in ("Literal", "Annotated"):
            inner = context._replace(in_type=False)
            # The grammar wraps each argument in a `type`, which would turn it on again.
            for child in reversed(children[1:]):
                for argument in reversed(child.named_children):
                    self.push_all(
                        argument.named_children if argument.type == "type" else [argument], inner
                    )
        else:
            self.push_all(children[1:], inner)
        self.push(children[0] if children else None, context)

    def type_alias(self, node: Node, context: _Context) -> None:
        context = context.at(self.place(node.start_byte))
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        start = self.place(node.start_byte)
        if left is not None and self.string_of(left)[:1] in "([":
            # `type(x).y = z` is a statement too, though the grammar takes it for an alias.
            self.add(start, start + 4, "read", "variable", context)
            self.push_all(node.named_children, context)
            return
        names = [n for n in trees.walk(left) if n.type == "identifier"] if left is not None else []
        inner = context
        if len(names) > 1 and left is not None:
            inner = self.scope("type", node, context)
            self.name(names[1], "write", "type", inner)
            for name in names[2:]:
                self.name(name, "write", "type", inner)
        if names:
            self.name(names[0], "write", "variable", context)
        self.push(right, inner)

    def return_(self, node: Node, context: _Context) -> None:
        context = context.at(self.place(node.start_byte))
        values = [n for n in node.named_children if n.type != "comment"]
        if values:
            value = values[0]
            while value.type == "parenthesized_expression" and value.named_child_count == 1:
                value = value.named_children[0]
            texts: tuple[str, ...] = (self.string_of(value),)
            if value.type in ("expression_list", "tuple"):
                items = [n for n in value.named_children if n.type != "comment"]
                if not any(n.type == "list_splat" for n in items):
                    texts = tuple(self.string_of(n) for n in items)
            self.returns.setdefault(context.scope, []).append(texts)
        self.push_all(node.named_children, context)

    def integer(self, node: Node, context: _Context) -> None:
        if self.pending and not self.nesting:
            for snippet in self.pending.pop(self.place(node.start_byte), ()):
                self.snippet(snippet.start, snippet.end, context)

    def except_clause(self, node: Node, context: _Context) -> None:
        context = context.at(self.place(node.start_byte))
        self.push_all(node.named_children, context)


def _is_first(parent: Node | None, child: Node) -> bool:
    return parent is not None and bool(parent.named_children) and parent.named_children[0] == child


_HANDLERS: dict[str, _Handler] = {
    "assignment": _Walker.assignment,
    "augmented_assignment": _Walker.augmented,
    "named_expression": _Walker.walrus,
    "delete_statement": _Walker.delete,
    "global_statement": _Walker.declared,
    "nonlocal_statement": _Walker.declared,
    "attribute": _Walker.attribute,
    "subscript": _Walker.subscript,
    "string": _Walker.string,
    "call": _Walker.call,
    "keyword_argument": _Walker.keyword,
    "function_definition": _Walker.function,
    "class_definition": _Walker.class_,
    "decorated_definition": _Walker.decorated,
    "lambda": _Walker.lambda_,
    "list_comprehension": _Walker.comprehension,
    "set_comprehension": _Walker.comprehension,
    "dictionary_comprehension": _Walker.comprehension,
    "generator_expression": _Walker.comprehension,
    "for_statement": _Walker.for_,
    "while_statement": _Walker.while_,
    "if_statement": _Walker.if_,
    "try_statement": _Walker.try_,
    "except_clause": _Walker.except_clause,
    "as_pattern": _Walker.as_pattern,
    "match_statement": _Walker.match,
    "case_pattern": _Walker.case_pattern,
    "import_statement": _Walker.import_,
    "import_from_statement": _Walker.import_from,
    "future_import_statement": _Walker.import_from,
    "type": _Walker.type_,
    "generic_type": _Walker.generic_type,
    "type_alias_statement": _Walker.type_alias,
    "return_statement": _Walker.return_,
    "integer": _Walker.integer,
}


def _resolve(index: CellIndex) -> None:
    """Find the scope that each name belongs to, by Python's rules."""
    scopes = index.scopes
    for name in index.names:
        scope = scopes[name.scope]
        if name.op != "read" and name.name not in scope.globals | scope.nonlocals:
            scope.binds.add(name.name)
    # A class body reads outwards until it has bound the name itself.
    bound: dict[int, set[str]] = {}
    for i, name in enumerate(index.names):
        scope = scopes[name.scope]
        if scope.kind == "class" and name.name in scope.binds:
            mine = bound.setdefault(name.scope, set())
            if name.op == "read" and name.name not in mine:
                home = _home(index, scope.parent, name.name)
            else:
                mine.add(name.name)
                home = name.scope
        else:
            home = _home(index, name.scope, name.name)
        index.homes.append(home)
        index.starts[name.start] = i
        index.streams.setdefault((home, name.name), []).append(i)


def _home(index: CellIndex, scope: int, name: str) -> int:
    scopes = index.scopes
    start = scope
    while scope != MODULE:
        here = scopes[scope]
        if name in here.globals:
            return MODULE
        if name in here.binds and (here.kind != "class" or scope == start):
            return scope
        scope = here.parent
    return MODULE
