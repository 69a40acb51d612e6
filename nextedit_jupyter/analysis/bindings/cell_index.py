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

    `root` is where that dotted text begins, and so the place of its first name. A name that its own
    class lists in `__slots__` has the object "class".
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

    `target` is where the callee's last name begins, `root` where its first does. `passed` are the
    places of the names and lambdas that the call is given besides: `partial(draw, w=1)` passes
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
    """`callee(**something)`: which keywords it passes is not in the text. As in `Keyword`."""

    target: int
    root: int
    scope: int
    passed: tuple[int, ...]


class DictKey(NamedTuple):
    """A string key of a dictionary display or of `dict(…)`, and what that is assigned to.

    `owner` is where the name begins that it is assigned to, -1 if there is none. `within` is the
    dotted text of what the whole value is assigned to that the display stands in, `scope` its
    scope: of `runs = [{"lr": 1}]` the key has no owner, and is within `runs`.
    """

    start: int
    end: int
    text: str
    owner: int
    within: str = ""
    scope: int = MODULE


class Reader(NamedTuple):
    """What reads or shows names as text while the cell runs: `eval`, `vars`, `f.__name__`."""

    start: int
    name: str
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
    """A `def`, or a lambda that a name is given: the name's place, its own scope, and the one that
    the name is bound in. `doc` is where its docstring's text stands.

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
    doc: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Class:
    """A `class`. `is_open`: one of its bases is computed, so what it inherits is not known."""

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
    instances: dict[int, str] = field(default_factory=dict)  # where a name begins -> its call
    annotations: dict[int, str] = field(default_factory=dict)  # where a name begins -> its type
    splats: list[Splat] = field(default_factory=list)
    dict_keys: list[DictKey] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    strings: list[tuple[int, int]] = field(default_factory=list)  # texts, docstrings left out
    self_named: list[tuple[int, int]] = field(default_factory=list)  # `{x=}` prints the name
    stars: list[str] = field(default_factory=list)
    imports: dict[int, str] = field(default_factory=dict)  # where a name begins -> what it imports
    streams: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)  # where a name begins -> its index
    visible: set[str] = field(default_factory=set)  # what a broken cell binds by its lines

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
    """The name as it counts in a class called `owner`, where `__x` is private; "" is no class."""
    stem = owner.lstrip("_")
    if stem and name.startswith("__") and not name.endswith("__"):
        return f"_{stem}{name}"
    return name
