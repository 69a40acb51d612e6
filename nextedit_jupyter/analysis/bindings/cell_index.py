"""The types of a cell's index: names, attributes, keywords, keys, functions, classes, scopes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from nextedit_jupyter.analysis.magics import Masked

Op = Literal["read", "write", "update", "delete", "declare"]
ScopeKind = Literal["module", "function", "lambda", "class", "comprehension", "type"]
MODULE = 0
# Kinds of names that imports bind: the same thing wherever it is done.
IMPORTED = frozenset(["alias", "import", "member", "package"])


class Name(NamedTuple):
    """One occurrence of a name; `start` and `end` in code points, `name` NFKC-normalised.

    `update` reads and writes at once (`x += 1`); `declare` is an annotation without a value, or a
    name in `global` or `nonlocal`. `kind` says what binds it: "variable", "parameter", "function",
    "class", "import" (`import a`), "package" (`import a.b` binds a), "member" (`from m import a`),
    "alias", "loop", "except", "with", "match", "walrus", "type", "magic". `path` are the branches
    around it, as (block, arm); `statement` is where its statement begins.
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
    """`object.name`: the place of `name`. `object` is the dotted text before it, with `()` if it is
    called, otherwise "".

    `root` is where that dotted text begins, and so the place of its first name. A name that the
    class itself lists in `__slots__` has the object "class".
    """

    start: int
    end: int
    name: str
    object: str
    root: int
    scope: int
    op: Op


class Keyword(NamedTuple):
    """`callee(name=…)`: the place of `name`; `callee` is dotted text, otherwise "".

    `target` is where the callee's last name begins, `root` where its first one does. `passed` are
    the places of names and lambdas among the call's other arguments: `partial(draw, w=1)` passes
    `draw`.
    """

    start: int
    end: int
    name: str
    callee: str
    target: int
    root: int
    scope: int
    passed: tuple[int, ...] = ()


class Splat(NamedTuple):
    """`callee(**something)`: its keywords are not in the text. Fields as in `Keyword`."""

    target: int
    root: int
    scope: int
    passed: tuple[int, ...]


class DictKey(NamedTuple):
    """A string key of a dictionary display or of `dict(…)`, and what the dictionary is assigned to.

    `owner` is where the name that it is assigned to begins, -1 if there is none. `within` is the
    dotted text that the whole value around the display is assigned to, `scope` its scope: in `runs
    = [{"lr": 1}]` the key has no owner, and is within `runs`.
    """

    start: int
    end: int
    text: str
    owner: int
    within: str = ""
    scope: int = MODULE


class Reader(NamedTuple):
    """Code that reads or shows names as text while the cell runs: `eval`, `vars`, `f.__name__`."""

    start: int
    name: str
    scope: int


class Key(NamedTuple):
    """`object["text"]`: the place of the text within its quotes.

    `object` is the dotted text before it, otherwise ""; `root` is where its first name begins, also
    across calls and subscripts.
    """

    start: int
    end: int
    text: str
    object: str
    root: int
    scope: int
    op: Op


class Text(NamedTuple):
    """A plain string among a call's arguments: the place of its text within the quotes.

    `method` is the callee's last name, `root` where the callee's first name begins (-1 if it is
    none), `data` where the name begins that is passed first or as `data=`. `role` is "argument",
    "key" or "value" of a dictionary, `keyword` the argument's keyword, "" if positional. `left` and
    `right` are where the first names of the two things begin that the call puts together, and
    `chained` where what a call below it in the chain is given does.
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
    left: int = -1
    right: int = -1
    chained: int = -1


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function, in order; `kind` as in `inspect`: positional, keyword, star,
    stars."""

    name: str
    start: int
    end: int
    kind: Literal["positional_only", "positional", "keyword", "star", "stars"]
    has_default: bool = False
    annotation: str = ""


@dataclass(slots=True)
class Scope:
    """A scope of the cell; `path` are the branches around it in its parent."""

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
    """A `def`, or a lambda that is assigned to a name: the name's place, the function's own scope,
    and the scope that the name is bound in. `doc` is the place of its docstring's text.

    `returns` has one entry per `return`: the texts of its tuple's values, or of its single value.
    """

    name: str
    start: int
    end: int
    scope: int
    outer: int
    parameters: tuple[Parameter, ...]
    decorators: tuple[str, ...] = ()
    returns: tuple[tuple[str, ...], ...] = ()
    doc: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Class:
    """A `class`. `is_open`: one of its bases is computed, so its inherited members are unknown."""

    name: str
    start: int
    end: int
    scope: int
    outer: int
    bases: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    is_open: bool = False
    doc: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A branching statement: arms of a `try` may stop anywhere; `exhaustive` ones always complete
    one arm."""

    kind: Literal["branch", "loop", "try"]
    arms: int
    exhaustive: bool = False


@dataclass(slots=True)
class CellIndex:
    """Everything the analysis knows about one cell's text. Treat it as frozen: it is shared.

    `homes[i]` is the scope that `names[i]` belongs to; `streams` lists, for a scope and a name, the
    indices of its places in the order of evaluation. `broken`: the cell does not parse, so the
    places are guesses and nothing in it may be changed.
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
    instances: dict[int, str] = field(default_factory=dict)  # where a name begins -> its call
    annotations: dict[int, str] = field(default_factory=dict)  # where a name begins -> its type
    splats: list[Splat] = field(default_factory=list)
    dict_keys: list[DictKey] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    strings: list[tuple[int, int]] = field(default_factory=list)  # texts, except docstrings
    self_named: list[tuple[int, int]] = field(default_factory=list)  # `{x=}` prints the name
    stars: list[str] = field(default_factory=list)
    imports: dict[int, str] = field(default_factory=dict)  # where a name begins -> what it imports
    streams: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)  # where a name begins -> its index
    visible: set[str] = field(default_factory=set)  # what a broken cell binds, judged line by line

    def class_around(self, scope: int) -> str:
        """The name of the innermost class around a scope; "" if there is none."""
        while scope != MODULE:
            if self.scopes[scope].kind == "class":
                return self.scopes[scope].name
            scope = self.scopes[scope].parent
        return ""

    def class_at(self, offset: int) -> str:
        """The same for a place in the text."""
        around = [s for s in self.scopes if s.kind == "class" and s.start <= offset < s.end]
        return max(around, key=lambda s: s.start).name if around else ""

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

    def is_deferred(self, index: int) -> bool:
        """Whether this place runs later than its statement: in a function's inner scope."""
        scope, home = self.names[index].scope, self.homes[index]
        while scope != home and scope != MODULE:
            if self.scopes[scope].kind in ("function", "lambda"):
                return True
            scope = self.scopes[scope].parent
        return False

    def path_at_home(self, index: int) -> tuple[tuple[int, int], ...]:
        """The branches around this place within the scope it belongs to."""
        scope, home = self.names[index].scope, self.homes[index]
        if scope == home:
            return self.names[index].path
        while self.scopes[scope].parent != home and scope != MODULE:
            scope = self.scopes[scope].parent
        return self.scopes[scope].path

    def module_names(self) -> Iterator[str]:
        return (name for home, name in self.streams if home == MODULE)

    def bound_at_module(self) -> set[str]:
        """The names that this cell binds in the notebook's namespace, as far as can be seen."""
        return self.visible | {
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


def normalised(name: str) -> str:
    """The name as Python's parser compares it."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def mangled(name: str, owner: str) -> str:
    """The name as mangled in a class called `owner`, where `__x` is private; "" stands for no
    class."""
    stem = owner.lstrip("_")
    if stem and name.startswith("__") and not name.endswith("__"):
        return f"_{stem}{name}"
    return name
