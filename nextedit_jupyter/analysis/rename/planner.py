"""Every place that follows a rename, and what forbids it."""

from __future__ import annotations

import builtins
from collections.abc import Collection

from nextedit_jupyter.analysis.bindings import MODULE, Attribute, CellIndex, normalised
from nextedit_jupyter.analysis.index import NotebookIndex, Place, index_notebook
from nextedit_jupyter.analysis.rename.callers import calls_of, keyword_places, parameter_of_keyword
from nextedit_jupyter.analysis.rename.classes import (
    class_of_object,
    family_of,
    members,
    plan_attribute,
)
from nextedit_jupyter.analysis.rename.plan import (
    NO_NAME,
    Change,
    RenamePlan,
    Target,
    broken_notes,
    listed_cells,
    mentions,
    ordered,
    refuse_name,
    symbol_kind,
)
from nextedit_jupyter.core import KernelFacts, Notebook, Silence


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
    if not any(name == attribute.name for _, _, name in members(index, family, {attribute.name})):
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
        return plan_attribute(index, target, new)
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
            tuple(ordered(index, self.changes)),
            tuple(ordered(index, self.optional - self.changes)),
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
            self.notes.append(f"another `{self.target.name}` in {listed_cells(cells)}: left alone")

    def broken_cells(self) -> None:
        self.notes += broken_notes(self.index, self.target.name)


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
