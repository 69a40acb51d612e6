"""Renames: what a name at a place stands for, every place that has to follow, and what forbids it.

`plan_rename` serves the explicit command; `detect` recognises a rename in the last edits and plans
what is left of it.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from nextedit_jupyter.analysis.bindings import (
    MODULE,
    Attribute,
    CellIndex,
    Class,
    Function,
    normalised,
)
from nextedit_jupyter.analysis.index import NotebookIndex, Place, index_notebook
from nextedit_jupyter.core import (
    CellEdit,
    KernelFacts,
    Notebook,
    Replacement,
    Silence,
    TextEdit,
)

NO_NAME = "there is no name at the caret"

SymbolKind = Literal["variable", "function", "class", "parameter", "attribute", "import", "column"]


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """The code points from `start` to `end` of a cell become `text`."""

    cell: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class RenamePlan:
    """Every place that follows a rename, in the texts of `notebook`.

    `optional` are places that are left alone unless the person asks for them: mentions in
    Markdown, the same name defined anew. `notes` say what was left alone and why. `also` holds
    the other names of a plan that renames several at once.
    """

    kind: SymbolKind
    old: str
    new: str
    notebook: Notebook
    changes: tuple[Change, ...]
    optional: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    confidence: float = 0.99
    also: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        cells = len({change.cell for change in self.changes})
        if self.also:
            pairs = ", ".join(f"{a} to {b}" for a, b in ((self.old, self.new), *self.also))
            return f"rename {pairs}: {places(len(self.changes), cells)}"
        what = "column " if self.kind == "column" else ""
        return f"rename {what}{self.old} to {self.new}: {places(len(self.changes), cells)}"

    def edits(self) -> tuple[CellEdit, ...]:
        return cell_edits(self.notebook, self.changes)

    def optional_edits(self) -> tuple[CellEdit, ...]:
        return cell_edits(self.notebook, self.optional)


def places(count: int, cells: int) -> str:
    """ "3 places in 2 cells"."""
    return f"{count} place{'s' * (count != 1)} in {cells} cell{'s' * (cells != 1)}"


def cell_edits(notebook: Notebook, changes: Iterable[Change]) -> tuple[CellEdit, ...]:
    """One edit a cell, in document order, each made for the cell's text in `notebook`."""
    by_cell: dict[str, list[Replacement]] = {}
    for change in changes:
        by_cell.setdefault(change.cell, []).append(
            Replacement(change.start, change.end, change.text)
        )
    return tuple(
        CellEdit.of(cell.id, cell.source, TextEdit.of(by_cell[cell.id]))
        for cell in notebook.cells
        if cell.id in by_cell
    )


@dataclass(slots=True)
class Target:
    """What is renamed: a variable by its places, or an attribute of classes by its name."""

    name: str
    seeds: list[Place] = field(default_factory=list)
    family: frozenset[tuple[str, int]] | None = None  # (cell, class scope)

    @property
    def is_attribute(self) -> bool:
        return self.family is not None


def refuse_name(new: str) -> Silence | None:
    """Why no name may be spelt so; None if it may."""
    if not new.isidentifier():
        return Silence("refused", f"`{new}` is not a name")
    if keyword.iskeyword(normalised(new)):
        return Silence("refused", f"`{new}` is a keyword")
    if hasattr(builtins, normalised(new)):
        return Silence("refused", f"`{new}` is a builtin")
    return None


def plan_rename(
    notebook: Notebook, facts: KernelFacts, cell: str, offset: int, new_name: str
) -> RenamePlan | Silence:
    """Rename what stands at `offset` of `cell`, wherever it is the same; or say why not."""
    index = index_notebook(notebook, facts)
    here = index.cells.get(cell)
    if here is None or not here.is_python:
        return Silence("refused", "there is no Python at the caret")
    if here.broken:
        return Silence("refused", f"cell {index.number(cell)} does not parse")
    target = target_at(index, cell, offset)
    if isinstance(target, Silence):
        return target
    return plan(index, target, new_name)


def target_at(index: NotebookIndex, cell: str, offset: int) -> Target | Silence:
    """What the name at or just before `offset` stands for."""
    here = index.cells[cell]
    if (i := here.name_at(offset)) is not None:
        return target_of_name(index, (cell, i))
    for attribute in here.attributes:
        if attribute.start <= offset <= attribute.end:
            return target_of_attribute(index, cell, attribute)
    for word in here.keywords:
        if word.start <= offset <= word.end:
            found = parameter_of_keyword(index, cell, word.target, word.name)
            if found is None:
                return Silence(
                    "refused", f"`{word.callee or 'the callee'}` is not defined in this notebook"
                )
            return found
    return Silence("refused", NO_NAME)


def target_of_name(index: NotebookIndex, place: Place) -> Target:
    cell, i = place
    here = index.cells[cell]
    name, home = here.names[i], here.homes[i]
    if here.scopes[home].kind == "class":
        return Target(name.name, [place], family_of(index, cell, home))
    return Target(name.name, [place])


def target_of_attribute(index: NotebookIndex, cell: str, attribute: Attribute) -> Target | Silence:
    family = class_of_object(index, cell, attribute)
    if family is None:
        return Silence("refused", f"what `.{attribute.name}` belongs to is not known")
    if not any(name == attribute.name for _, _, name in _members(index, family, {attribute.name})):
        return Silence("refused", f"`.{attribute.name}` is not defined in this notebook")
    return Target(attribute.name, [], family)


def plan(
    index: NotebookIndex,
    target: Target,
    new: str,
    *,
    edited: Collection[Place] = (),
    ran: bool = False,
) -> RenamePlan | Silence:
    """Every place that follows when `target` becomes `new`, or the reason why none may.

    `edited` are the places that were changed by hand, as in `NotebookIndex.web`. `ran` says that
    the kernel may know the new name because a renamed cell ran already.
    """
    if normalised(new) == target.name:
        return Silence("no_change", "that is its name already")
    if refusal := refuse_name(new):
        return refusal
    if target.is_attribute:
        return _plan_attribute(index, target, new)
    return _Planner(index, target, new, edited, ran).plan()


class _Planner:
    """A rename of a variable, function, class, parameter or import."""

    def __init__(
        self,
        index: NotebookIndex,
        target: Target,
        new: str,
        edited: Collection[Place],
        ran: bool,
    ) -> None:
        self.index, self.target, self.new = index, target, new
        self.edited, self.ran = edited, ran
        self.changes: set[Change] = set()
        self.optional: set[Change] = set()
        self.notes: list[str] = []

    def plan(self) -> RenamePlan | Silence:
        index, target = self.index, self.target
        cell, first = target.seeds[0]
        here = index.cells[cell]
        home = here.homes[first]
        web = index.web(target.seeds, edited=self.edited)
        kinds = {
            index.cells[id].names[i].kind
            for id, i in web
            if index.cells[id].names[i].op in ("write", "update")
        }
        if not kinds and home == MODULE:
            if hasattr(builtins, target.name):
                return Silence("refused", f"`{target.name}` is a builtin")
            return Silence("refused", f"`{target.name}` is not defined in this notebook")
        if "package" in kinds:
            return Silence(
                "refused", f"`import {target.name}.…` binds `{target.name}`: give it an alias first"
            )
        if refusal := self.collision(web, home, cell):
            return refusal
        for id, i in web:
            self.changes.add(self.change(id, i))
        kind = symbol_kind(kinds)
        if kind == "parameter" and (refusal := self.callers(web)):
            return refusal
        if home == MODULE:
            self.left_alone(set(web))
            if any(known.name == target.name for known in index.facts.names):
                self.notes.append(f"`{target.name}` still exists in the kernel")
        self.broken_cells()
        self.optional |= set(mentions(index, target.name, self.new))
        return RenamePlan(
            kind,
            target.name,
            self.new,
            index.notebook,
            tuple(_ordered(index, self.changes)),
            tuple(_ordered(index, self.optional - self.changes)),
            tuple(self.notes),
        )

    def change(self, cell: str, i: int) -> Change:
        name = self.index.cells[cell].names[i]
        text = self.new
        if name.kind in ("import", "member") and name.op == "write":
            source = self.index.cell(cell).source
            text = f"{source[name.start : name.end]} as {self.new}"
        return Change(cell, name.start, name.end, text)

    def collision(self, web: list[Place], home: int, cell: str) -> Silence | None:
        """Why `new` can't stand where the old name does."""
        index, new = self.index, normalised(self.new)
        if home == MODULE:
            taken = index.module_places(new)
            if taken and not self.apart(web, taken):
                id = next(iter(taken))
                return Silence("refused", f"`{self.new}` exists already: cell {index.number(id)}")
            if not taken and not self.ran and index.facts.named(new) is not None:
                if index.stars:
                    return Silence("refused", f"`{self.new}` exists already in the kernel")
                self.notes.append(f"`{self.new}` already exists in the kernel")
        else:
            here = index.cells[cell]
            if (home, new) in here.streams:
                return Silence(
                    "refused", f"`{self.new}` exists already: {_where(here, home, index, cell)}"
                )
            for i, name in enumerate(here.names):
                if name.name == new and here.homes[i] != home and _passes(here, i, home):
                    return Silence(
                        "refused",
                        f"`{self.new}` is used in {_where(here, home, index, cell)} already",
                    )
        for id, i in web:
            there = index.cells[id]
            for scope in there.enclosing(there.names[i].scope):
                if scope == there.homes[i]:
                    break
                inner = there.scopes[scope]
                if inner.kind == "class" and scope != there.names[i].scope:
                    continue
                if new in inner.binds or new in inner.globals:
                    return Silence(
                        "refused",
                        f"`{self.new}` would be captured: {_where(there, scope, index, id)}"
                        " has that name",
                    )
        return None

    def apart(self, web: list[Place], taken: dict[str, list[int]]) -> bool:
        """Whether both names live and die each in cells of its own, as loop variables do."""
        mine = {id for id, _ in web}
        if len(mine) != 1 or mine & taken.keys():
            return False
        (cell,) = mine
        if not self._is_private(cell, self.index.module_places(self.target.name)[cell], web):
            return False
        return all(self._is_private(id, places, None) for id, places in taken.items())

    def _is_private(self, cell: str, places: list[int], web: list[Place] | None) -> bool:
        """Whether the cell's uses see definitions of the cell alone, and no function keeps it."""
        index = self.index.cells[cell]
        names = [index.names[i] for i in places if web is None or (cell, i) in set(web)]
        if not names or names[0].op != "write":
            return False
        first = names[0]
        if any(index.is_late(i) for i in places):
            return False
        # The first definition must run whenever a use does: the same branch, or an outer one.
        return all(name.path[: len(first.path)] == first.path for name in names)

    def callers(self, web: list[Place]) -> Silence | None:
        """Keywords of the calls to the function whose parameter is renamed.

        A call may reach another definition of the function, in a branch or a subclass: its
        parameter of that name follows, or nothing does.
        """
        index, old = self.index, self.target.name
        owners = {
            (id, index.cells[id].homes[i])
            for id, i in web
            if index.cells[id].names[i].kind == "parameter"
        }
        todo = list(owners)
        while todo:
            id, scope = todo.pop()
            function = next((f for f in index.cells[id].functions if f.scope == scope), None)
            if function is None:
                continue
            starts = calls_of(index, id, function)
            self.changes |= set(keyword_places(index, starts, old, self.new))
            for other_id, where in starts.items():
                for other in index.cells[other_id].functions:
                    twin = other_id, other.scope
                    if (
                        other.start not in where
                        or twin in owners
                        or other.name != function.name
                        or all(p.name != old for p in other.parameters)
                    ):
                        continue
                    owners.add(twin)
                    todo.append(twin)
                    places = index.cells[other_id].streams[other.scope, old]
                    same = [(other_id, i) for i in places]
                    if refusal := self.collision(same, other.scope, other_id):
                        return refusal
                    self.changes |= {self.change(*place) for place in same}
        return None

    def left_alone(self, web: set[Place]) -> None:
        """The same name where it is another variable: listed, not chosen."""
        index = self.index
        cells: list[int] = []
        for id, places in index.module_places(self.target.name).items():
            others = [i for i in places if (id, i) not in web]
            if others:
                cells.append(index.number(id))
                self.optional |= {self.change(id, i) for i in others}
        if cells:
            self.notes.append(f"another `{self.target.name}` in {_cells(cells)}: left alone")

    def broken_cells(self) -> None:
        self.notes += broken_notes(self.index, self.target.name)


def broken_notes(index: NotebookIndex, name: str) -> list[str]:
    """Which cells that have this word were left out because they don't parse."""
    word = _word(name)
    left = [index.number(id) for id, _ in index.broken() if word.search(index.cell(id).source)]
    if not left:
        return []
    return [f"{_cells(left)} do{'es' * (len(left) == 1)} not parse: left out"]


def _cells(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:5])) + (" and more" if len(numbers) > 5 else "")
    return f"cell{'s' * (len(numbers) != 1)} {shown}"


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")


def symbol_kind(kinds: set[str]) -> SymbolKind:
    if "parameter" in kinds:
        return "parameter"
    if "function" in kinds:
        return "function"
    if "class" in kinds:
        return "class"
    if kinds and kinds <= {"import", "alias", "member", "package"}:
        return "import"
    return "variable"


def _where(index: CellIndex, scope: int, notebook: NotebookIndex, cell: str) -> str:
    here = index.scopes[scope]
    what = {
        "function": f"`{here.name}`",
        "class": f"class `{here.name}`",
        "lambda": "a lambda",
        "comprehension": "a comprehension",
        "type": "a type",
        "module": "the notebook",
    }[here.kind]
    return f"{what} in cell {notebook.number(cell)}"


def _passes(index: CellIndex, i: int, home: int) -> bool:
    """Whether the lookup of a name passes through the scope `home` on its way out."""
    for scope in index.enclosing(index.names[i].scope):
        if scope == index.homes[i]:
            return False
        if scope == home:
            return index.scopes[home].kind != "class" or index.names[i].scope == home
    return False


def _ordered(index: NotebookIndex, changes: Iterable[Change]) -> Iterator[Change]:
    order = {cell.id: i for i, cell in enumerate(index.notebook.cells)}
    return iter(sorted(changes, key=lambda change: (order[change.cell], change.start)))


# Words of prose that are also names: in Markdown they count within backticks alone.
_PROSE = frozenset(
    [
        "a",
        "i",
        "an",
        "the",
        "is",
        "in",
        "on",
        "of",
        "to",
        "at",
        "by",
        "as",
        "it",
        "we",
        "no",
        "so",
        "or",
        "and",
        "for",
        "if",
        "not",
        "be",
        "do",
        "up",
        "all",
        "any",
        "one",
        "two",
        "this",
        "that",
        "with",
        "from",
        "was",
        "are",
        "can",
        "has",
        "have",
        "its",
        "but",
        "use",
        "used",
        "using",
    ]
)


def mentions(index: NotebookIndex, old: str, new: str) -> Iterator[Change]:
    """The name as a word in Markdown cells."""
    word = _word(old)
    if old.lower() in _PROSE:
        word = re.compile(rf"(?<=`){re.escape(old)}(?=`)")
    for cell in index.notebook.cells:
        if cell.type == "markdown":
            for found in word.finditer(cell.source):
                yield Change(cell.id, found.start(), found.end(), new)


# Functions, their parameters and their callers.


def calls_of(index: NotebookIndex, cell: str, function: Function) -> dict[str, set[int]]:
    """Where a function's name stands when it is used, by cell: offsets of the name's first code
    point. A method is found through its class: `self.m`, `obj.m`; `__init__` through the class.
    """
    here = index.cells[cell]
    found: dict[str, set[int]] = {}
    if here.scopes[function.outer].kind == "class":
        family = family_of(index, cell, function.outer)
        if function.name in ("__init__", "__new__"):
            for id, scope in family:
                for owner in index.cells[id].classes:
                    if owner.scope == scope:
                        for place in _name_places(index, id, owner.start):
                            found.setdefault(place[0], set()).add(place[1])
            return found
        for id, start, name in _members(index, family, {function.name}):
            if name == function.name:
                found.setdefault(id, set()).add(start)
        return found
    for id, start in _name_places(index, cell, function.start):
        found.setdefault(id, set()).add(start)
    return found


def _name_places(index: NotebookIndex, cell: str, start: int) -> Iterator[tuple[str, int]]:
    here = index.cells[cell]
    i = here.starts.get(start)
    if i is None:
        return
    for id, j in index.web([(cell, i)]):
        yield id, index.cells[id].names[j].start


def keyword_places(
    index: NotebookIndex, starts: dict[str, set[int]], old: str, new: str
) -> Iterator[Change]:
    """`old=` in the calls of a function, whose name stands at `starts`."""
    for id, where in starts.items():
        for word in index.cells[id].keywords:
            if word.name == old and word.target in where:
                yield Change(id, word.start, word.end, new)


def functions_called(
    index: NotebookIndex, cell: str, target: int
) -> Iterator[tuple[str, Function]]:
    """The functions of the notebook that a callee, whose name begins at `target`, may be."""
    here = index.cells[cell]
    called = here.starts.get(target)
    text = (
        here.names[called].name
        if called is not None
        else next((a.name for a in here.attributes if a.start == target), None)
    )
    if text is None:
        return
    for id, there in index.readable():
        for function in there.functions:
            is_init = function.name == "__init__" and any(
                owner.scope == function.outer and owner.name == text for owner in there.classes
            )
            if (function.name == text or is_init) and target in calls_of(index, id, function).get(
                cell, ()
            ):
                yield id, function


def parameter_of_keyword(index: NotebookIndex, cell: str, target: int, name: str) -> Target | None:
    """The parameter that a call's keyword names, if the function stands in the notebook."""
    for id, function in functions_called(index, cell, target):
        for parameter in function.parameters:
            if parameter.name == name and parameter.kind not in ("star", "stars"):
                there = index.cells[id]
                for i in there.streams.get((function.scope, name), []):
                    if there.names[i].start == parameter.start:
                        return Target(name, [(id, i)])
    return None


# Classes and their attributes.


def family_of(index: NotebookIndex, cell: str, scope: int) -> frozenset[tuple[str, int]]:
    """The class with the notebook's classes that it inherits from, or that inherit from it."""
    if (known := index.families.get((cell, scope))) is not None:
        return known
    everything = [(id, owner) for id, there in index.readable() for owner in there.classes]
    by_name: dict[str, list[tuple[str, Class]]] = {}
    for id, owner in everything:
        by_name.setdefault(owner.name, []).append((id, owner))
    edges: dict[tuple[str, int], set[tuple[str, int]]] = {}
    for id, owner in everything:
        # A class that is defined anew in another cell is the same class to its instances.
        for twin_id, twin in by_name[owner.name]:
            if twin.outer == owner.outer == MODULE:
                edges.setdefault((id, owner.scope), set()).add((twin_id, twin.scope))
        for base in owner.bases:
            for base_id, base_owner in by_name.get(base, []):
                a, b = (id, owner.scope), (base_id, base_owner.scope)
                edges.setdefault(a, set()).add(b)
                edges.setdefault(b, set()).add(a)
    family, todo = {(cell, scope)}, [(cell, scope)]
    while todo:
        for other in edges.get(todo.pop(), ()):
            if other not in family:
                family.add(other)
                todo.append(other)
    found = frozenset(family)
    index.families |= dict.fromkeys(found, found)
    return found


def class_of_object(
    index: NotebookIndex, cell: str, attribute: Attribute
) -> frozenset[tuple[str, int]] | None:
    """The family of the class that `object` in `object.name` is, or is an instance of."""
    if not attribute.object or "." in attribute.object:
        return None
    here = index.cells[cell]
    if attribute.object == "super()":
        for scope in here.enclosing(attribute.scope):
            if here.scopes[scope].kind == "class":
                return family_of(index, cell, scope)
        return None
    if attribute.object.endswith("()"):
        owner = _class_named(index, attribute.object[:-2])
        return family_of(index, *owner) if owner else None
    i = here.starts.get(attribute.root)
    if i is None:
        return None
    home = here.homes[i]
    if here.scopes[home].kind == "function":
        function = next((f for f in here.functions if f.scope == home), None)
        if (
            function is not None
            and function.parameters
            and function.parameters[0].name == normalised(attribute.object)
            and here.scopes[function.outer].kind == "class"
            and not any("staticmethod" in d for d in function.decorators)
        ):
            return family_of(index, cell, function.outer)
    owner = _class_named(index, attribute.object)
    if owner is None:
        made = here.instances.get(attribute.object) if home != MODULE else None
        if home == MODULE:
            made = _made_of(index, attribute.object)
        owner = _class_named(index, made) if made else None
    return family_of(index, *owner) if owner else None


def _made_of(index: NotebookIndex, name: str) -> str | None:
    """The class whose call every definition of a name is; or what the kernel says."""
    known = index.facts.named(name)
    if known is not None and known.type.startswith("__main__."):
        return known.type.rpartition(".")[2]
    return index.made_of.get(name) or None


def _class_named(index: NotebookIndex, name: str) -> tuple[str, int] | None:
    return index.classes.get(name)


def _members(
    index: NotebookIndex, family: frozenset[tuple[str, int]], wanted: Collection[str]
) -> Iterator[tuple[str, int, str]]:
    """Every place of these attributes of the classes: cell, where the name begins, the name."""
    for id, there in index.readable():
        for attribute in there.attributes:
            if attribute.name in wanted and class_of_object(index, id, attribute) == family:
                yield id, attribute.start, attribute.name
        scopes = {scope for cell, scope in family if cell == id}
        for i, name in enumerate(there.names):
            if name.name in wanted and there.homes[i] in scopes:
                yield id, name.start, name.name


def _plan_attribute(index: NotebookIndex, target: Target, new: str) -> RenamePlan | Silence:
    assert target.family is not None
    old, plain = target.name, normalised(new)
    members = list(_members(index, target.family, {old, plain}))
    owners = [
        owner.name
        for id, scope in target.family
        for owner in index.cells[id].classes
        if owner.scope == scope
    ]
    for id, _, name in members:
        if name == plain:
            return Silence(
                "refused", f"`{new}` exists already in class `{owners[0]}`: cell {index.number(id)}"
            )
    if re.fullmatch(r"__\w+__", old):
        return Silence("refused", f"`{old}` has a meaning to Python")
    changes = {
        Change(id, start, start + len(_spelt(index, id, start)), new)
        for id, start, name in members
        if name == old
    }
    notes: list[str] = []
    for id, scope in target.family:
        there = index.cells[id]
        for owner in there.classes:
            is_record = any("dataclass" in d or d.startswith("attr") for d in owner.decorators)
            if owner.scope == scope and (
                is_record or any(b in ("NamedTuple", "BaseModel", "TypedDict") for b in owner.bases)
            ):
                starts: dict[str, set[int]] = {}
                for cell, start in _name_places(index, id, owner.start):
                    starts.setdefault(cell, set()).add(start)
                for cell, where in starts.items():
                    for word in index.cells[cell].keywords:
                        if word.name == old and word.target in where:
                            changes.add(Change(cell, word.start, word.end, new))
    unknown = {
        Change(id, a.start, a.end, new)
        for id, there in index.readable()
        for a in there.attributes
        if a.name == old and class_of_object(index, id, a) is None
    } - changes
    if unknown:
        count = len(unknown)
        notes.append(
            f"{count} place{'s' * (count != 1)} `.{old}` of objects whose class is not known:"
            " left alone"
        )
    notes += broken_notes(index, old)
    optional = unknown | set(mentions(index, old, new))
    return RenamePlan(
        "attribute",
        old,
        new,
        index.notebook,
        tuple(_ordered(index, changes)),
        tuple(_ordered(index, optional)),
        tuple(notes),
    )


def _spelt(index: NotebookIndex, cell: str, start: int) -> str:
    """The name as it is written at `start`."""
    found = re.compile(r"\w+").match(index.cell(cell).source, start)
    return found[0] if found else ""
