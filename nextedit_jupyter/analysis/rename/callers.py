"""Where a function of the notebook is called, and with which keywords.

Calls by its name are certain. A function that is passed on, kept in a variable, wrapped or called
with `**` may be called with keywords elsewhere: those are found, and left to the user.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import chain

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex, Function, Keyword
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.classes import (
    ClassId,
    Family,
    class_at,
    class_called,
    class_of_name,
    class_of_object,
    class_with,
    classes_of,
    family_of,
    is_redefined,
    members,
    name_places,
    outside_bases,
)
from nextedit_jupyter.analysis.rename.plan import Change, Target, is_dunder
from nextedit_jupyter.analysis.rename.records import is_record

Starts = dict[str, set[int]]
"""Offsets of names in cells, by cell."""

_CONSTRUCTORS = frozenset(["__init__", "__new__"])
# What passes all keywords on to the function it takes, and has none of its own.
PARTIALS = frozenset(["partial", "partialmethod", "submit", "to_thread"])
# Decorators that keep a function's parameters and do not use their names.
_TRANSPARENT = frozenset(
    [
        "abstractmethod",
        "asynccontextmanager",
        "cache",
        "cached_property",
        "classmethod",
        "contextmanager",
        "final",
        "jit",
        "lru_cache",
        "njit",
        "override",
        "overload",
        "property",
        "setter",
        "staticmethod",
        "total_ordering",
        "wraps",
    ]
)
_IMPORTED = frozenset(["import", "member", "alias", "package"])


@dataclass(slots=True)
class Callers:
    """The places where a function is used by name, and what else may call it.

    `maybe` are places that may or may not refer to this function: several bases, a subclass that
    passes keywords on. `is_passed_on`: it is used other than by calling it.
    """

    starts: Starts = field(default_factory=dict)
    maybe: Starts = field(default_factory=dict)
    is_passed_on: bool = False
    is_method: bool = False
    decorators: tuple[str, ...] = ()

    def has(self, cell: str, place: int) -> bool:
        return place in self.starts.get(cell, ())


def calls_of(index: NotebookIndex, cell: str, function: Function) -> Starts:
    """The uses of a function's name by cell, as offsets of the name's first code point. A method is
    found through its class: `self.m`, `obj.m`; `__init__` through the class.
    """
    return callers_of(index, cell, function).starts


def callers_of(index: NotebookIndex, cell: str, function: Function) -> Callers:
    """The callers of a function; treat the result as frozen: it is cached."""
    key = cell, function.scope
    if key not in index.callers:
        index.callers[key] = _find_callers(index, cell, function)
    found: Callers = index.callers[key]
    return found


def _find_callers(index: NotebookIndex, cell: str, function: Function) -> Callers:
    here = index.cells[cell]
    i = here.starts.get(function.start)
    is_overload = i is not None and here.names[i].kind == "overload"
    found = Callers(decorators=() if is_overload else _opaque(function.decorators))
    if here.scopes[function.outer].kind != "class":
        for id, start in name_places(index, cell, function.start):
            found.starts.setdefault(id, set()).add(start)
    elif function.name in _CONSTRUCTORS:
        _constructor_calls(index, (cell, function.outer), function.name, found)
    else:
        found.is_method = True
        family = family_of(index, cell, function.outer)
        for id, start, _ in members(index, family, {function.name}):
            found.starts.setdefault(id, set()).add(start)
        if function.name == "__call__":
            for id, start in _objects_called(index, family):
                found.starts.setdefault(id, set()).add(start)
    is_implicit = is_dunder(function.name) and function.name not in _CONSTRUCTORS
    found.is_passed_on = (
        is_implicit
        or bool(found.decorators)
        or any(
            not _is_call(index.cells[id], start, function.name)
            for id, where in found.starts.items()
            for start in where
        )
    )
    return found


def _objects_called(index: NotebookIndex, family: Family) -> Iterator[tuple[str, int]]:
    """Where objects of the classes are called: `layer(x)`."""
    for id, there in index.readable():
        source = there.masked.source
        for i, name in enumerate(there.names):
            if name.op != "read" or source[name.end : name.end + 1] != "(":
                continue
            if class_of_name(index, id, i) == family and class_called(index, id, i) is None:
                yield id, name.start


def _opaque(decorators: tuple[str, ...]) -> tuple[str, ...]:
    """The decorators that may call the function by other names, or use its parameters' names."""
    names = (text.partition("(")[0].strip() for text in decorators)
    return tuple(name for name in names if name.rpartition(".")[2] not in _TRANSPARENT)


def unknown_decorators(function: Function) -> tuple[str, ...]:
    """The decorators of which it is not known what they do with the function."""
    return _opaque(function.decorators)


def told_by_name(index: NotebookIndex, changes: Collection[Change]) -> tuple[str, ...]:
    """Decorators and bases, defined in no cell, that may look up a renamed function or class by its
    name, as shown in a note. Those defined in a cell are analysed there.
    """
    places = {(change.cell, change.start) for change in changes}
    found: list[str] = []
    for id, here in index.readable():
        classes = [c for c in here.classes if (id, c.start) in places and not is_record(c)]
        decorators = [f.decorators for f in here.functions if (id, f.start) in places]
        names = _opaque(tuple(chain(*decorators, *(c.decorators for c in classes))))
        found += [f"`@{n}`" for n in names if n.partition(".")[0] not in index.functions]
        for owner in classes:
            bases = outside_bases(index, family_of(index, id, owner.scope))
            found += [f"`{base}`" for base, known in bases.items() if known is None]
    return tuple(dict.fromkeys(found))


def _is_call(here: CellIndex, start: int, name: str) -> bool:
    """Whether a name is called, defined, inherited from or used as an annotation there, so that
    nothing keeps a reference."""
    i = here.starts.get(start)
    if i is not None and here.names[i].op != "read":
        return True
    source = here.masked.source
    end = start
    while end < len(source) and (source[end].isalnum() or source[end] == "_"):
        end += 1
    while end < len(source) and source[end] in " \t":
        end += 1
    if source[end : end + 1] in ("(", "."):
        return True
    if i is None or name not in _CONSTRUCTORS:
        return False
    is_base = any(owner.end < start and _in_bases(here, owner.end, start) for owner in here.classes)
    return is_base or source[:start].rstrip().endswith((":", "->"))


def _in_bases(here: CellIndex, end: int, start: int) -> bool:
    between = here.masked.text[end:start]
    return between.lstrip().startswith("(") and ")" not in between


def _constructor_calls(index: NotebookIndex, owner: ClassId, method: str, found: Callers) -> None:
    """Calls that reach a class's `__init__`: of the class, of subclasses without their own,
    `super()`."""
    family = family_of(index, *owner)
    for id, kind in classes_of(index, family):
        resolved = class_with(index, (id, kind.scope), method)
        passes_on = resolved not in (owner, None, "") and _passes_on(index, resolved, method)
        if resolved == owner or resolved == "" or passes_on:
            named = list(name_places(index, id, kind.start))
            is_sure = resolved == owner and sum(_defines(index, *place) for place in named) == 1
            places = found.starts if is_sure else found.maybe
            for cell, start in named:
                places.setdefault(cell, set()).add(start)
    several = any(len(kind.bases) > 1 for _, kind in classes_of(index, family))
    for id, there in index.readable():
        for attribute in there.attributes:
            if attribute.name != method:
                continue
            reached = _class_asked(index, id, attribute.object, attribute.root, attribute.scope)
            if reached in (owner, ""):
                is_super = attribute.object == "super()"
                unsure = reached == "" or (is_super and several)
                places = found.maybe if unsure else found.starts
                places.setdefault(id, set()).add(attribute.start)
        for word in there.keywords:
            if _is_own_class(index, id, word, family):
                found.maybe.setdefault(id, set()).add(word.target)


def _defines(index: NotebookIndex, cell: str, start: int) -> bool:
    """Whether the name at a place is bound there: a name bound twice may mean either class."""
    here = index.cells[cell]
    return here.names[here.starts[start]].op == "write"


def _passes_on(index: NotebookIndex, owner: ClassId | str | None, method: str) -> bool:
    """Whether a class's own constructor takes `**kwargs`, which it may pass to its base."""
    if not isinstance(owner, tuple):
        return False
    cell, scope = owner
    return any(
        f.outer == scope and f.name == method and any(p.kind == "stars" for p in f.parameters)
        for f in index.cells[cell].functions
    )


def _class_asked(
    index: NotebookIndex, cell: str, text: str, root: int, scope: int
) -> ClassId | str | None:
    """The class whose constructor `super().__init__` or `Base.__init__` calls."""
    here = index.cells[cell]
    if text == "super()":
        around = next((s for s in here.enclosing(scope) if here.scopes[s].kind == "class"), None)
        owner = next((c for c in here.classes if c.scope == around), None)
        texts = [base for base in owner.bases if base in index.classes] if owner else []
        if any(is_redefined(index, base) for base in texts):
            return ""
        return class_with(index, index.classes[texts[0]], "__init__") if texts else None
    i = here.starts.get(root)
    if i is None or "." in text or "(" in text:
        return None
    named = class_at(index, cell, i)
    if named is not None and is_redefined(index, text):
        return ""
    return class_with(index, named, "__init__") if named else None


def _is_own_class(
    index: NotebookIndex, cell: str, word: Keyword, family: frozenset[ClassId]
) -> bool:
    """Whether a call is `cls(…)`, `type(self)(…)` or `self.__class__(…)` within the family."""
    here = index.cells[cell]
    if not any((cell, scope) in family for scope in here.enclosing(word.scope)):
        return False
    return not word.callee or word.callee == "cls" or word.callee.endswith("__class__")


def functions_called(
    index: NotebookIndex, cell: str, target: int
) -> Iterator[tuple[str, Function]]:
    """The notebook's functions that the callee whose name begins at `target` may be."""
    here = index.cells[cell]
    called = here.starts.get(target)
    text = (
        here.names[called].name
        if called is not None
        else next((a.name for a in here.attributes if a.start == target), None)
    )
    if text is None:
        return
    named = index.functions.get(text, [])
    if text in index.classes:
        named = [
            *named,
            *(pair for name in _CONSTRUCTORS for pair in index.functions.get(name, [])),
        ]
    for id, function in named:
        if target in calls_of(index, id, function).get(cell, ()):
            yield id, function


def parameter_of_keyword(index: NotebookIndex, cell: str, target: int, name: str) -> Target | None:
    """The parameter that a call's keyword names, if the function is in the notebook."""
    for id, function in functions_called(index, cell, target):
        for parameter in function.parameters:
            if parameter.name == name and parameter.kind not in ("star", "stars"):
                there = index.cells[id]
                for i in there.streams.get((function.scope, name), []):
                    if there.names[i].start == parameter.start:
                        return Target(name, [(id, i)])
    return None


def may_reach(
    index: NotebookIndex, cell: str, word: Keyword, callers: Callers, function: Function | None
) -> bool:
    """Whether a call that is not among the callers may still be a call of the function."""
    if word.target in callers.maybe.get(cell, ()):
        return True
    if any(callers.has(cell, place) for place in word.passed):
        return True
    is_plain = function is not None and not callers.is_method and function.name not in _CONSTRUCTORS
    if is_plain and word.target != word.root and callers.has(cell, word.root):
        return True  # `draw.delay(w=1)`: an attribute added by a decorator calls it
    if callers.is_method and word.callee.rpartition(".")[2] == "methodcaller":
        return True
    here = index.cells[cell]
    attribute = next((a for a in here.attributes if a.start == word.target), None)
    called = function.name if callers.is_method and function is not None else None
    if attribute is not None and attribute.name == called:
        known = class_of_object(index, cell, attribute) is not None
        return not known and not _is_module(index, cell, word)
    return callers.is_passed_on and not _is_known(index, cell, word)


def _is_module(index: NotebookIndex, cell: str, word: Keyword) -> bool:
    i = index.cells[cell].starts.get(word.root)
    return i is not None and bool(kinds := index.kinds_of(cell, i)) and kinds <= _IMPORTED


def _is_known(index: NotebookIndex, cell: str, word: Keyword) -> bool:
    """Whether the callee is certainly something else: imported, a builtin, or defined here."""
    here = index.cells[cell]
    i = here.starts.get(word.root)
    if not word.callee or i is None or word.callee.rpartition(".")[2] in PARTIALS:
        return False  # a callee that passes all keywords on says nothing about them
    kinds = index.kinds_of(cell, i)
    if not kinds and here.homes[i] == MODULE:
        return index.is_builtin(here.names[i].name)
    if word.target != word.root:
        if kinds <= _IMPORTED:
            return True
        attribute = next((a for a in here.attributes if a.start == word.target), None)
        family = class_of_object(index, cell, attribute) if attribute is not None else None
        return family is not None and _is_member_defined(
            index, family, word.callee.rpartition(".")[2]
        )
    if kinds <= _IMPORTED:
        return True
    return kinds <= _DEFINED and not _hands_on(index, cell, word)


_DEFINED = frozenset(["function", "overload", "class"])


def _is_member_defined(index: NotebookIndex, family: frozenset[ClassId], name: str) -> bool:
    """Whether classes define a member themselves, not as the result of a call on another one."""
    bound = [
        index.cells[id].names[i]
        for id, owner in classes_of(index, family)
        for i in index.cells[id].streams.get((owner.scope, name), ())
    ]
    return bool(bound) and all(one.op == "read" or one.kind in _DEFINED for one in bound)


def _hands_on(index: NotebookIndex, cell: str, word: Keyword) -> bool:
    """Whether the called function may pass the keyword on: it is wrapped, or takes `**kwargs`."""
    return any(
        _opaque(function.decorators)
        or (
            any(p.kind == "stars" for p in function.parameters)
            and all(p.name != word.name for p in function.parameters)
        )
        for _, function in functions_called(index, cell, word.target)
    )
