"""The part of the protocol about other documents: `across` and `elsewhere`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nextedit_jupyter.core.across import Across, Elsewhere, OpenDocument
from nextedit_jupyter.core.errors import WireError
from nextedit_jupyter.core.notebook import Cell
from nextedit_jupyter.core.wire import ElsewhereWire, Utf16

MAX_OPEN = 50  # documents
MAX_CELLS = 5_000


def decode_across(value: Mapping[str, Any]) -> Across:
    """A request's `across`, its offset in code points. Raises WireError."""
    try:
        found = value["across"]
        documents = tuple(
            OpenDocument(_text(one["path"]), tuple(map(_cell, one["cells"][:MAX_CELLS])))
            for one in found["open"][:MAX_OPEN]
        )
        path, cell, offset = _text(found["path"]), _text(found["cell"]), found["offset"]
        to, before = found.get("to"), found.get("before")
    except (KeyError, TypeError, AttributeError) as error:
        raise WireError(f"across is malformed: {type(error).__name__}") from None
    if isinstance(offset, bool) or not isinstance(offset, int):
        raise WireError("across.offset must be an integer")
    if not all(text is None or isinstance(text, str) for text in (to, before)):
        raise WireError("across.to and across.before must be strings")
    if len({document.path for document in documents}) != len(documents) or any(
        len({cell.id for cell in document.cells}) != len(document.cells) for document in documents
    ):
        raise WireError("a document may be open only once, and cell ids must be unique")
    if value.get("offsets", "utf-16") == "utf-16":
        sources = [c.source for d in documents if d.path == path for c in d.cells if c.id == cell]
        offset = Utf16(sources[0]).to_code_points(offset) if sources else offset
    return Across(path, cell, offset, documents, to, before)


def encode_elsewhere(found: Elsewhere, offsets: str) -> ElsewhereWire:
    """The changes in other documents as JSON values, in the units that the request asked for."""

    def units(source: str, at: int) -> int:
        return Utf16(source).to_units(at) if offsets == "utf-16" else at

    return {
        "old": found.old,
        "new": found.new,
        "documents": [
            {
                "path": document.path,
                "open": document.is_open,
                "cells": [
                    {
                        "cell": cell.cell,
                        "number": cell.number,
                        "source": cell.source,
                        "edits": [
                            {
                                "start": units(cell.source, r.start),
                                "end": units(cell.source, r.end),
                                "text": r.text,
                            }
                            for r in cell.replacements
                        ],
                    }
                    for cell in document.cells
                ],
            }
            for document in found.documents
        ],
        "notes": list(found.notes),
    }


def _cell(value: Mapping[str, Any]) -> Cell:
    kind = value.get("type", "code")
    if kind not in ("code", "markdown", "raw"):
        raise WireError("a cell must be code, markdown or raw")
    tags = tuple(tag for tag in value.get("tags", ()) if isinstance(tag, str))
    editable = value.get("editable", True) is not False
    return Cell(_text(value["id"]), kind, _text(value["source"]), tags=tags, editable=editable)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
