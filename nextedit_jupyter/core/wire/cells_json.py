"""A notebook's cells from JSON values and back, and which of them a request may carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from nextedit_jupyter.core.errors import WireError
from nextedit_jupyter.core.notebook import Cell, CellType, LeftOut, LeftOutReason, Notebook
from nextedit_jupyter.core.request import Bounds
from nextedit_jupyter.core.wire.fields import Fields
from nextedit_jupyter.core.wire.messages import CellWire

_CELL_TYPES: tuple[str, ...] = get_args(CellType)


def decode_cells(notebook: Mapping[str, Any], held: Mapping[str, Cell] | None = None) -> list[Cell]:
    """A notebook's cells; unchanged ones are taken from `held`. Raises WireError."""
    return _cells(Fields.objects(notebook, "cells"), held or {})


def _cells(items: Sequence[Mapping[str, Any]], held: Mapping[str, Cell]) -> list[Cell]:
    """The cells of `items`; unchanged ones are taken from `held`."""
    cells = []
    get = held.get
    for item in items:
        id = item.get("id")
        known = get(id) if id.__class__ is str else None
        is_plain = "tags" not in item and "editable" not in item
        if known is not None and is_plain and item.get("source") == known.source:
            count = item.get("execution_count")
            if (
                count == known.execution_count
                and count.__class__ is known.execution_count.__class__
                and item.get("type", "code") == known.type
                and not known.tags
                and known.editable
            ):
                cells.append(known)
                continue
        cells.append(_cell(item))
    return cells


def _cell(item: Mapping[str, Any]) -> Cell:
    type = item.get("type", "code")
    id, source, count = item.get("id"), item.get("source"), item.get("execution_count")
    if (  # the path of a thousand cells per keystroke, three times faster than the general one
        type in _CELL_TYPES
        and id.__class__ is str
        and source.__class__ is str
        and (count is None or count.__class__ is int)
        and "tags" not in item
        and "editable" not in item
    ):
        return Cell(id, cast(CellType, type), source, count)
    editable = item.get("editable", True)
    if not isinstance(editable, bool):
        raise WireError("editable must be a boolean")
    if type not in _CELL_TYPES:
        raise WireError(f"a cell's type must be one of {', '.join(_CELL_TYPES)}")
    return Cell(
        id=Fields.string(item, "id"),
        type=cast(CellType, type),
        source=Fields.string(item, "source"),
        execution_count=Fields.count(item, "execution_count"),
        tags=Fields.strings(item, "tags"),
        editable=editable,
    )


def encode_cell(cell: Cell) -> CellWire:
    wire: CellWire = {
        "id": cell.id,
        "type": cell.type,
        "source": cell.source,
        "execution_count": cell.execution_count,
    }
    if cell.tags:
        wire["tags"] = list(cell.tags)
    if not cell.editable:
        wire["editable"] = False
    return wire


def within_bounds(cells: list[Cell], caret_cell: str, bounds: Bounds) -> list[Cell]:
    """The cells within the bounds, those near the caret first, in document order."""
    lengths = [len(cell.source) for cell in cells]
    # A code point takes at most four bytes: most notebooks need no exact count.
    if 4 * max(lengths, default=0) <= bounds.cell_bytes and (
        4 * sum(lengths) <= bounds.notebook_bytes
    ):
        return cells
    sizes = [len(cell.source.encode("utf-8", "surrogatepass")) for cell in cells]
    at = next((i for i, cell in enumerate(cells) if cell.id == caret_cell), None)
    if at is None:
        return cells
    if sizes[at] > bounds.cell_bytes:
        raise WireError(
            f"the cell has {sizes[at]} bytes, at most {bounds.cell_bytes} are served; split it",
            code="too_large",
        )
    keep, left = set(), bounds.notebook_bytes
    for i in sorted(range(len(cells)), key=lambda i: abs(i - at)):
        if sizes[i] > bounds.cell_bytes:
            continue
        left -= sizes[i]
        if left < 0:
            break
        keep.add(i)
    return [cell for i, cell in enumerate(cells) if i in keep]


def left_out_cells(
    told: Sequence[Mapping[str, Any]], cells: list[Cell], kept: list[Cell], bounds: Bounds
) -> tuple[LeftOut, ...]:
    """The cells that the client left out, and those that `kept` lacks of `cells`."""
    found = []
    for item in told[: bounds.left_out]:
        reason = item.get("reason")
        if reason not in get_args(LeftOutReason):
            raise WireError(f"reason must be one of {', '.join(get_args(LeftOutReason))}")
        number = Fields.integer(item, "number")
        if number < 1:
            raise WireError("a cell's number must be positive")
        found.append(LeftOut(number, cast(LeftOutReason, reason)))
    found.sort(key=lambda cell: cell.number)
    if len(kept) == len(cells):
        return tuple(found)
    ids = {cell.id for cell in kept}
    numbers = Notebook("", tuple(cells), tuple(found)) if _are_unique(cells) else None
    for cell in cells:
        if cell.id not in ids and numbers is not None:
            size = len(cell.source.encode("utf-8", "surrogatepass"))
            why: LeftOutReason = "too_large" if size > bounds.cell_bytes else "too_far"
            found.append(LeftOut(numbers.number(cell.id), why))
    return tuple(sorted(found, key=lambda cell: cell.number))


def _are_unique(cells: list[Cell]) -> bool:
    return len({cell.id for cell in cells}) == len(cells)
