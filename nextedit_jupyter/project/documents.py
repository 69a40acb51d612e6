"""The documents that a rename can change: open ones in their present state, and files on disk."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nextedit_jupyter.analysis.index import NotebookIndex, index_notebook
from nextedit_jupyter.core import Cell, Notebook, OpenDocument
from nextedit_jupyter.core.languages import common_language
from nextedit_jupyter.core.tags import OFF_TAG
from nextedit_jupyter.project.below_root import Limits, Root
from nextedit_jupyter.project.imports import Resolver, added_folders
from nextedit_jupyter.project.parts import is_guarded

MAX_CANDIDATES = 200
# The user waits for a rename, so its scan of the folder is shorter than one in the background.
SCAN_LIMITS = Limits(files=MAX_CANDIDATES, entries=4_000, seconds=1.0)
FILE_CELL = "file"
# Why cells are left unchanged; shown after a document's path.
GUARDED = "uses the name in a cell that is locked or switched off"
FILE_GUARDED = "uses the name and has a cell that is locked or switched off: left alone"
LINE_ENDS = "uses the name in a cell with Windows line endings"


@dataclass(eq=False)
class ProjectDocument:
    """One document by its path. A module is a notebook of one cell.

    `numbers` are the positions of its cells in the file, from 0. `skipped` are code cells that must
    not be changed, with the reason and their texts. `unread` are switched-off cells whose text the
    page does not send, by position from 1. `is_withheld`: it is open, but the page did not send it.
    """

    path: str
    notebook: Notebook
    is_open: bool
    root: Root
    numbers: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[tuple[str, str], ...] = ()
    unread: tuple[int, ...] = ()
    is_withheld: bool = False

    @property
    def is_module(self) -> bool:
        return self.path.endswith(".py")

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @cached_property
    def index(self) -> NotebookIndex:
        return index_notebook(self.notebook)

    @cached_property
    def resolver(self) -> Resolver:
        return Resolver(self.root, self.folder, added_folders(self.notebook, self.folder))


def opened(document: OpenDocument, root: Root) -> ProjectDocument:
    """An open document: its state in the page counts, not the file on disk."""
    is_file = document.path.endswith(".py")

    def why_not(cell: Cell) -> str | None:
        if is_file and (not cell.editable or is_guarded(cell.source)):
            return FILE_GUARDED
        if not cell.editable or cell.is_off:
            return GUARDED
        # The editor counts a CR LF as one character, the document as two.
        return LINE_ENDS if "\r" in cell.source else None

    reasons = {cell.id: why_not(cell) for cell in document.cells}
    unread = {
        cell.id: number
        for number, cell in enumerate(document.cells, 1)
        if cell.is_code and cell.is_off and not is_file
    }
    return ProjectDocument(
        document.path,
        Notebook("python", tuple(cell for cell in document.cells if reasons[cell.id] is None)),
        is_open=True,
        root=root,
        numbers={cell.id: i for i, cell in enumerate(document.cells)},
        skipped=tuple(
            (why, cell.source)
            for cell in document.cells
            if cell.is_code and cell.id not in unread and (why := reasons[cell.id]) is not None
        ),
        unread=tuple(unread.values()),
        is_withheld=not document.cells,
    )


def closed(path: str, text: str, root: Root) -> ProjectDocument | None:
    """A file in the folder; None if it cannot be read as Python or a Python notebook."""
    if path.endswith(".py"):
        if is_guarded(text):
            none = Notebook("python", ())
            return ProjectDocument(path, none, False, root, skipped=((FILE_GUARDED, text),))
        return ProjectDocument(
            path, Notebook("python", (Cell(FILE_CELL, "code", text),)), False, root
        )
    try:
        value = json.loads(text)
        language = value.get("metadata", {}).get("kernelspec", {}).get("language") or "python"
        cells = list(value["cells"])
        found = [cell for i, value in enumerate(cells) if (cell := _cell(i, value)) is not None]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(language, str) or common_language(language) != "python":
        return None
    may = tuple(cell for cell in found if cell.editable)
    numbers = {cell.id: int(cell.id.removeprefix("cell-")) for cell in may}
    skipped = tuple((GUARDED, cell.source) for cell in found if not cell.editable)
    return ProjectDocument(path, Notebook("python", may), False, root, numbers, skipped)


def candidates(
    root: Root, near: str, words: Sequence[str], known: Mapping[str, ProjectDocument]
) -> Iterator[ProjectDocument]:
    """Closed documents below the root that contain one of the words, nearest to `near` first."""
    scanned = Root(root.path, root.excluded, SCAN_LIMITS)
    word = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in words))
    count = 0
    for path in dict.fromkeys(scanned.walk([near, ""])):
        if path in known:
            continue
        count += 1
        if count > MAX_CANDIDATES:
            return
        text = scanned.read(path)
        if text is None or not word.search(text):
            continue
        document = closed(path, text, root)
        if document is not None:
            yield document


def _cell(number: int, value: Mapping[str, object]) -> Cell | None:
    """A code cell, marked as not editable if it must not be changed; None for other types."""
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    tags = metadata.get("tags")
    if value.get("cell_type") != "code":
        return None
    is_off = isinstance(tags, list) and OFF_TAG in tags
    may = not is_off and metadata.get("editable") is not False
    source = value.get("source", "")
    text = "".join(source) if isinstance(source, list) else source
    if not isinstance(text, str):
        return None
    return Cell(f"cell-{number}", "code", text, editable=may)
