"""What a notebook is to us: cells with ids and texts, and a caret in one of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

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
    """Cells in document order. Ids are unique; raises ValueError if they are not."""

    language: str
    cells: tuple[Cell, ...]

    def __post_init__(self) -> None:
        if len({cell.id for cell in self.cells}) != len(self.cells):
            raise ValueError("cell ids must be unique")

    def cell(self, id: str) -> Cell | None:
        return next((cell for cell in self.cells if cell.id == id), None)

    def index(self, id: str) -> int | None:
        return next((i for i, cell in enumerate(self.cells) if cell.id == id), None)

    @property
    def code_cells(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.is_code)
