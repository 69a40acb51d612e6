"""The language of a cell: its notebook's, or that of its cell magic."""

from __future__ import annotations

import re
from dataclasses import replace

from nextedit_jupyter.analysis.magic_names import CODE_CELL_MAGICS
from nextedit_jupyter.core import Cell, Notebook, SuggestRequest
from nextedit_jupyter.core.languages import common_language

_CELL_MAGIC = re.compile(r"\s*%%(?P<name>[\w.]+)(?P<line>[^\n]*)")
# Languages of the cell magics of IPython and common extensions, if they differ from the magic's
# name.
_OF_MAGIC = {
    "js": "javascript",
    "r": "r",
    "sh": "bash",
    "bash": "bash",
    "system": "bash",
    "sx": "bash",
    "bigquery": "sql",
    "duckdb": "sql",
    "sql": "sql",
    "python2": "python",
    "python3": "python",
    "pypy": "python",
    "python": "python",
    "cython": "python",
    "rmagic": "r",
    "svg": "html",
}


def cell_language(cell: Cell, notebook: Notebook) -> str:
    """The language of a cell, in lower case. Text cells have their notebook's language.

    `%%script NAME` runs NAME; an unknown cell magic counts as a language of its own.
    """
    whole = notebook.language
    if not cell.is_code or whole != "python":
        return whole
    match = _CELL_MAGIC.match(cell.source)
    if match is None or match["name"] in CODE_CELL_MAGICS:
        return whole
    name = match["name"]
    if name == "script":
        words = [word for word in match["line"].split() if not word.startswith("-")]
        name = words[0].rsplit("/", 1)[-1] if words else name
    name = name.lower()
    return common_language(_OF_MAGIC.get(name, name))


def language_at_caret(request: SuggestRequest) -> str:
    return cell_language(request.cell, request.notebook)


def in_language(request: SuggestRequest, language: str) -> SuggestRequest:
    """The request as seen by a model for another language: only the cells in that language."""
    cells = tuple(
        cell
        for cell in request.notebook.cells
        if cell.is_code and cell_language(cell, request.notebook) == language
    )
    ids = {cell.id for cell in cells}
    return replace(
        request,
        notebook=Notebook(language, cells),
        history=tuple(event for event in request.history if event.cell in ids),
    )
