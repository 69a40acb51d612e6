"""One pass over a cell's tree, in the order of evaluation, with an explicit stack.

The node types are handled in `expressions`, `definitions` and `statements`; here is what they
share: adding names, opening scopes and branches, reading code in strings.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

from tree_sitter import Node

from nextedit_jupyter.analysis import trees
from nextedit_jupyter.analysis.bindings.cell_index import (
    MODULE,
    Block,
    CellIndex,
    Name,
    Op,
    Scope,
    ScopeKind,
    mangled,
    normalised,
)
from nextedit_jupyter.analysis.magics import Snippet

# Nested snippets: strings in annotations in f-strings. Nobody nests deeper.
_MAX_NESTING = 4
# The number of links of a chain `a.b(c)[d]` that are followed back to its first name.
MAX_CHAIN = 40
# The number of names in a dotted name, which is computed for each attribute in a chain.
MAX_DOTTED = 12
# The field with the object of a link in a chain, by the link's type.
_CHAINED = {"attribute": "object", "call": "function", "subscript": "value"}
# Nested scopes. Python compiles at most a hundred indents and two hundred brackets; a name's scope
# is searched level by level.
_MAX_SCOPES = 100


class Context(NamedTuple):
    scope: int
    path: tuple[tuple[int, int], ...]
    statement: int
    in_type: bool = False

    def at(self, statement: int) -> Context:
        return Context(self.scope, self.path, statement, self.in_type)


Handler = Callable[["Walker", Node, Context], None]
SKIPPED = frozenset(
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


class Walker:
    """One pass over the tree with an explicit stack, in the order of evaluation."""

    def __init__(self, index: CellIndex, handlers: Mapping[str, Handler]) -> None:
        self.index = index
        self.handlers = handlers
        self.source = index.masked.source
        self.text = index.masked.text
        self.stack: list[tuple[Node, Context, Op, str]] = []
        self.op: Op = "read"
        self.base = 0
        self.at: Callable[[int], int] = int
        self.nesting = 0
        self.has_error = False
        self.pending: dict[int, list[Snippet]] = {}
        self.own: dict[int, int] = {}  # start of code that a magic runs as a function -> its end
        # A dictionary's node -> the start of the name that it is assigned to, -1 within another
        # value; and what is assigned.
        self.displays: dict[int, tuple[int, str]] = {}
        self.types: set[int] = (
            set()
        )  # nodes of strings that are types, although the context does not show it
        self.roots: dict[int, int] = {}  # a chain's node -> the start of its first name
        self.lambdas: dict[int, Node] = {}  # a lambda's node -> the name that it is assigned to
        self.docs: set[int] = set()  # starts of docstrings' texts
        self.overloads: set[str] = {"overload"}  # the names of `typing.overload` here
        self.returns: dict[int, list[tuple[str, ...]]] = {}
        self.depths: dict[int, int] = {}  # how deeply each scope is nested

    def run(self) -> None:
        masked = self.index.masked
        top = Context(MODULE, (), 0)
        for start, end in masked.binds:
            self.add(start, end, "write", "magic", top)
        self.own = dict(masked.own)
        regions = sorted(masked.regions, key=lambda region: region.start)
        for region in regions:
            if region.kind == "cell-magic":
                top = self.within_own(region.start, top)
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

    def walk(self, root: Node, context: Context) -> None:
        stack = self.stack
        stack.append((root, context, "read", ""))
        handlers = self.handlers
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
            elif type not in SKIPPED:
                if type.endswith("_statement"):
                    context = context.at(self.place(node.start_byte))
                stack += [(child, context, "read", "") for child in reversed(node.named_children)]

    def place(self, byte: int) -> int:
        return self.base + self.at(byte)

    def push(self, node: Node | None, context: Context, op: Op = "read", kind: str = "") -> None:
        if node is not None:
            self.stack.append((node, context, op, kind))

    def push_all(self, nodes: list[Node], context: Context) -> None:
        self.stack += [(node, context, "read", "") for node in reversed(nodes)]

    def name(self, node: Node, op: Op, kind: str, context: Context) -> None:
        self.add(self.place(node.start_byte), self.place(node.end_byte), op, kind, context)

    def add(self, start: int, end: int, op: Op, kind: str, context: Context) -> None:
        name = normalised(self.text[start:end].strip() or self.source[start:end])
        self.index.names.append(
            Name(
                start,
                end,
                self.private(name, context.scope),
                op,
                kind,
                context.scope,
                context.path,
                context.statement,
            )
        )

    def private(self, name: str, scope: int) -> str:
        """The name as mangled in that scope: `__x` in a class differs from `__x` outside."""
        return mangled(name, self.index.class_around(scope)) if name.startswith("__") else name

    def identifier(self, node: Node, scope: int) -> str:
        return self.private(normalised(self.string_of(node)), scope)

    def string_of(self, node: Node) -> str:
        return self.text[self.place(node.start_byte) : self.place(node.end_byte)]

    def scope(self, kind: ScopeKind, node: Node, context: Context, name: str = "") -> Context:
        start, end = self.place(node.start_byte), self.place(node.end_byte)
        depth = self.depths.get(context.scope, 0) + 1
        parent = context.scope
        if depth > _MAX_SCOPES:
            self.has_error, parent, depth = True, MODULE, 1
        self.depths[len(self.index.scopes)] = depth
        self.index.scopes.append(Scope(kind, parent, start, end, name, context.path))
        return Context(len(self.index.scopes) - 1, (), context.statement)

    def within_own(self, start: int, context: Context) -> Context:
        """The context for code at `start` that a magic runs in its own function: as in a
        comprehension, it reads the surrounding names, and what it binds is gone afterwards.
        """
        end = self.own.pop(start, None)
        if end is None:
            return context
        self.index.scopes.append(
            Scope("comprehension", context.scope, start, end, "", context.path)
        )
        return Context(len(self.index.scopes) - 1, (), context.statement)

    def block(self, kind: Literal["branch", "loop", "try"], arms: int, exhaustive: bool) -> int:
        self.index.blocks.append(Block(kind, arms, exhaustive))
        return len(self.index.blocks) - 1

    def snippet(self, start: int, end: int, context: Context) -> None:
        """Read Python in a string or a magic; if it does not parse, it has no names."""
        if self.nesting >= _MAX_NESTING or start >= end:
            return
        code = self.source[start:end]
        lead = len(code) - len(code.lstrip())
        tree, at = trees.parse(code.strip())
        if tree.root_node.has_error:
            return
        held = self.stack, self.base, self.at, self.text
        known = self.roots, self.types  # keyed by node ids, which are valid only for this tree
        self.stack, self.base, self.at, self.text = [], start + lead, at, self.source
        self.roots, self.types = {}, set()
        self.nesting += 1
        self.walk(tree.root_node, context)
        self.nesting -= 1
        self.stack, self.base, self.at, self.text = held
        self.roots, self.types = known

    def dotted(self, node: Node) -> tuple[str, int]:
        """`a.b.c` as text and its start; ("", -1) for anything else."""
        inner, links = trees.unstarred(node), 0
        while inner.type == "attribute":
            child = inner.child_by_field_name("object")
            links += 1
            if child is None or links > MAX_DOTTED:
                return "", -1
            inner = trees.unstarred(child)
        if inner.type != "identifier":
            return "", -1
        start = self.place(inner.start_byte)
        return "".join(self.text[start : self.place(node.end_byte)].split()), start

    def rooted(self, node: Node) -> int:
        """The start of the first name of `a.b(c)[d].e`; -1 if the chain does not begin with a name.

        This is called for each link of a chain, so the result of one walk is cached for the inner
        links.
        """
        inner: Node | None = node
        passed: list[int] = []
        for _ in range(MAX_CHAIN):
            inner = trees.unstarred(inner) if inner is not None else None
            if inner is None or inner.type == "identifier":
                break
            if (known := self.roots.get(inner.id)) is not None:
                return known
            passed.append(inner.id)
            name = _CHAINED.get(inner.type)
            inner = inner.child_by_field_name(name) if name else None
        if inner is not None and inner.type == "identifier":
            root = self.place(inner.start_byte)
        else:
            root = -1
            if inner is not None:  # too long for the outer half of the links, too
                passed = passed[: MAX_CHAIN // 2]
        self.roots.update(dict.fromkeys(passed, root))
        return root

    # Handlers by node type.

    def content(self, node: Node) -> tuple[int, int] | None:
        """The place of a plain string's text; None if it has escapes or fields, or is not a
        string."""
        if node.type != "string" or len(node.named_children) != 3:
            return None
        prefix, content, _ = node.named_children
        if content.type != "string_content" or content.named_child_count:
            return None
        if set(self.string_of(prefix).lower()) & set("bf"):
            return None
        return self.place(content.start_byte), self.place(content.end_byte)
