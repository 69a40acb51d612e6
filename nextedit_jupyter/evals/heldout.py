"""Held-out notebooks to measure on, each with the package it comes from.

They come from a file of documents, one JSON object per line as `train data` writes them, or from
source distributions that are downloaded by name on request. Nothing in them is run.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextedit_jupyter.core import Cell, KernelFacts, NamedObject, Notebook
from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.evals.guessed_names import columns_used, guess_names
from nextedit_jupyter.evals.sdists import notebooks

MAX_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class HeldOut:
    """`kind` is notebook, gallery, guide, doctest or module."""

    package: str
    path: str
    kind: str
    notebook: Notebook

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(cell.source for cell in self.notebook.code_cells)


@dataclass(frozen=True, slots=True)
class HeldOutPlace:
    """A code cell of a document, by its index among all cells."""

    document: HeldOut
    index: int

    @property
    def source(self) -> str:
        return self.document.notebook.cells[self.index].source


def held_out(package: str, path: str, kind: str, cells: Sequence[str]) -> HeldOut:
    """A document of code cells."""
    made = tuple(Cell(f"c{i}", "code", source) for i, source in enumerate(cells))
    return HeldOut(package, path, kind, Notebook("python", made))


def read_documents(path: Path) -> list[HeldOut]:
    """Read a file of JSON lines. Raises NextEditError, which names an invalid line."""
    found = []
    try:
        if path.stat().st_size > MAX_BYTES:
            raise NextEditError(f"{path} is larger than {MAX_BYTES // 10**6} MB: take a part of it")
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    found.append(_document(line, f"{path}, line {number}"))
    except OSError as error:
        raise NextEditError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise NextEditError(f"{path} is not UTF-8: give a file that `train data` wrote") from None
    if not found:
        raise NextEditError(f"{path} holds no documents")
    return found


def _document(line: str, where: str) -> HeldOut:
    try:
        value: Any = json.loads(line)
        texts = [value[key] for key in ("package", "path", "kind")]
        cells = value["cells"]
        good = all(isinstance(text, str) for text in [*texts, *cells]) and isinstance(cells, list)
    except (ValueError, RecursionError, KeyError, TypeError):
        good = False
    if not good:
        raise NextEditError(f"{where} is no document with package, path, kind and cells")
    return held_out(texts[0], texts[1], texts[2], cells)


def fetch_documents(packages: Sequence[str], cache: Path) -> list[HeldOut]:
    """The notebooks of source distributions, each named as NAME==VERSION."""
    for package in packages:
        if not all(package.partition("==")[::2]):
            raise NextEditError(f"name the package with its version, as in {package}==1.0")
    return [
        HeldOut(name.partition("/")[0], name.partition("/")[2], "notebook", notebook)
        for name, notebook in notebooks(cache, tuple(packages))
    ]


def choose_places(
    documents: Iterable[HeldOut], count: int, rng: random.Random, *, each: int = 4
) -> list[HeldOutPlace]:
    """`count` code cells of 20 to 600 characters with cells above them, alternating between
    packages.

    At most `each` per document, only from notebooks and galleries, which are written top down.
    """
    by_package: dict[str, list[HeldOutPlace]] = {}
    chosen = [d for d in documents if d.kind in ("notebook", "gallery")]
    rng.shuffle(chosen)
    for document in chosen:
        fit = [
            index
            for index, cell in enumerate(document.notebook.cells)
            if index
            and cell.is_code
            and 20 <= len(cell.source) <= 600
            and not cell.source.lstrip().startswith("%%")
        ]
        places = [HeldOutPlace(document, index) for index in rng.sample(fit, min(each, len(fit)))]
        by_package.setdefault(document.package, []).extend(places)
    for places in by_package.values():
        rng.shuffle(places)
    queues = [by_package[package] for package in sorted(by_package)]
    taken: list[HeldOutPlace] = []
    while len(taken) < count and any(queues):
        for queue in queues:
            if queue and len(taken) < count:
                taken.append(queue.pop())
    return taken


def kernel_facts(document: HeldOut, index: int, rng: random.Random) -> KernelFacts:
    """What a kernel would know after the cells above `index` have run, as far as the code shows."""
    sources = [cell.source for cell in document.notebook.cells[:index] if cell.is_code]
    columns = columns_used(document.sources)
    names: tuple[NamedObject, ...] = guess_names(sources, columns=columns, rng=rng)
    return KernelFacts(names=names)
