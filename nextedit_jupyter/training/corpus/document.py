"""The corpus's documents, each a list of code cells, and their JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from nextedit_jupyter.core.files import written_beside

Kind = Literal["notebook", "gallery", "guide", "doctest", "module"]
Split = Literal["train", "validation", "test"]

KINDS: tuple[Kind, ...] = ("notebook", "gallery", "guide", "doctest", "module")


@dataclass(frozen=True, slots=True)
class Document:
    """One notebook, gallery script, documentation page, docstring or module as code cells.

    `cells` have only the code, without outputs and prose, each without trailing whitespace.
    """

    package: str
    path: str
    kind: Kind
    cells: tuple[str, ...]

    @property
    def chars(self) -> int:
        return sum(len(cell) + 1 for cell in self.cells)


def write_documents(path: Path, documents: Iterable[Document]) -> int:
    """Write the file atomically, one JSON object per line; returns the number of documents."""
    count = 0
    with written_beside(path) as beside, beside.open("w", encoding="utf-8") as file:
        for document in documents:
            file.write(json.dumps(asdict(document), ensure_ascii=True) + "\n")
            count += 1
    return count


def read_documents(path: Path) -> Iterator[Document]:
    """Read what `write_documents` wrote."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            raw = json.loads(line)
            raw["cells"] = tuple(raw["cells"])
            yield Document(**raw)
