"""Plans a rename: every place that changes, or what forbids it."""

from __future__ import annotations

import builtins
from collections.abc import Collection

from nextedit_jupyter.analysis.bindings import (
    MODULE,
    Attribute,
    CellIndex,
    Function,
    mangled,
    normalised,
)
from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.flow import Place
from nextedit_jupyter.analysis.index import NotebookIndex, index_notebook
from nextedit_jupyter.analysis.rename.attributes import plan_attribute
from nextedit_jupyter.analysis.rename.callers import (
    Callers,
    callers_of,
    parameter_of_keyword,
    told_by_name,
)
from nextedit_jupyter.analysis.rename.class_notes import class_name_notes
from nextedit_jupyter.analysis.rename.classes import (
    base_notes,
    class_of_object,
    family_of,
    is_defined,
    protocol_notes,
)
from nextedit_jupyter.analysis.rename.elsewhere import kept_note, mentions_elsewhere
from nextedit_jupyter.analysis.rename.filled_parameters import filled_notes, parameters_filled_by
from nextedit_jupyter.analysis.rename.parameters import keyword_places
from nextedit_jupyter.analysis.rename.plan import (
    NO_NAME,
    Change,
    RenamePlan,
    SymbolKind,
    Target,
    another_left_alone,
    broken_notes,
    listed_cells,
    mentions,
    mentions_in_docstrings,
    ordered,
    refuse_name,
    refuse_private,
    symbol_kind,
    without,
)
from nextedit_jupyter.analysis.rename.records import record_of_keyword
from nextedit_jupyter.analysis.rename.shell_lines import passed_on
from nextedit_jupyter.analysis.rename.textual import (
    is_spelt_elsewhere,
    printed_names,
    reader_note,
    readers_of,
    shown_note,
    words_in_strings,
)
from nextedit_jupyter.core import KernelFacts, Notebook, Silence


def plan_rename(
    notebook: Notebook, facts: KernelFacts, cell: str, offset: int, new_name: str
) -> RenamePlan | Silence:
    """Rename what is at `offset` of `cell`, everywhere; or say why not."""
    index = index_notebook(notebook, facts)
    here = index.cells.get(cell)
    if here is None or not (here.is_python or here.name_at(offset) is not None):
        return Silence("refused", "there is no Python at the caret")
    if here.broken:
        return Silence("refused", f"cell {index.number(cell)} does not parse")
    target = target_at(index, cell, offset)
    if isinstance(target, Silence):
        return target
    return plan(index, target, new_name, on_command=True)


def target_at(index: NotebookIndex, cell: str, offset: int) -> Target | Silence:
    """What the name at or just before `offset` refers to."""
    here = index.cells[cell]
    if (i := here.name_at(offset)) is not None:
        return target_of_name(index, (cell, i))
    for attribute in here.attributes:
        if attribute.start <= offset <= attribute.end:
            return target_of_attribute(index, cell, attribute)
    for word in here.keywords:
        if word.start <= offset <= word.end:
            found = parameter_of_keyword(index, cell, word.target, word.name)
            if found is None and (family := record_of_keyword(index, cell, word)):
                return Target(word.name, [], family)
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
    if not is_defined(index, family, attribute.name):
        return Silence("refused", f"`.{attribute.name}` is not defined in this notebook")
    return Target(attribute.name, [], family)


def plan(
    index: NotebookIndex,
    target: Target,
    new: str,
    *,
    edited: Collection[Place] = (),
    ran: bool = False,
    on_command: bool = False,
) -> RenamePlan | Silence:
    """Every place that changes when `target` becomes `new`, or the reason why none may.

    `edited` are the places that were changed by hand, as in `NotebookIndex.references`. `ran`: the
    kernel may know the new name because a renamed cell already ran. `on_command`: the user asked
    for it, so uses without a definition may be renamed too.
    """
    if normalised(new) == target.name:
        return Silence("no_change", "it already has that name")
    if refusal := refuse_name(new):
        return refusal
    if target.is_attribute:
        return plan_attribute(index, target, new)
    return _Planner(index, target, new, edited, ran, on_command).plan()


class _Planner:
    """A rename of a variable, function, class, parameter or import."""

    def __init__(
        self,
        index: NotebookIndex,
        target: Target,
        new: str,
        edited: Collection[Place],
        ran: bool,
        on_command: bool,
    ) -> None:
        self.index, self.target, self.new = index, target, new
        self.on_command = on_command
        self.edited, self.ran = edited, ran
        self.changes: set[Change] = set()
        self.optional: set[Change] = set()
        self.notes: list[str] = []
        self.counting: list[str] = []

    def plan(self) -> RenamePlan | Silence:
        index, target = self.index, self.target
        cell, first = target.seeds[0]
        home = index.cells[cell].homes[first]
        web = index.references(target.seeds, edited=self.edited)
        spend(2 * len(web))  # each place is looked at, written and judged
        kinds = {
            index.cells[id].names[i].kind
            for id, i in web
            if index.cells[id].names[i].op in ("write", "update")
        }
        is_left_over = home == MODULE and not kinds
        if refusal := self.undefined(web, kinds, home) or self.collision(
            web, home, cell, is_left_over
        ):
            return refusal
        self.changes |= {self.change(id, i) for id, i in web}
        if home == MODULE and (lines := passed_on(index, self.changes)):
            self.changes -= lines
            self.optional |= lines
        kind = symbol_kind(kinds)
        if kind == "parameter" and (refusal := self.callers(web)):
            return refusal
        if kind == "function":
            self.parameters_filled(web)
        if refusal := refuse_private(index, self.changes, self.new):
            return refusal
        if home == MODULE:
            self.left_alone(set(web))
            self.stars(web)
            if kinds & {"variable", "with", "walrus", "magic", "loop"}:
                self.in_other_languages()
            if note := kept_note(index, self.changes):
                self.notes.append(note)
            if any(known.name == target.name for known in index.facts.names):
                self.notes.append(f"`{target.name}` still exists in the kernel")
        self.as_text(kind, (cell, home))
        self.in_documents(kind, web)
        self.notes += broken_notes(index, target.name)
        return RenamePlan(
            kind,
            self.old,
            self.new,
            index.notebook,
            tuple(ordered(index, self.changes)),
            tuple(ordered(index, without(self.optional, self.changes))),
            tuple(dict.fromkeys(self.notes)),
            counting=tuple(self.counting),
        )

    @property
    def old(self) -> str:
        """The name as written: `__x` in a class counts as a different one."""
        cell, i = self.target.seeds[0]
        name = self.index.cells[cell].names[i]
        written = normalised(self.index.cell(cell).source[name.start : name.end])
        return written if name.name.endswith(written) else name.name

    def undefined(self, web: list[Place], kinds: set[str], home: int) -> Silence | None:
        """Why the name cannot be renamed because of its definition, or because it has none."""
        index, name = self.index, self.target.name
        if not kinds and home == MODULE:
            if hasattr(builtins, name):
                return Silence("refused", f"`{name}` is a builtin")
            if index.broken_binds(name) or not self.on_command:
                return Silence("refused", f"`{name}` is not defined in this notebook")
            self.notes.append(f"no cell defines `{name}`")
        if "package" in kinds:
            return Silence("refused", f"`import {name}.…` binds `{name}`: give it an alias first")
        if home == MODULE and kinds and hasattr(builtins, name) and index.meets_unbound(web):
            return Silence("refused", f"some uses of `{name}` mean the builtin")
        if self.new == "_" and kinds & {"match", "class"}:
            return Silence("refused", "`_` in a pattern matches anything and binds nothing")
        return None

    def change(self, cell: str, i: int) -> Change:
        name = self.index.cells[cell].names[i]
        source = self.index.cell(cell).source
        if name.kind in ("import", "member") and name.op == "write":
            text = f"{source[name.start : name.end]} as {self.new}"
            return Change(cell, name.start, name.end, text)
        own = f"{self.new} as "
        before = source[: name.start]
        if name.kind == "alias" and before.endswith((f" {own}", f",{own}", f"({own}")):
            return Change(cell, name.start - len(" as "), name.end, "")  # its own name again
        return Change(cell, name.start, name.end, self.new)

    def collision(
        self, web: list[Place], home: int, cell: str, is_left_over: bool = False
    ) -> Silence | None:
        """Why `new` cannot replace the old name.

        A left-over use, whose definition is gone, may become an existing name.
        """
        index, new = self.index, normalised(self.new)
        if home == MODULE and not is_left_over:
            taken = index.module_places(new)
            if taken and self.is_awaited(taken):
                waiting = listed_cells([index.number(id) for id in taken])
                self.notes.append(f"`{self.new}` is already used in {waiting}: nothing defines it")
            elif taken and not self.apart(web, taken):
                id = next(iter(taken))
                return Silence("refused", f"`{self.new}` already exists: cell {index.number(id)}")
            if not taken and not self.ran and index.facts.named(new) is not None:
                if index.stars:
                    return Silence("refused", f"`{self.new}` already exists in the kernel")
                self.notes.append(f"`{self.new}` already exists in the kernel")
        elif home != MODULE:
            here = index.cells[cell]
            new = mangled(new, here.class_around(home))
            if (home, new) in here.streams:
                return Silence(
                    "refused", f"`{self.new}` already exists: {_where(here, home, index, cell)}"
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

    def is_awaited(self, taken: dict[str, list[int]]) -> bool:
        """Whether the new name is so far only used, and nothing known defines it."""
        index, new = self.index, normalised(self.new)
        return (
            not index.stars
            and index.facts.named(new) is None
            and not index.broken_binds(new)
            and all(
                index.cells[id].names[i].op == "read" for id, where in taken.items() for i in where
            )
        )

    def apart(self, web: list[Place], taken: dict[str, list[int]]) -> bool:
        """Whether each of the names is private to different cells, as loop variables are."""
        mine = {id for id, _ in web}
        if len(mine) != 1 or mine & taken.keys():
            return False
        (cell,) = mine
        if not self._is_private(cell, self.index.module_places(self.target.name)[cell], web):
            return False
        return all(self._is_private(id, places, None) for id, places in taken.items())

    def _is_private(self, cell: str, places: list[int], web: list[Place] | None) -> bool:
        """Whether the cell's uses see only definitions in the cell, and no function keeps it."""
        index = self.index.cells[cell]
        names = [index.names[i] for i in places if web is None or (cell, i) in set(web)]
        if not names or names[0].op != "write":
            return False
        first = names[0]
        if any(index.is_deferred(i) for i in places):
            return False
        # The first definition must run whenever a use does: in the same branch or an outer one.
        return all(name.path[: len(first.path)] == first.path for name in names)

    def left_alone(self, web: set[Place]) -> None:
        """List the same name where it is another variable, not selected."""
        index = self.index
        cells: list[int] = []
        for id, places in index.module_places(self.target.name).items():
            others = [i for i in places if (id, i) not in web]
            if others:
                cells.append(index.number(id))
                self.optional |= {self.change(id, i) for i in others}
        if cells:
            self.notes.append(another_left_alone(self.target.name, cells))

    def stars(self, web: list[Place]) -> None:
        """Note that a star import, whose names are not in the text, may overwrite the new name."""
        index = self.index
        if not index.stars or index.facts.names:
            return
        first = min(index.number(id) for id, _ in web)
        cells = [index.number(id) for id, there in index.cells.items() if there.stars]
        if later := [number for number in cells if number >= first]:
            self.notes.append(f"the star import in {listed_cells(later)} may define `{self.new}`")

    def as_text(self, kind: SymbolKind, scope: tuple[str, int]) -> None:
        """Note what reads or prints the name's spelling while the notebook runs."""
        index, old, new = self.index, self.target.name, self.new
        within = scope if scope[1] != MODULE else None
        readers = readers_of(index, kind, within)
        if kind in ("function", "class") and (note := shown_note(index, self.changes)):
            self.notes.append(note)
        if note := reader_note(index, readers):
            self.notes.append(note)
            self.optional |= set(words_in_strings(index, old, new))
        if note := printed_names(index, self.changes):
            self.notes.append(note)
        if kind == "class":
            self.notes += class_name_notes(index, self.changes, old)
        known = told_by_name(index, self.changes) if kind in ("function", "class") else ()
        texts = set(words_in_strings(index, old, new, whole=True)) if known else set()
        if texts or (known and kind == "function" and is_spelt_elsewhere(index, old)):
            self.notes.append(f"{', '.join(known[:2])} may know `{self.old}` by its name")
            self.optional |= texts

    def in_other_languages(self) -> None:
        found = set(mentions_elsewhere(self.index, self.target.name, self.new)) - self.changes
        if found:
            cells = listed_cells(sorted({self.index.number(change.cell) for change in found}))
            self.notes.append(f"{cells}: `{self.target.name}` may be looked up there: left alone")
            self.optional |= found

    def in_documents(self, kind: SymbolKind, web: list[Place]) -> None:
        """List mentions in Markdown, and in docstrings about the name."""
        index, old, new = self.index, self.target.name, self.new
        self.optional |= set(mentions(index, old, new))
        owners = {(id, index.cells[id].homes[i]) for id, i in web}
        for id, there in index.readable():
            functions = there.functions if kind in ("function", "class", "parameter") else []
            docs = [f.doc for f in functions if kind != "parameter" or (id, f.scope) in owners]
            if kind in ("function", "class"):
                docs += [owner.doc for owner in there.classes]
            elif kind == "parameter":
                outer = {f.outer for f in functions if (id, f.scope) in owners}
                docs += [owner.doc for owner in there.classes if owner.scope in outer]
            if docs:
                source = index.cell(id).source
                self.optional |= set(mentions_in_docstrings(id, source, docs, old, new))

    def callers(self, web: list[Place]) -> Silence | None:
        """Change keywords in calls of the function whose parameter is renamed.

        A call may reach another definition of the function, in a branch or a subclass: either its
        parameter of that name changes too, or nothing does.
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
            here = index.cells[id].scopes[scope].start
            callers = Callers({id: {here}}, is_passed_on=True)  # called by what takes it
            if function is not None:
                kind = next((p.kind for p in function.parameters if p.name == old), "keyword")
                if kind in ("positional_only", "star", "stars"):
                    continue
                callers = callers_of(index, id, function)
            found = keyword_places(index, old, self.new, callers, function)
            if isinstance(found, Silence):
                return found
            self.changes |= found.certain
            self.optional |= found.unsure
            self.notes += [*found.notes, *found.counting]
            self.counting += found.counting
            if function is None:
                continue
            owner = next((c for c in index.cells[id].classes if c.scope == function.outer), None)
            self.notes += protocol_notes(index, owner, function.name)
            self.notes += base_notes(index, id, owner, function)
            self.notes += filled_notes(index, id, function, old)
            for twin in self.twins(callers, function, owners):
                owners.add(twin)
                todo.append(twin)
                other, home = twin
                same = [(other, i) for i in index.cells[other].streams[home, old]]
                if refusal := self.collision(same, home, other):
                    return refusal
                self.changes |= {self.change(*place) for place in same}
        return None

    def parameters_filled(self, web: list[Place]) -> None:
        """Parameters of the function's name, where what decorates it may fill them by that name."""
        index, old, new = self.index, self.target.name, self.new
        decorators, places = parameters_filled_by(index, web, old)
        followed: list[Change] = []
        for place in places:
            spend(len(index.cells) // 8)  # a rename of its own looks through all cells
            planned = plan(index, Target(old, [place]), new)
            followed += planned.changes if isinstance(planned, RenamePlan) else ()
        self.changes.update(followed)
        if followed:
            cells = sorted({index.number(change.cell) for change in followed})
            by = ", ".join(f"`@{name}`" for name in decorators[:2])
            self.notes.append(f"{by} may fill the parameter `{old}` in {listed_cells(cells)}")

    def twins(
        self, callers: Callers, function: Function, owners: set[tuple[str, int]]
    ) -> list[tuple[str, int]]:
        """Other definitions with a parameter of that name that the function's calls may reach."""
        old = self.target.name
        return [
            (id, other.scope)
            for id, where in callers.starts.items()
            for other in self.index.cells[id].functions
            if other.start in where
            and (id, other.scope) not in owners
            and other.name == function.name
            and any(p.name == old for p in other.parameters)
        ]


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
    """Whether the lookup of a name passes through the scope `home`."""
    for scope in index.enclosing(index.names[i].scope):
        if scope == index.homes[i]:
            return False
        if scope == home:
            return index.scopes[home].kind != "class" or index.names[i].scope == home
    return False
