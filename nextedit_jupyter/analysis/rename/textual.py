"""Names as text: code that reads or shows names at run time, and strings that contain them.

`eval("rate + 1")`, `vars(box)` or `f.__name__` depend on a name's spelling. No analysis can tell
what they do with it, so a rename mentions them and lists the strings as optional.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from nextedit_jupyter.analysis.bindings import CellIndex, Reader
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.plan import (
    Change,
    SymbolKind,
    listed_cells,
    text_changes,
    whole_word,
)

_DOCTESTS = frozenset(["get_doctest", "run_docstring_examples", "testfile", "testmod"])
_CODE = _DOCTESTS | frozenset(["eval", "exec", "compile", "patch", "run_cell", "timeit"])
_UNKNOWN_NAMES = frozenset(["except NameError", "except UnboundLocalError"])
_NAMESPACES = _UNKNOWN_NAMES | frozenset(
    ["globals", "locals", "f_globals", "f_locals", "vars()", "dir()", "user_ns"]
)
_SIGNATURES = (
    _DOCTESTS
    | _UNKNOWN_NAMES
    | frozenset(
        [
            "__annotations__",
            "__code__",
            "__kwdefaults__",
            "bind",
            "bind_partial",
            "except TypeError",
            "f_locals",
            "get_type_hints",
            "getargspec",
            "getfullargspec",
            "help",
            "keywords",
            "locals",
            "patch",  # the replacement of a function takes its keywords
            "signature",
            "vars()",
            "dir()",
        ]
    )
)
_ATTRIBUTES = frozenset(
    [
        "__annotations__",
        "__dict__",
        "__match_args__",
        "__members__",
        "__slots__",
        "_asdict",
        "_fields",
        "asdict",
        "astuple",
        "attrgetter",
        "delattr",
        "dir",
        "except AttributeError",
        "except TypeError",
        "fields",
        "get_type_hints",
        "getattr",
        "getattr_static",
        "getmembers",
        "hasattr",
        "help",
        "methodcaller",
        "model_dump",
        "setattr",
        "vars",
    ]
)
_OWN_NAMES = frozenset(
    [
        "except TypeError",
        "__name__",
        "__qualname__",
        "format_exc",
        "getmembers",
        "getsource",
        "help",
        "print_exc",
    ]
)
_CLASSES = frozenset(["__annotations__", "__class__", "__mro__", "except AttributeError", "type"])
# What reads the names of each kind of symbol.
_READERS: dict[SymbolKind, frozenset[str]] = {
    "variable": _CODE | _NAMESPACES,
    "import": _CODE | _NAMESPACES,
    "function": _CODE | _NAMESPACES | _OWN_NAMES,
    "class": _CODE | _NAMESPACES | _OWN_NAMES | _CLASSES,
    "parameter": _CODE | _SIGNATURES,
    "attribute": _CODE | _ATTRIBUTES | _OWN_NAMES,
}

_SEEN_BY_ALL: dict[SymbolKind, frozenset[str]] = {
    "parameter": _SIGNATURES - _NAMESPACES,
    "function": _OWN_NAMES,
    "class": _OWN_NAMES | _CLASSES,
}


def readers_of(
    index: NotebookIndex, kind: SymbolKind, within: tuple[str, int] | None = None
) -> list[tuple[str, Reader]]:
    """What may read such a name as text; only `within` a cell's scope, if one is given.

    `locals` of one scope does not see another's parameters and locals, but a signature, or the
    `__name__` of a function or class, is visible everywhere.
    """
    wanted = _READERS.get(kind, frozenset())
    found = []
    for id, there in index.readable():
        for reader in there.readers:
            if reader.name not in wanted:
                continue
            is_near = within is None or (
                id == within[0] and within[1] in there.enclosing(reader.scope)
            )
            if is_near or reader.name in _SEEN_BY_ALL.get(kind, frozenset()):
                found.append((id, reader))
    return found


def reader_note(index: NotebookIndex, readers: Iterable[tuple[str, Reader]]) -> str | None:
    """A note that names the cells that read names as text; None if none does."""
    found = list(readers)
    if not found:
        return None
    cells = sorted({index.number(id) for id, _ in found})
    what = sorted({reader.name.removesuffix("()") for _, reader in found})
    listed = ", ".join(f"`{name}`" for name in what[:3])
    verb = "looks names up" if len(cells) == 1 else "look names up"
    return f"{listed_cells(cells)} {verb} as text ({listed}): not checked"


def words_in_strings(
    index: NotebookIndex, old: str, new: str, *, whole: bool = False
) -> Iterator[Change]:
    """The name in the code's strings: as a word, or only where it is the `whole` string."""
    word = whole_word(old)
    for id, there in index.readable():
        source = there.masked.source
        if old not in source:
            continue
        for start, end in there.strings:
            if whole:
                if source[start:end] == old:
                    yield Change(id, start, end, new)
            else:
                yield from text_changes(id, source, word, new, start, end)


def is_spelt_elsewhere(index: NotebookIndex, name: str) -> bool:
    """Whether the code says a name in a string, or as an attribute of something."""
    return any(words_in_strings(index, name, name)) or any(
        attribute.name == name for _, there in index.readable() for attribute in there.attributes
    )


def printed_names(index: NotebookIndex, changes: Collection[Change]) -> str | None:
    """A note where the spelling of a changed name is printed: `{x=}`, `print(Box)`."""
    cells: set[int] = set()
    for change in changes:
        there = index.cells.get(change.cell)
        if there is not None and _is_printed(there, change):
            cells.add(index.number(change.cell))
    return _prints(cells)


def _is_printed(there: CellIndex, change: Change) -> bool:
    return any(start <= change.start < end for start, end in there.self_named)


def shown_note(index: NotebookIndex, changes: Collection[Change]) -> str | None:
    """A note where a function or class itself is printed, which shows its name."""
    places = {(change.cell, change.start) for change in changes}
    cells = {
        index.number(id)
        for id, there in index.readable()
        for reader in there.readers
        if reader.name == "shown" and (id, reader.start) in places
    }
    return _prints(cells)


def _prints(cells: set[int]) -> str | None:
    if not cells:
        return None
    return f"{listed_cells(sorted(cells))} print{'s' * (len(cells) == 1)} the name itself"


def unpacked_keys(index: NotebookIndex, old: str, new: str) -> set[Change]:
    """The keys, as strings or in `dict(…)`, that `**` may make keywords of."""
    return set(words_in_strings(index, old, new, whole=True)) | {
        Change(id, word.start, word.end, new)
        for id, there in index.readable()
        for word in there.keywords
        if word.name == old and word.callee == "dict"
    }
