"""Notebooks for measurements: from files, the packaged examples, and generated ones.

Reads the parts of nbformat 4 that suggestions need with the standard library's json, without
Jupyter.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.core.notebook import Cell, CellType, Notebook

_TYPES: dict[Any, CellType] = {"code": "code", "markdown": "markdown", "raw": "raw"}


def read_notebook(path: Path) -> Notebook:
    """The cells of an nbformat 4 `.ipynb` file. Raises NextEditError for any other file.

    Cells without an id, from before nbformat 4.5, are named by their index.
    """
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise NextEditError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise NextEditError(f"{path} is not a notebook: it is not JSON") from None
    cells = value.get("cells") if isinstance(value, dict) else None
    if not isinstance(cells, list):
        raise NextEditError(f"{path} is not a notebook of nbformat 4: it has no cells")
    read: dict[str, Cell] = {}
    for place, item in enumerate(cells):
        if not isinstance(item, dict):
            raise NextEditError(f"{path}: cell {place} is not an object")
        id = item.get("id")
        if not isinstance(id, str) or id in read:
            id = f"cell-{place}"
        read[id] = Cell(id, _TYPES.get(item.get("cell_type"), "raw"), _source(item.get("source")))
    return Notebook(_language(value), tuple(read.values()))


def example_path(name: str = "tour") -> Path:
    """A packaged notebook. Raises NextEditError if this installation has none.

    It lies in `_examples` of an installed package and in `examples` of a checkout.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_examples", package.parent / "examples"):
        path = folder / f"{name}.ipynb"
        if path.is_file():
            return path
    raise NextEditError(f"this installation has no example {name!r}; name a notebook of yours")


def generated_notebook(cells: int, seed: int, *, lines: int = 6) -> Notebook:
    """A notebook of `cells` code cells like a data analysis, with words from `seed`.

    Each cell defines names that later cells use; 200 cells of 6 lines have about 40 kB. Two seeds
    have almost no line in common, so that a cache of one does not help the other.
    """
    words = _Words(seed)
    made: list[Cell] = []
    frame = words.name()
    known = [frame]
    for place in range(cells):
        source: list[str] = []
        if place == 0:
            source = ["import numpy as np", "import pandas as pd", ""]
            source.append(f'{frame} = pd.read_csv("{words.name()}.csv")')
        while len(source) < lines:
            name, old = words.name(), words.random.choice(known[-12:])
            source += words.random.choice(
                [
                    [f'{name} = {frame}.groupby("{words.word()}")["{words.word()}"].mean()'],
                    [f"{name} = {old} * {words.random.random():.3f}"],
                    [
                        f"def {name}({words.word()}, scale={words.random.randint(1, 99)}):",
                        f"    return {old} + scale",
                    ],
                    [
                        f"for row in range({words.random.randint(2, 99)}):",
                        f"    {name} = {old} + row",
                    ],
                    [f'{name} = {{"{words.word()}": {old}, "{words.word()}": {frame}}}'],
                    [f'{name} = np.where({old} > 3, "{words.word()}", "{words.word()}")'],
                ]
            )
            known.append(name)
        made.append(Cell(f"g{seed}-{place}", "code", "\n".join(source), place + 1))
    return Notebook("python", tuple(made))


class _Words:
    """Pronounceable names from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def word(self) -> str:
        return "".join(
            self.random.choice("bcdfghjklmnprstvz") + self.random.choice("aeiou")
            for _ in range(self.random.randint(2, 3))
        )

    def name(self) -> str:
        return f"{self.word()}_{self.word()}"


def _source(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _language(value: dict[str, Any]) -> str:
    metadata = value.get("metadata")
    info = metadata.get("language_info") if isinstance(metadata, dict) else None
    name = info.get("name") if isinstance(info, dict) else None
    return name if isinstance(name, str) and name else "python"
