"""A request from JSON values and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast, get_args

from nextedit_jupyter.core.errors import WireError
from nextedit_jupyter.core.facts import KernelFacts
from nextedit_jupyter.core.history import ORIGINS, EditEvent, Origin
from nextedit_jupyter.core.notebook import Caret, Cell, Notebook
from nextedit_jupyter.core.request import Bounds, Place, SuggestRequest
from nextedit_jupyter.core.suggestion import KINDS, Kind
from nextedit_jupyter.core.wire.cells_json import (
    decode_cells,
    encode_cell,
    left_out_cells,
    within_bounds,
)
from nextedit_jupyter.core.wire.facts_json import decode_facts, encode_facts
from nextedit_jupyter.core.wire.fields import Fields
from nextedit_jupyter.core.wire.messages import EventWire, LeftOutWire, Offsets, RequestWire
from nextedit_jupyter.core.wire.utf16 import Utf16


def decode_line(line: str | bytes, bounds: Bounds | None = None) -> SuggestRequest:
    """Read one line of JSON. Raises WireError."""
    return decode_request(parse_line(line, bounds), bounds)


def parse_line(line: str | bytes, bounds: Bounds | None = None) -> dict[str, Any]:
    """One line as a JSON object within `bounds.request_bytes`. Raises WireError."""
    bounds = bounds or Bounds()
    size = len(line) if isinstance(line, bytes) else len(line.encode("utf-8", "surrogatepass"))
    if size > bounds.request_bytes:
        raise WireError(
            f"the request has {size} bytes, at most {bounds.request_bytes} are served; "
            "send fewer cells",
            code="too_large",
        )
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:  # a 5,000-digit integer is a ValueError too
        raise WireError(f"this is not JSON: {type(error).__name__}", code="bad_json") from None
    if not isinstance(value, dict):
        raise WireError("a request must be a JSON object", code="bad_json")
    return value


def request_id(value: Mapping[str, Any]) -> int | str | None:
    """The id for the answer, whatever else is wrong with the request."""
    id = value.get("id")
    return id if isinstance(id, int | str) and not isinstance(id, bool) else None


def decode_request(
    value: Mapping[str, Any],
    bounds: Bounds | None = None,
    held: Mapping[str, Cell] | None = None,
) -> SuggestRequest:
    """Check and convert a request, which can be trusted afterwards. Raises WireError.

    `held` are cells of an earlier request by id: unchanged ones are reused, which saves creating a
    thousand cells per keystroke and hashing their texts again.

    Cells beyond `bounds.cell_bytes`, and beyond `bounds.notebook_bytes` counted outwards from the
    caret, are left out and listed in the notebook. Unknown fields are ignored; a caret in a cell
    that is too large is an error.
    """
    bounds = bounds or Bounds()
    if value.get("version", 1) != 1:
        raise WireError("version is 1: nothing is held here, send everything")
    notebook = Fields.object(value, "notebook")
    return assemble_request(
        value,
        bounds,
        cells=decode_cells(notebook, held),
        events=[decode_event(item) for item in Fields.objects(value, "history", optional=True)],
        facts=decode_facts(Fields.object(value, "facts", optional=True)),
    )


def assemble_request(
    value: Mapping[str, Any],
    bounds: Bounds,
    *,
    cells: list[Cell],
    events: Sequence[EditEvent],
    facts: KernelFacts,
) -> SuggestRequest:
    """A request from its decoded parts and the other fields of `value`. Raises WireError."""
    read = Fields
    notebook = read.object(value, "notebook")
    cursor = read.object(value, "cursor")
    offsets = value.get("offsets", "utf-16")
    if offsets not in get_args(Offsets):
        raise WireError(f"offsets must be one of {', '.join(get_args(Offsets))}")
    cursor_cell = read.string(cursor, "cell")
    kept = within_bounds(cells, cursor_cell, bounds)
    left_out = left_out_cells(
        read.objects(notebook, "left_out", optional=True), cells, kept, bounds
    )
    caret_text = next((cell.source for cell in kept if cell.id == cursor_cell), None)
    if caret_text is None:
        raise WireError("cursor.cell is not a cell of the notebook")
    offset = read.integer(cursor, "offset")
    if offsets == "utf-16":
        offset = Utf16(caret_text).to_code_points(offset)
    want = value.get("want", list(KINDS))
    if not isinstance(want, list) or not all(kind in KINDS for kind in want):
        raise WireError(f"want must be a list of {', '.join(KINDS)}")
    deadline = read.number(value, "deadline_ms", 1_000.0)
    if deadline <= 0:
        raise WireError("deadline_ms must be a positive number")
    rename_to = value.get("rename_to")
    if rename_to is not None and not isinstance(rename_to, str):
        raise WireError("rename_to must be a string")
    bundle = value.get("bundle")
    if bundle is not None and not isinstance(bundle, str):
        raise WireError("bundle must be a string")
    drawn = value.get("drawn")
    if drawn is not None and not isinstance(drawn, str):
        raise WireError("drawn must be a string")
    try:
        return SuggestRequest(
            notebook=Notebook(read.string(notebook, "language"), tuple(kept), left_out),
            caret=Caret(cursor_cell, offset),
            history=tuple(events[-bounds.history_events :]),
            facts=facts,
            want=tuple(cast("list[Kind]", want)),
            deadline_ms=min(deadline, bounds.deadline_ms),
            rename_to=rename_to,
            changed=read.strings(value, "changed"),
            ran_before=read.strings(value, "ran_before") if "ran_before" in value else None,
            bundle=bundle or None,
            drawn=drawn,
            place=_place(read.object(value, "place", optional=True), bounds),
            id=request_id(value),
        )
    except ValueError as error:
        raise WireError(str(error)) from None


def decode_event(item: Mapping[str, Any]) -> EditEvent:
    """One edit of the history. Raises WireError."""
    origin = item.get("origin", "typed")
    if origin not in ORIGINS:
        raise WireError(f"an event's origin must be one of {', '.join(ORIGINS)}")
    return EditEvent(
        cell=Fields.string(item, "cell"),
        before=Fields.string(item, "before"),
        after=Fields.string(item, "after"),
        origin=cast(Origin, origin),
        at=Fields.number(item, "at", 0.0),
    )


def _place(value: Mapping[str, Any], bounds: Bounds) -> Place | None:
    if not value:
        return None
    path = Fields.string(value, "path")
    if len(path) > bounds.path_characters:
        return None
    excluded, recent = Fields.strings(value, "excluded"), Fields.strings(value, "recent")
    if len(excluded) > bounds.globs:  # read nothing rather than something that should be excluded
        return None
    neighbours = value.get("neighbours") is True
    return Place(path, excluded, recent[: bounds.recent_paths], neighbours)


def encode_request(request: SuggestRequest) -> RequestWire:
    """A request as JSON values, in code points."""
    wire: RequestWire = {
        "id": request.id,
        "offsets": "code-point",
        "notebook": {
            "language": request.notebook.language,
            "cells": [encode_cell(cell) for cell in request.notebook.cells],
        },
        "cursor": {"cell": request.caret.cell, "offset": request.caret.offset},
        "history": [cast(EventWire, asdict(event)) for event in request.history],
        "facts": encode_facts(request.facts),
        "want": list(request.want),
        "deadline_ms": request.deadline_ms,
    }
    if request.notebook.left_out:
        wire["notebook"]["left_out"] = [
            cast(LeftOutWire, asdict(cell)) for cell in request.notebook.left_out
        ]
    if request.rename_to is not None:
        wire["rename_to"] = request.rename_to
    if request.bundle is not None:
        wire["bundle"] = request.bundle
    if request.drawn is not None:
        wire["drawn"] = request.drawn
    if request.changed:
        wire["changed"] = list(request.changed)
    if request.ran_before is not None:
        wire["ran_before"] = list(request.ran_before)
    if request.place is not None:
        wire["place"] = {
            "path": request.place.path,
            "excluded": list(request.place.excluded),
            "recent": list(request.place.recent),
            "neighbours": request.place.neighbours,
        }
    return wire
