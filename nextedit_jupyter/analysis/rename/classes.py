"""Classes of the notebook: their families, the classes of objects, and their members' places."""

from __future__ import annotations

import builtins
import importlib
import re
from collections.abc import Collection, Iterator
from typing import Literal

from nextedit_jupyter.analysis.bindings import MODULE, Attribute, Class, Function
from nextedit_jupyter.analysis.index import NotebookIndex

ClassId = tuple[str, int]
"""A cell's id and a class's scope in it."""
Family = frozenset[ClassId]

# Modules of the standard library with common base classes: importing them has no side effects, and
# the members of their classes can be looked up.
_LOOKED_UP = frozenset(
    [
        "abc",
        "argparse",
        "collections",
        "collections.abc",
        "contextlib",
        "dataclasses",
        "enum",
        "io",
        "json",
        "logging",
        "queue",
        "random",
        "string",
        "threading",
        "types",
        "typing",
        "unittest",
    ]
)
# Bases of classes whose instances are classes.
_METACLASSES = frozenset(["ABCMeta", "EnumMeta", "EnumType", "type"])
_OPTIONAL_TYPE = re.compile(r"(?:typing\.)?Optional\[(\w+)\]|(\w+) *\| *None|None *\| *(\w+)")


def family_of(index: NotebookIndex, cell: str, scope: int) -> Family:
    """The class together with the notebook's classes that it inherits from or that inherit from
    it."""
    if (known := index.families.get((cell, scope))) is not None:
        return known
    everything = [(id, owner) for id, there in index.readable() for owner in there.classes]
    by_name: dict[str, list[tuple[str, Class]]] = {}
    for id, owner in everything:
        by_name.setdefault(owner.name, []).append((id, owner))
    edges: dict[ClassId, set[ClassId]] = {}
    for id, owner in everything:
        # A class that is defined again in another cell counts as the same class.
        for twin_id, twin in by_name[owner.name]:
            if twin.outer == owner.outer == MODULE:
                edges.setdefault((id, owner.scope), set()).add((twin_id, twin.scope))
        for base in owner.bases:
            for base_id, base_owner in by_name.get(base.rpartition(".")[2], []):
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


def classes_of(index: NotebookIndex, family: Family) -> list[tuple[str, Class]]:
    """The classes of a family with their cells, in document order; treat it as frozen."""
    if family not in index.classes_of:
        index.classes_of[family] = [
            (id, owner)
            for id, there in index.readable()
            for owner in there.classes
            if (id, owner.scope) in family
        ]
    found: list[tuple[str, Class]] = index.classes_of[family]
    return found


def is_protocol(owner: Class) -> bool:
    """Whether classes implement it by their members, without naming it."""
    return any(base.rpartition(".")[2].startswith("Protocol") for base in owner.bases)


def protocol_notes(index: NotebookIndex, owner: Class | None, member: str) -> Iterator[str]:
    """Notes where a class's member is or may be part of a protocol, which the text does not connect
    to it.

    `owner` is the class whose member it is, None for a function that is not a method.
    """
    if owner is None:
        return
    if any(base.rpartition(".")[2] in _METACLASSES for base in owner.bases):
        yield f"classes that `{owner.name}` creates, and calls on them, are not searched for"
    if is_protocol(owner):
        yield f"classes that implement `{owner.name}` are not searched for"
        return
    for _, there in index.readable():
        for other in there.classes:
            if is_protocol(other) and member in there.scopes[other.scope].binds:
                yield f"`{owner.name}` may have to fit the protocol `{other.name}`"


def base_notes(
    index: NotebookIndex, cell: str, owner: Class | None, function: Function
) -> Iterator[str]:
    """Notes where a base that no cell defines may read a constructor's parameters: estimators are
    cloned by them if each is stored as the attribute of the same name.
    """
    if owner is None or function.name != "__init__":
        return
    here = index.cells[cell]
    kept = {a.name for a in here.attributes if a.op != "read" and a.scope == function.scope}
    if kept.isdisjoint(p.name for p in function.parameters):
        return
    for base, known in outside_bases(index, family_of(index, cell, owner.scope)).items():
        if known is None:
            yield f"`{base}` may use the parameters of `{owner.name}` by name"


def class_named(index: NotebookIndex, name: str) -> ClassId | None:
    """The notebook's class of that name, if the name refers only to classes."""
    found = index.classes.get(name)
    if found is None:
        return None
    return found if index.kinds_bound(name) == {"class"} else None


def is_redefined(index: NotebookIndex, name: str) -> bool:
    """Whether several cells define a class of that name: which one is meant depends on the runs."""
    return len(index.definitions(name)) > 1


def class_of_type(index: NotebookIndex, text: str) -> ClassId | None:
    """The notebook's class that an annotation refers to: `Box`, `"Box"`, `Optional[Box]`."""
    text = text.strip().strip("'\"").strip()
    if found := _OPTIONAL_TYPE.fullmatch(text):
        text = next(part for part in found.groups() if part)
    return class_named(index, text)


def class_of_object(index: NotebookIndex, cell: str, attribute: Attribute) -> Family | None:
    """The family of the class that `object` in `object.name` is, or is an instance of."""
    if not attribute.object or "." in attribute.object:
        return None
    here = index.cells[cell]
    if attribute.object in ("super()", "class"):
        for scope in here.enclosing(attribute.scope):
            if here.scopes[scope].kind == "class":
                return family_of(index, cell, scope)
        return None
    i = here.starts.get(attribute.root)
    if i is None:
        return None
    if attribute.object.endswith("()"):
        return class_called(index, cell, i)
    return class_of_name(index, cell, i)


def class_called(index: NotebookIndex, cell: str, i: int) -> Family | None:
    """The family of the class that a name refers to; None if it does not refer to a class."""
    owner = class_at(index, cell, i)
    return family_of(index, *owner) if owner else None


def class_at(index: NotebookIndex, cell: str, i: int) -> ClassId | None:
    """The class that a name refers to."""
    here = index.cells[cell]
    name, home = here.names[i], here.homes[i]
    if home == MODULE:
        return class_named(index, name.name)
    bound = [here.names[j] for j in here.streams[home, name.name] if here.names[j].op != "read"]
    starts = {n.start for n in bound if n.kind == "class"}
    found = [owner for owner in here.classes if owner.start in starts]
    return (cell, found[0].scope) if len(found) == len(bound) == 1 else None


def class_with(index: NotebookIndex, owner: ClassId, method: str) -> ClassId | Literal[""] | None:
    """The class whose `method` an instance of `owner` has, of those in the notebook.

    None if none of them defines it; "" if several bases make it ambiguous.
    """
    seen: set[ClassId] = set()
    here: ClassId | None = owner
    while here is not None and here not in seen:
        seen.add(here)
        cell, scope = here
        there = index.cells[cell]
        if (scope, method) in there.streams:
            return here
        found = next(c for c in there.classes if c.scope == scope)
        bases = [base for text in found.bases if (base := class_named(index, text))]
        if len(bases) > 1 or found.is_open or any(is_redefined(index, b) for b in found.bases):
            return ""
        here = bases[0] if bases else None
    return None


def class_of_name(index: NotebookIndex, cell: str, i: int) -> Family | None:
    """The family of the class that all definitions of a name are, or are instances of."""
    here = index.cells[cell]
    name, home = here.names[i], here.homes[i]
    key = ("" if home == MODULE else cell, home, name.name)
    if key not in index.instances:
        index.instances[key] = _of_self(index, cell, i) or _of_definitions(index, cell, i)
    return index.instances[key]


def _of_definitions(index: NotebookIndex, cell: str, i: int) -> Family | None:
    here = index.cells[cell]
    name, home = here.names[i], here.homes[i]
    if home == MODULE:
        definitions = index.definitions(name.name, declared=True)
    else:
        places = here.streams[home, name.name]
        definitions = [
            (cell, j)
            for j in places
            if here.names[j].op in ("write", "update") or here.names[j].start in here.annotations
        ]
    families = {_defined_as(index, *place) for place in definitions}
    if home == MODULE and (families == {None} or not families) and len(definitions) < 2:
        known = index.facts.named(name.name)
        if known is not None and known.type.startswith("__main__."):
            owner = class_named(index, known.type.rpartition(".")[2])
            return family_of(index, *owner) if owner else None
    return next(iter(families)) if len(families) == 1 else None


def _of_self(index: NotebookIndex, cell: str, i: int) -> Family | None:
    """The class around, if the name is the first parameter of one of its methods."""
    here = index.cells[cell]
    home = here.homes[i]
    if here.scopes[home].kind != "function":
        return None
    function = next((f for f in here.functions if f.scope == home), None)
    if (
        function is None
        or not function.parameters
        or function.parameters[0].name != here.names[i].name
        or here.scopes[function.outer].kind != "class"
        or any("staticmethod" in d for d in function.decorators)
        or sum(here.names[j].op == "write" for j in here.streams[home, here.names[i].name]) > 1
    ):
        return None
    return family_of(index, cell, function.outer)


def _defined_as(index: NotebookIndex, cell: str, i: int) -> Family | None:
    """The class that one definition gives a name."""
    here = index.cells[cell]
    name = here.names[i]
    if name.kind == "class":
        owner = next((c for c in here.classes if c.start == name.start), None)
        return family_of(index, cell, owner.scope) if owner else None
    found = None
    if name.op == "write" and (text := here.instances.get(name.start)):
        found = class_named(index, text)
    elif text := here.annotations.get(name.start, ""):
        found = class_of_type(index, text)
    return family_of(index, *found) if found else None


def members(
    index: NotebookIndex, family: Family, wanted: Collection[str]
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


def is_defined(index: NotebookIndex, family: Family, name: str) -> bool:
    """Whether a class of the family binds the name, in its body or through an object, or lists
    it."""
    for id, there in index.readable():
        scopes = {scope for cell, scope in family if cell == id}
        if any((scope, name) in there.streams for scope in scopes):
            return True
        for attribute in there.attributes:
            gives = attribute.op != "read" or attribute.object in ("class", "")
            if attribute.name == name and gives:
                found = class_of_object(index, id, attribute)
                if found == family or (found is None and attribute.op != "read"):
                    return True
    return False


def strangers(index: NotebookIndex, family: Family, wanted: str) -> Iterator[tuple[str, Attribute]]:
    """Places `.wanted` of objects that may be instances of the family."""
    for id, there in index.readable():
        for attribute in there.attributes:
            if attribute.name == wanted:
                found = class_of_object(index, id, attribute)
                if found is None or (found != family and is_open(index, found)):
                    yield id, attribute


def is_open(index: NotebookIndex, family: Family) -> bool:
    """Whether one of the classes inherits from something known only at run time."""
    for _, owner in classes_of(index, family):
        if owner.is_open or any(
            class_named(index, base) is None and _is_variable(index, base) for base in owner.bases
        ):
            return True
    return False


def _is_variable(index: NotebookIndex, base: str) -> bool:
    kinds = index.kinds_bound(base.partition(".")[0])
    return bool(kinds - {"class", "import", "member", "alias", "package"})


def outside_bases(index: NotebookIndex, family: Family) -> dict[str, type | None]:
    """The bases that no cell defines, by their texts; None if their members are unknown."""
    found: dict[str, type | None] = {}
    for _, owner in classes_of(index, family):
        for base in owner.bases:
            if class_named(index, base) is None and base not in index.classes:
                found[base] = _looked_up(index, base)
        if owner.is_open:
            found["a base that is computed"] = None
    return found


def is_asked_of_outside(index: NotebookIndex, family: Family, name: str) -> bool:
    """Whether `super().name` is read where no class of the notebook above has the member."""
    for id, owner in classes_of(index, family):
        here = index.cells[id]
        is_asked = any(
            a.name == name and a.object == "super()" and owner.scope in here.enclosing(a.scope)
            for a in here.attributes
        )
        bases = [base for text in owner.bases if (base := class_named(index, text))]
        if is_asked and owner.bases and all(class_with(index, b, name) is None for b in bases):
            return True
    return False


def has_member(owner: type, name: str) -> bool:
    return any(name in vars(base) for base in owner.__mro__)


def _looked_up(index: NotebookIndex, base: str) -> type | None:
    root, _, rest = base.partition(".")
    paths = {
        index.cells[id].imports.get(index.cells[id].names[i].start, "")
        for id, i in index.definitions(root)
    }
    found: object = None
    if not paths:
        found = getattr(builtins, base, None)
    elif len(paths) == 1:
        path = next(iter(paths)) + (f":{rest}" if rest else "")
        module, _, name = path.partition(":")
        if module in _LOOKED_UP and name:
            found = getattr(importlib.import_module(module), name, None)
    # `NamedTuple` and `TypedDict` are functions that are used like a class.
    special = {"NamedTuple": tuple, "TypedDict": dict, "Generic": object, "Protocol": object}
    found = special.get(base.rpartition(".")[2], found)
    return found if isinstance(found, type) else None


def name_places(index: NotebookIndex, cell: str, start: int) -> Iterator[tuple[str, int]]:
    """The places of the variable whose definition begins at `start`."""
    here = index.cells[cell]
    i = here.starts.get(start)
    if i is None:
        return
    for id, j in index.references([(cell, i)]):
        yield id, index.cells[id].names[j].start
