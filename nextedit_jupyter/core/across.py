"""A rename over documents: what is asked, and what follows in each of them."""

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

    `to` is the new name that was asked for; None where the cell read `before` until just now, and a
    rename by hand is to be carried on.
    """

    path: str
    cell: str
    offset: int
    open: tuple[OpenDocument, ...]
    to: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class CellChanges:
    """What follows in one cell, whose text is `source`; `number` is its place in the document."""

    cell: str
    number: int
    source: str
    replacements: tuple[Replacement, ...]


@dataclass(frozen=True, slots=True)
class DocumentChanges:
    """What follows in one document; one that is not open is a file."""

    path: str
    is_open: bool
    cells: tuple[CellChanges, ...]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The documents that follow a rename, that of the caret first."""

    old: str
    new: str
    documents: tuple[DocumentChanges, ...]
    notes: tuple[str, ...] = ()
