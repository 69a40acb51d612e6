"""What a notebook is to us: cells with ids and texts, and a caret in one of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from nextedit_jupyter.core.languages import common_language

CellType = Literal["code", "markdown", "raw"]


def text_hash(text: str) -> str:
    """The first 16 hex digits of the sha256 of the text's UTF-8, by which edits are addressed.

    Lone surrogates, which UTF-8 forbids, are hashed as if they were allowed.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. `execution_count` is None if the cell did not run as it stands."""

    id: str
    type: CellType
    source: str
    execution_count: int | None = None
    tags: tuple[str, ...] = ()

    @property
    def is_code(self) -> bool:
        return self.type == "code"


@dataclass(frozen=True, slots=True)
class Caret:
    """A place in a cell's text, in code points."""

    cell: str
    offset: int


@dataclass(frozen=True, slots=True)
class Notebook:
    """Cells in document order. Ids are unique; raises ValueError if they are not.

    `language` is the common name, in lower case, whatever name was given.
    """

    language: str
    cells: tuple[Cell, ...]
    # A rename asks for a cell once a place: by search that was half of its time over 200 cells.
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

    @property
    def code_cells(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.is_code)
