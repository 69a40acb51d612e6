"""Classes whose fields are more than attributes: dataclasses, typed dictionaries, enums.

A dataclass's field is also a keyword of its constructor and of `replace`; a typed dictionary's is a
key; an enum's member can be looked up by its name as a string.
"""

from __future__ import annotations

from collections.abc import Iterator

from nextedit_jupyter.analysis.bindings import CellIndex, Class, Keyword
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.classes import (
    Family,
    class_at,
    class_called,
    class_of_name,
    class_of_type,
    class_with,
    classes_of,
    family_of,
    is_redefined,
)

_RECORDS = frozenset(["NamedTuple", "BaseModel", "TypedDict", "Struct", "SQLModel"])
_ENUMS = frozenset(["Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"])
_DICT_METHODS = frozenset(["get", "pop", "setdefault"])
_REPLACE = frozenset(["replace", "_replace", "evolve", "model_construct"])


def is_record(owner: Class) -> bool:
    """Whether the class has a constructor generated from its fields."""
    decorated = any(
        d.partition("(")[0].rpartition(".")[2] in ("dataclass", "define", "frozen", "attrs")
        or d.startswith("attr")
        for d in owner.decorators
    )
    return decorated or _has_base(owner, _RECORDS)


def _has_base(owner: Class, names: frozenset[str]) -> bool:
    return any(base.rpartition(".")[2] in names for base in owner.bases)


def is_typed_dict(owner: Class) -> bool:
    return _has_base(owner, frozenset(["TypedDict"]))


def is_enum(owner: Class) -> bool:
    return _has_base(owner, _ENUMS)


def shows_fields(index: NotebookIndex, family: Family) -> bool:
    """Whether printing an instance prints the names of its fields."""
    return any(
        (is_record(owner) or is_enum(owner)) and not _has_own_text(index.cells[id], owner)
        for id, owner in classes_of(index, family)
    )


def _has_own_text(here: CellIndex, owner: Class) -> bool:
    return any((owner.scope, name) in here.streams for name in ("__repr__", "__str__"))


def record_of_keyword(index: NotebookIndex, cell: str, word: Keyword) -> Family | None:
    """The record whose field a keyword sets: `Point(x=1)`, `replace(p, x=2)`."""
    here = index.cells[cell]
    called = word.callee.rpartition(".")[2]
    family = None
    if word.target == word.root and (i := here.starts.get(word.root)) is not None:
        owner = class_at(index, cell, i)
        if owner is not None and is_redefined(index, word.callee):
            return None
        if owner is not None and class_with(index, owner, "__init__") is not None:
            return None
        family = family_of(index, *owner) if owner else None
        if family is None and called in _REPLACE and word.passed:
            i = here.starts.get(word.passed[0])
            family = class_of_name(index, cell, i) if i is not None else None
    elif called in _REPLACE and (i := here.starts.get(word.root)) is not None:
        if word.callee.count(".") == 1:
            family = class_of_name(index, cell, i)
        if family is None and word.passed:  # `dataclasses.replace(p, x=2)`
            i = here.starts.get(word.passed[0])
            family = class_of_name(index, cell, i) if i is not None else None
    if family is None or not any(is_record(owner) for _, owner in classes_of(index, family)):
        return None
    return family


def unpacked_into(index: NotebookIndex, family: Family) -> list[int]:
    """The numbers of the cells that make a record of what `**` stands before."""
    found: set[int] = set()
    for id, there in index.readable():
        for splat in there.splats:
            i = there.starts.get(splat.root) if splat.target == splat.root else None
            owner = class_at(index, id, i) if i is not None else None
            if owner is None or class_with(index, owner, "__init__") is not None:
                continue  # a constructor of its own takes its own parameters
            if family_of(index, *owner) == family:
                found.add(index.number(id))
    return sorted(found)


def may_be_of_record(index: NotebookIndex, cell: str, word: Keyword) -> bool:
    """Whether a keyword may set a field of some record: the callee is a class or copies an
    instance."""
    called = word.callee.rpartition(".")[2]
    if not word.callee or called in _REPLACE or called in ("__class__", "__init__", "partial"):
        return True
    i = index.cells[cell].starts.get(word.target)
    if i is None:
        return False
    kinds = index.kinds_of(cell, i)
    if kinds == {"class"} and is_redefined(index, word.callee):
        return True
    return bool(kinds - {"function", "overload", "class", "import", "member", "alias", "package"})


def field_places(index: NotebookIndex, family: Family, old: str) -> Iterator[tuple[str, int, int]]:
    """Where a record's field is named other than as an attribute: keywords, keys of typed
    dictionaries, names of enum members in brackets."""
    owners = [owner for _, owner in classes_of(index, family)]
    for id, there in index.readable():
        if any(is_record(owner) for owner in owners):
            for word in there.keywords:
                if word.name == old and record_of_keyword(index, id, word) == family:
                    yield id, word.start, word.end
        if any(is_enum(owner) for owner in owners):
            for key in there.keys:
                i = there.starts.get(key.root)
                if key.text == old and i is not None and class_called(index, id, i) == family:
                    yield id, key.start, key.end
        if any(is_typed_dict(owner) for owner in owners):
            yield from _typed_keys(index, id, family, old)


def _typed_keys(
    index: NotebookIndex, cell: str, family: Family, old: str
) -> Iterator[tuple[str, int, int]]:
    here = index.cells[cell]
    for key in here.keys:
        if key.text == old and "." not in key.object and _is_typed(index, cell, key.root, family):
            yield cell, key.start, key.end
    for text in here.texts:
        is_key = text.text == old and text.method in _DICT_METHODS and text.role == "argument"
        if is_key and _is_typed(index, cell, text.root, family):
            yield cell, text.start, text.end
    for entry in here.dict_keys:
        if entry.text != old:
            continue
        annotation = here.annotations.get(entry.owner, "")
        found = class_of_type(index, annotation) if annotation else None
        if found is not None and family_of(index, *found) == family:
            yield cell, entry.start, entry.end


def _is_typed(index: NotebookIndex, cell: str, root: int, family: Family) -> bool:
    i = index.cells[cell].starts.get(root)
    return i is not None and class_of_name(index, cell, i) == family
