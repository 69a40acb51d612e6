"""Where a class's name is seen beside its uses: in what is printed, and in its private names."""

from __future__ import annotations

from collections.abc import Collection

from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.classes import family_of, outside_bases
from nextedit_jupyter.analysis.rename.plan import Change, listed_cells
from nextedit_jupyter.analysis.rename.records import shows_fields


def class_name_notes(index: NotebookIndex, changes: Collection[Change], old: str) -> list[str]:
    """What shows the old name of the classes that are renamed, and may be printed or looked up."""
    notes: list[str] = []
    starts = {(change.cell, change.start) for change in changes}
    for id, there in index.readable():
        for owner in there.classes:
            if (id, owner.start) not in starts:
                continue
            family = family_of(index, id, owner.scope)
            bases = outside_bases(index, family).values()
            if shows_fields(index, family):
                notes.append(f"printing a `{old}` shows the class's name")
            if any(b is not None and issubclass(b, BaseException) for b in bases):
                notes.append(f"printing a `{old}` may show the class's name")
    private = f"_{old.lstrip('_')}__"
    cells = [
        index.number(id)
        for id, there in index.readable()
        if private in there.masked.source and old.strip("_")
    ]
    if cells:
        notes.append(f"{listed_cells(cells)} spell{'s' * (len(cells) == 1)} `{private}…`")
    return notes
