"""Renames of attributes: the members of the notebook's classes, and what refers to them."""

from __future__ import annotations

import re

from nextedit_jupyter.analysis.bindings import Attribute, mangled, normalised
from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.classes import (
    Family,
    classes_of,
    has_member,
    is_asked_of_outside,
    members,
    outside_bases,
    protocol_notes,
    strangers,
)
from nextedit_jupyter.analysis.rename.plan import (
    Change,
    RenamePlan,
    Target,
    broken_notes,
    counted,
    is_dunder,
    listed_cells,
    mentions,
    mentions_in_docstrings,
    ordered,
    refuse_private,
    without,
)
from nextedit_jupyter.analysis.rename.records import (
    field_places,
    is_enum,
    is_record,
    is_typed_dict,
    may_be_of_record,
    record_of_keyword,
    shows_fields,
    unpacked_into,
)
from nextedit_jupyter.analysis.rename.textual import (
    printed_names,
    reader_note,
    readers_of,
    unpacked_keys,
    words_in_strings,
)
from nextedit_jupyter.core import Silence

# Bases without members that a subclass could conflict with.
_BARE = frozenset(["ABC", "Generic", "Protocol", "object"])
_ANY_NAME = frozenset(["__getattr__", "__getattribute__", "__setattr__", "__delattr__"])


def plan_attribute(index: NotebookIndex, target: Target, new: str) -> RenamePlan | Silence:
    """Every place of an attribute of the notebook's classes, or the reason why none may change."""
    assert target.family is not None
    return _AttributePlanner(index, target.name, target.family, new).plan()


class _AttributePlanner:
    def __init__(self, index: NotebookIndex, old: str, family: Family, new: str) -> None:
        self.index, self.old, self.new, self.family = index, old, new, family
        self.owners = classes_of(index, family)
        self.changes: set[Change] = set()
        self.optional: set[Change] = set()
        self.notes: list[str] = []
        self.counting: list[str] = []

    def plan(self) -> RenamePlan | Silence:
        index, old, new = self.index, self.old, self.new
        if is_dunder(old):
            return Silence("refused", f"`{old}` has a special meaning in Python")
        if refusal := self.collision() or self.inherited():
            return refusal
        places = list(members(index, self.family, {old}))
        self.changes = {
            Change(id, start, start + len(_spelt(index, id, start)), new) for id, start, _ in places
        }
        self.changes |= {
            Change(id, start, end, new) for id, start, end in field_places(index, self.family, old)
        }
        spend(4 * len(self.changes))
        if refusal := refuse_private(index, self.changes, new):
            return refusal
        if old.startswith("_") and old.endswith("_"):
            self.notes.append(f"`{old}` may have a meaning to what shows or makes the object")
        self.unknown_objects()
        self.notes += self.counting
        self.unwritten()
        self.as_text()
        self.notes += broken_notes(index, old)
        self.optional |= set(mentions(index, old, new))
        for id, owner in self.owners:
            source = index.cell(id).source
            self.optional |= set(mentions_in_docstrings(id, source, [owner.doc], old, new))
        changes = tuple(ordered(index, self.changes))
        return RenamePlan(
            "attribute",
            _spelt(index, changes[0].cell, changes[0].start) if changes else old,
            new,
            index.notebook,
            changes,
            tuple(ordered(index, without(self.optional, self.changes))),
            tuple(self.notes),
            counting=tuple(self.counting),
        )

    def collision(self) -> Silence | None:
        index, new = self.index, self.new
        plains = {normalised(new)} | {mangled(normalised(new), o.name) for _, o in self.owners}
        waiting: list[int] = []
        for id, start, _ in members(index, self.family, plains):
            if self.is_awaited(id, start):
                waiting.append(index.number(id))
                continue
            return Silence(
                "refused",
                f"`{new}` already exists in class `{self.owners[0][1].name}`: "
                f"cell {index.number(id)}",
            )
        if waiting:
            where = listed_cells(waiting)
            self.notes.append(f"`.{new}` is already used in {where}: nothing defines it")
        if self.is_field() and any(
            word.name == new and record_of_keyword(index, id, word) == self.family
            for id, there in index.readable()
            for word in there.keywords
        ):
            return Silence("refused", f"`{new}` is passed to `{self.owners[0][1].name}` already")
        set_elsewhere = [
            index.number(id)
            for id, attribute in strangers(index, self.family, normalised(new))
            if attribute.op != "read" or _is_text(index, id, attribute)
        ]
        if set_elsewhere:
            self.notes.append(
                f"`.{new}` of objects whose class is not known: {listed_cells(set_elsewhere)}"
            )
        return None

    def is_awaited(self, cell: str, start: int) -> bool:
        """Whether the new name is only read there and defined nowhere: it was written in
        anticipation of this rename."""
        known = self.index.cells[cell].attributes
        if not any(a.start == start and a.op == "read" for a in known):
            return False
        return all(
            base.rpartition(".")[2] in _BARE
            or not (
                owner is None or has_member(owner, self.new) or has_member(owner, "__getattr__")
            )
            for base, owner in outside_bases(self.index, self.family).items()
        ) and not any(
            (owner.scope, name) in self.index.cells[id].streams
            for id, owner in self.owners
            for name in ("__getattr__", "__getattribute__")
        )

    def inherited(self) -> Silence | None:
        """Refuse the rename if a base outside the notebook has the old or the new name."""
        for base, owner in outside_bases(self.index, self.family).items():
            if owner is None and base.rpartition(".")[2] not in _BARE:
                shown = f"`{base}`" if base.isidentifier() or "." in base else base
                if is_asked_of_outside(self.index, self.family, self.old):
                    why = f"{shown} has `{self.old}`: `super()` asks for it"
                    return Silence("refused", why, settled=(self.old,))
                self.notes.append(
                    f"{shown} may call `{self.old}` itself"
                    if self.is_left_to_base()
                    else f"{shown} may have `{self.old}` or `{self.new}` too"
                )
            for name in (self.old, normalised(self.new)) if owner is not None else ():
                if owner is not None and has_member(owner, name):
                    why = f"`{name}` is a member of `{base}`"
                    return Silence("refused", why, settled=(self.old,))
        return None

    def is_left_to_base(self) -> bool:
        """Whether it is a method that no cell calls, as those are which a base asks for."""
        functions = {
            (id, function.start)
            for id, owner in self.owners
            for function in self.index.cells[id].functions
            if function.outer == owner.scope and function.name == self.old
        }
        places = {(id, start) for id, start, _ in members(self.index, self.family, {self.old})}
        return bool(places) and places <= functions

    def unwritten(self) -> None:
        """Note members that are not in the text: of classes that match a protocol, and computed on
        access."""
        for id, owner in self.owners:
            self.notes += protocol_notes(self.index, owner, self.old)
            functions = self.index.cells[id].functions
            if any(f.outer == owner.scope and f.name in _ANY_NAME for f in functions):
                self.notes.append(f"`{owner.name}` gets the names of its attributes as text")

    def is_field(self) -> bool:
        return any(is_record(owner) for _, owner in self.owners)

    def unknown_objects(self) -> None:
        """List the same attribute of objects that may be of the class."""
        index, old, new = self.index, self.old, self.new
        unknown = {
            Change(id, a.start, a.end, new) for id, a in strangers(index, self.family, old)
        } - self.changes
        if unknown:
            self.counting.append(
                f"{counted(unknown)} `.{old}` of objects whose class is not known: left alone"
            )
        self.optional |= unknown
        if not self.is_field():
            return
        words = {
            Change(id, word.start, word.end, new)
            for id, there in index.readable()
            for word in there.keywords
            if word.name == old
            and record_of_keyword(index, id, word) is None
            and may_be_of_record(index, id, word)
        } - self.changes
        if words:
            self.counting.append(
                f"{counted(words)} `{old}=` of calls whose callee is not known: left alone"
            )
        self.optional |= words
        if unpacked := unpacked_into(index, self.family):
            self.notes.append(f"{listed_cells(unpacked)}: a call with `**` may pass it")
            self.optional |= unpacked_keys(index, old, new)

    def as_text(self) -> None:
        """List places where the name is, or may be, a string."""
        index, old, new = self.index, self.old, self.new
        readers = readers_of(index, "attribute")
        if note := reader_note(index, readers):
            self.notes.append(note)
            self.optional |= set(words_in_strings(index, old, new))
        by_key = any(is_typed_dict(owner) or is_enum(owner) for _, owner in self.owners)
        if by_key:
            strings = without(set(words_in_strings(index, old, new, whole=True)), self.changes)
            if strings:
                self.notes.append(f"{counted(strings)} `{old!r}` that may be a key: left alone")
            self.optional |= strings
        if shows_fields(index, self.family):
            self.notes.append(f"printing `{self.owners[0][1].name}` shows the field's name")
        if note := printed_names(index, self.changes):
            self.notes.append(note)


def _is_text(index: NotebookIndex, cell: str, attribute: Attribute) -> bool:
    return any(start <= attribute.start < end for start, end in index.cells[cell].strings)


def _spelt(index: NotebookIndex, cell: str, start: int) -> str:
    """The name as written at `start`."""
    found = re.compile(r"\w+").match(index.cell(cell).source, start)
    return found[0] if found else ""
