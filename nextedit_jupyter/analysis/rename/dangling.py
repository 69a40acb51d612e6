"""Uses that were left behind: their name is defined no more, and one of them got the new one."""

from __future__ import annotations

import builtins

from nextedit_jupyter.analysis.bindings import MODULE
from nextedit_jupyter.analysis.flow import Place
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.plan import Change, RenamePlan


def is_dangling(index: NotebookIndex, old: str, new: str) -> bool:
    """Whether no cell defines `old` any more, while one defines `new`: uses were left behind.

    Not where `new` is made of `old`, as in `fig, ax = plt.subplots()`: then both are meant.
    """
    return (
        not hasattr(builtins, old)
        and not index.stars
        and not any(there.broken for there in index.cells.values())
        and not index.definitions(old)
        and bool(index.definitions(new))
        and not any(_reads(index, place, old) for place in index.definitions(new))
    )


def _reads(index: NotebookIndex, place: Place, name: str) -> bool:
    """Whether the statement at a place reads a name."""
    here = index.cells[place[0]]
    statement = here.names[place[1]].statement
    return any(
        here.names[i].statement == statement and here.names[i].op == "read"
        for i in here.streams.get((MODULE, name), ())
    )


def plan_dangling(index: NotebookIndex, old: str, new: str) -> RenamePlan:
    changes = []
    for cell, places in index.module_places(old).items():
        here = index.cells[cell]
        for i in places:
            name = here.names[i]
            captured = any(
                new in here.scopes[scope].binds
                for scope in here.enclosing(name.scope)
                if scope != MODULE
            )
            if not captured:
                changes.append(Change(cell, name.start, name.end, new))
    notes: tuple[str, ...] = (f"no cell defines `{old}`",)
    if index.facts.named(old) is not None:
        notes += (f"`{old}` still exists in the kernel",)
    return RenamePlan(
        "variable",
        old,
        new,
        index.notebook,
        tuple(changes),
        notes=notes,
        confidence=0.9,
        is_guess=True,
    )
