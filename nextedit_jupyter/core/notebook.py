"""The notebook model: cells with ids and texts, and a caret in one of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from nextedit_jupyter.core.languages import common_language
from nextedit_jupyter.core.tags import OFF_TAG

CellType = Literal["code", "markdown", "raw"]
LeftOutReason = Literal["too_large", "switched_off", "too_far"]


def text_hash(text: str) -> str:
    """The first 16 hex digits of the sha256 of the text's UTF-8, by which edits are addressed.

    Lone surrogates, which UTF-8 forbids, are hashed as if they were allowed.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. `execution_count` is None if the cell has not run in its present form.

    A cell that is not `editable` is locked: it is read but never changed.
    """

    id: str
    type: CellType
    source: str
    execution_count: int | None = None
    tags: tuple[str, ...] = ()
    editable: bool = True

    @property
    def is_code(self) -> bool:
        return self.type == "code"

    @property
    def is_off(self) -> bool:
        """Whether its tag excludes it from everything."""
        return OFF_TAG in self.tags


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A cell that is not in the request: its position in the document, from 1, and the reason."""

    number: int
    reason: LeftOutReason


@dataclass(frozen=True, slots=True)
class Caret:
    """A place in a cell's text, in code points."""

    cell: str
    offset: int


@dataclass(frozen=True, slots=True)
class Notebook:
    """Cells in document order. Ids are unique; raises ValueError if they are not.

    `language` is converted to the common name, in lower case. `left_out` are the document's cells
    that are not included, in order.
    """

    language: str
    cells: tuple[Cell, ...]
    left_out: tuple[LeftOut, ...] = ()
    # A rename looks up a cell for each place: a search took half of its time over 200 cells.
    _places: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = {cell.id: place for place, cell in enumerate(self.cells)}
        if len(places) != len(self.cells):
            raise ValueError("cell ids must be unique")
        object.__setattr__(self, "_places", places)
        object.__setattr__(self, "language", common_language(self.language))

    def cell(self, id: str) -> Cell | None:
        place = self._places.get(id)
        return None if place is None else self.cells[place]

    def index(self, id: str) -> int | None:
        return self._places.get(id)

    def number(self, id: str) -> int:
        """The cell's position in the document, from 1; cells left out count too."""
        number = self._places.get(id, 0) + 1
        for cell in self.left_out:
            number += cell.number <= number
        return number

    @property
    def code_cells(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.is_code)
