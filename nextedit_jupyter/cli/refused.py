"""`doctor --secrets FILE`: which cells of a notebook are refused and why, never the text itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nextedit_jupyter.cli.paint import Paint, visible
from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.core.redact import find_secret

MAX_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class Refused:
    """A cell that is refused: its number among all cells and the line of the secret, from 1."""

    cell: int
    line: int
    what: str


def report(file: Path, *, as_json: bool, paint: Paint) -> int:
    """Print what is refused in a notebook; 1 if anything is, else 0. Raises NextEditError."""
    sources = list(cells_of(file))
    found = list(refused(sources))
    if as_json:
        print(json.dumps({"cells": len(sources), "refused": [asdict(one) for one in found]}))
        return 1 if found else 0
    for one in found:
        place = f"cell {one.cell}, line {one.line}"
        print(f"{paint('red', 'refused')}  {place:<20}  {visible(one.what)}")
    if found:
        print()
        print(
            f"{len(found)} of {len(sources)} cells contain a secret: they are shown to no model, "
            "sent nowhere and never recorded"
        )
    else:
        print(f"no secret was recognised in {len(sources)} cells")
    return 1 if found else 0


def refused(sources: list[str]) -> Iterator[Refused]:
    for number, source in enumerate(sources, 1):
        found = find_secret(source)
        if found is not None:
            yield Refused(number, source.count("\n", 0, found.start) + 1, found.what)


def cells_of(file: Path) -> Iterator[str]:
    """The sources of a notebook's cells; any other file counts as one cell."""
    try:
        if file.is_file() and file.stat().st_size > MAX_BYTES:
            raise NextEditError(f"{file} is larger than {MAX_BYTES // 1_000_000} MB")
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NextEditError(f"{file} cannot be read: {error.strerror}") from None
    try:
        notebook = json.loads(text)
        cells = notebook["cells"]
    except (ValueError, KeyError, TypeError, RecursionError):
        yield text
        return
    for cell in cells if isinstance(cells, list) else ():
        yield _source(cell)


def _source(cell: Any) -> str:
    source = cell.get("source", "") if isinstance(cell, dict) else ""
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""
