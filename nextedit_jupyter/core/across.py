"""A rename across documents: the request, and the changes in each document."""

from __future__ import annotations

from dataclasses import dataclass

from nextedit_jupyter.core.notebook import Cell
from nextedit_jupyter.core.text_edit import Replacement


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """A document as it stands in an editor. A file is one cell."""

    path: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Across:
    """`path`, `cell` and `offset` are the caret's; the document is one of `open`.

    `to` is the new name that was asked for; None if the cell was `before` until just now, and a
    rename by hand is to be continued.
    """

    path: str
    cell: str
    offset: int
    open: tuple[OpenDocument, ...]
    to: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class CellChanges:
    """The changes in one cell, whose text is `source`; `number` is its position in the document."""

    cell: str
    number: int
    source: str
    replacements: tuple[Replacement, ...]


@dataclass(frozen=True, slots=True)
class DocumentChanges:
    """The changes in one document; one that is not open is a file."""

    path: str
    is_open: bool
    cells: tuple[CellChanges, ...]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The documents that a rename changes, the one with the caret first."""

    old: str
    new: str
    documents: tuple[DocumentChanges, ...]
    notes: tuple[str, ...] = ()
