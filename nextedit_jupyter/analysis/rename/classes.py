"""Classes of the notebook, their families, and the places of their attributes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from nextedit_jupyter.analysis.bindings import MODULE, Attribute, Class, normalised
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.plan import (
    Change,
    RenamePlan,
    Target,
    broken_notes,
    mentions,
    ordered,
)
from nextedit_jupyter.core import Silence


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
        owner = class_named(index, attribute.object[:-2])
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
    owner = class_named(index, attribute.object)
    if owner is None:
        made = here.instances.get(attribute.object) if home != MODULE else None
        if home == MODULE:
            made = made_of(index, attribute.object)
        owner = class_named(index, made) if made else None
    return family_of(index, *owner) if owner else None


def made_of(index: NotebookIndex, name: str) -> str | None:
    """The class whose call every definition of a name is; or what the kernel says."""
    known = index.facts.named(name)
    if known is not None and known.type.startswith("__main__."):
        return known.type.rpartition(".")[2]
    return index.made_of.get(name) or None


def class_named(index: NotebookIndex, name: str) -> tuple[str, int] | None:
    return index.classes.get(name)


def members(
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


def plan_attribute(index: NotebookIndex, target: Target, new: str) -> RenamePlan | Silence:
    assert target.family is not None
    old, plain = target.name, normalised(new)
    found = list(members(index, target.family, {old, plain}))
    owners = [
        owner.name
        for id, scope in target.family
        for owner in index.cells[id].classes
        if owner.scope == scope
    ]
    for id, _, name in found:
        if name == plain:
            return Silence(
                "refused", f"`{new}` exists already in class `{owners[0]}`: cell {index.number(id)}"
            )
    if re.fullmatch(r"__\w+__", old):
        return Silence("refused", f"`{old}` has a meaning to Python")
    changes = {
        Change(id, start, start + len(_spelt(index, id, start)), new)
        for id, start, name in found
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
                for cell, start in name_places(index, id, owner.start):
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
        tuple(ordered(index, changes)),
        tuple(ordered(index, optional)),
        tuple(notes),
    )


def _spelt(index: NotebookIndex, cell: str, start: int) -> str:
    """The name as it is written at `start`."""
    found = re.compile(r"\w+").match(index.cell(cell).source, start)
    return found[0] if found else ""


def name_places(index: NotebookIndex, cell: str, start: int) -> Iterator[tuple[str, int]]:
    here = index.cells[cell]
    i = here.starts.get(start)
    if i is None:
        return
    for id, j in index.web([(cell, i)]):
        yield id, index.cells[id].names[j].start
