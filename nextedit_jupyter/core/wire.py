"""The protocol: one JSON object a line, read into a `SuggestRequest` and written from an `Answer`.

The `...Wire` TypedDicts are the protocol's one definition; the TypeScript types are generated from
them. A browser counts UTF-16 units and says so (`"offsets": "utf-16"`, the default); everything
behind this module counts code points. Every problem is a `WireError` with a code:

    bad_json      the line is not JSON, or not an object
    bad_request   a field is missing, of another type, or contradicts another
    too_large     a bound of `core.request.Bounds` is passed
    unknown_state what a request of version 2 changes is not held here (`core.changes`)
"""

from __future__ import annotations

import json
import math
import sys
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal, NotRequired, TypedDict, cast, get_args

from nextedit_jupyter.core.errors import NextEditError, WireError
from nextedit_jupyter.core.facts import (
    AxesFacts,
    CellRun,
    ColumnFacts,
    FigureFacts,
    KernelError,
    KernelFacts,
    NamedObject,
    TableFacts,
)
from nextedit_jupyter.core.history import ORIGINS, EditEvent, Origin
from nextedit_jupyter.core.notebook import Caret, Cell, CellType, LeftOut, LeftOutReason, Notebook
from nextedit_jupyter.core.request import Answer, Bounds, Place, SuggestRequest
from nextedit_jupyter.core.suggestion import KINDS, CellEdit, Kind, Suggestion

Offsets = Literal["utf-16", "code-point"]
_CELL_TYPES: tuple[str, ...] = get_args(CellType)


class CellWire(TypedDict):
    id: str
    type: CellType
    source: str
    execution_count: NotRequired[int | None]
    tags: NotRequired[list[str]]
    editable: NotRequired[bool]


class LeftOutWire(TypedDict):
    number: int
    reason: LeftOutReason


class NotebookWire(TypedDict):
    language: str
    cells: list[CellWire]
    left_out: NotRequired[list[LeftOutWire]]


class CursorWire(TypedDict):
    cell: str
    offset: int


class EventWire(TypedDict):
    cell: str
    before: str
    after: str
    origin: Origin
    at: float


class RunWire(TypedDict):
    cell: str
    hash: str
    count: NotRequired[int | None]


class NameWire(TypedDict):
    name: str
    type: str
    members: NotRequired[list[str]]
    subscripts: NotRequired[list[str]]
    keywords: NotRequired[list[str]]
    module: NotRequired[str]


class KernelErrorWire(TypedDict):
    cell: str
    line: int
    exception: str
    name: NotRequired[str]
    message: NotRequired[str]


class AxesWire(TypedDict):
    title: NotRequired[str]
    xlabel: NotRequired[str]
    ylabel: NotRequired[str]
    zlabel: NotRequired[str]
    xscale: NotRequired[str]
    yscale: NotRequired[str]
    xlim: NotRequired[list[float]]
    ylim: NotRequired[list[float]]
    legend: NotRequired[list[str]]
    kinds: NotRequired[list[str]]
    colors: NotRequired[list[str]]
    projection: NotRequired[str]
    legend_title: NotRequired[str]
    groups: NotRequired[list[str]]
    x: NotRequired[list[str]]
    y: NotRequired[list[str]]
    by: NotRequired[list[str]]
    names: NotRequired[list[str]]


class FigureWire(TypedDict):
    title: NotRequired[str]
    axes: NotRequired[list[AxesWire]]
    names: NotRequired[list[str]]


class ColumnWire(TypedDict):
    name: str
    dtype: NotRequired[str]
    levels: NotRequired[list[str]]


class TableWire(TypedDict):
    name: str
    shape: NotRequired[list[int]]
    dtype: NotRequired[str]
    columns: NotRequired[list[ColumnWire]]


class FactsWire(TypedDict):
    runs: NotRequired[list[RunWire]]
    names: NotRequired[list[NameWire]]
    error: NotRequired[KernelErrorWire | None]
    figures: NotRequired[list[FigureWire]]
    tables: NotRequired[list[TableWire]]


class PlaceWire(TypedDict):
    path: str
    excluded: NotRequired[list[str]]
    recent: NotRequired[list[str]]
    neighbours: NotRequired[bool]


class OpenDocumentWire(TypedDict):
    path: str
    cells: list[CellWire]


class AcrossWire(TypedDict):
    path: str
    cell: str
    offset: int
    open: list[OpenDocumentWire]
    to: NotRequired[str]
    before: NotRequired[str]


class RequestWire(TypedDict):
    id: int | str | None
    offsets: NotRequired[Offsets]
    notebook: NotebookWire
    cursor: CursorWire
    history: NotRequired[list[EventWire]]
    facts: NotRequired[FactsWire]
    want: NotRequired[list[Kind]]
    deadline_ms: NotRequired[float]
    rename_to: NotRequired[str]
    changed: NotRequired[list[str]]
    bundle: NotRequired[str]
    place: NotRequired[PlaceWire]
    across: NotRequired[AcrossWire]


class HeldWire(TypedDict):
    """Stands for what the page sent before under this hash."""

    hash: str


class HashedEventWire(EventWire):
    hash: NotRequired[str]


class HashedFactsWire(FactsWire):
    hash: NotRequired[str]


class ChangedNotebookWire(TypedDict):
    """The state `hash`: all its cells, or those that differ from the held state `base`."""

    language: str
    hash: str
    cells: list[CellWire]
    base: NotRequired[str]
    order: NotRequired[list[str]]
    left_out: NotRequired[list[LeftOutWire]]


class ChangedRequestWire(TypedDict):
    """Version 2 of a request: what the other side holds is named by its hash."""

    version: Literal[2]
    id: int | str | None
    offsets: NotRequired[Offsets]
    notebook: ChangedNotebookWire
    cursor: CursorWire
    history: NotRequired[list[HashedEventWire | HeldWire]]
    facts: NotRequired[HashedFactsWire | HeldWire]
    want: NotRequired[list[Kind]]
    deadline_ms: NotRequired[float]
    rename_to: NotRequired[str]
    changed: NotRequired[list[str]]
    bundle: NotRequired[str]


class EditWire(TypedDict):
    cell: str
    base: str
    start: int
    end: int
    text: str


class SuggestionWire(TypedDict):
    id: str
    kind: Kind
    lane: Literal["symbols", "patterns", "model"]
    label: str
    confidence: float
    edits: list[EditWire]
    optional: NotRequired[list[EditWire]]
    notes: NotRequired[list[str]]


class TimingWire(TypedDict):
    total: float
    queue: float
    analysis: float
    prefill: float
    decode: float


class TokensWire(TypedDict):
    prompt: int
    reused: int
    generated: int
    drafted: int
    accepted: int


class ReplacementWire(TypedDict):
    start: int
    end: int
    text: str


class CellChangesWire(TypedDict):
    cell: str
    number: int
    source: str
    edits: list[ReplacementWire]


class DocumentChangesWire(TypedDict):
    path: str
    open: bool
    cells: list[CellChangesWire]


class ElsewhereWire(TypedDict):
    old: str
    new: str
    documents: list[DocumentChangesWire]
    notes: list[str]


class AnswerWire(TypedDict):
    id: int | str | None
    bundle: str | None
    suggestions: list[SuggestionWire]
    silence: dict[str, str]
    silence_detail: NotRequired[dict[str, str]]
    timing_ms: TimingWire
    tokens: TokensWire
    stale: NotRequired[list[str]]
    elsewhere: NotRequired[ElsewhereWire]


class ErrorWire(TypedDict):
    code: str
    message: str


class ErrorAnswerWire(TypedDict):
    id: int | str | None
    error: ErrorWire


class Utf16:
    """Offsets of one text in UTF-16 units, to and from code points."""

    __slots__ = ("_astral", "_length")

    def __init__(self, text: str) -> None:
        # Positions, in code points, of the characters that take two units.
        self._astral = (
            [] if text.isascii() else [i for i, char in enumerate(text) if char > "\uffff"]
        )
        self._length = len(text)

    def to_code_points(self, units: int) -> int:
        """Inside a surrogate pair, the offset after it. Past the end stays past the end."""
        at = units
        for count, position in enumerate(self._astral):
            if position + count >= units:
                return units - count
            at = max(units - count - 1, position + 1)
        return at

    def to_units(self, code_points: int) -> int:
        return code_points + bisect_left(self._astral, code_points)


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
        raise WireError("a request is a JSON object", code="bad_json")
    return value


def request_id(value: Mapping[str, Any]) -> int | str | None:
    """The id to answer under, whatever else is wrong with the request."""
    id = value.get("id")
    return id if isinstance(id, int | str) and not isinstance(id, bool) else None


def decode_request(
    value: Mapping[str, Any],
    bounds: Bounds | None = None,
    held: Mapping[str, Cell] | None = None,
) -> SuggestRequest:
    """Check and convert a request. Raises WireError; whatever is returned is to be trusted.

    `held` are cells of an earlier request by their ids: those that did not change are taken from
    there, which saves making a thousand of them a keystroke, and hashing their texts anew.

    Cells past `bounds.cell_bytes`, and past `bounds.notebook_bytes` counted from the caret
    outwards, are left out, which the notebook says, and unknown fields ignored; a caret in a cell
    that is too large is an error.
    """
    bounds = bounds or Bounds()
    if value.get("version", 1) != 1:
        raise WireError("version is 1: nothing is held here, send everything")
    notebook = _Reader.object(value, "notebook")
    return assemble_request(
        value,
        bounds,
        cells=decode_cells(notebook, held),
        events=[decode_event(item) for item in _Reader.objects(value, "history", optional=True)],
        facts=_facts(_Reader.object(value, "facts", optional=True)),
    )


def assemble_request(
    value: Mapping[str, Any],
    bounds: Bounds,
    *,
    cells: list[Cell],
    events: Sequence[EditEvent],
    facts: KernelFacts,
) -> SuggestRequest:
    """A request of its decoded parts and of what else `value` says. Raises WireError."""
    read = _Reader
    notebook = read.object(value, "notebook")
    cursor = read.object(value, "cursor")
    offsets = value.get("offsets", "utf-16")
    if offsets not in get_args(Offsets):
        raise WireError(f"offsets is one of {', '.join(get_args(Offsets))}")
    cursor_cell = read.string(cursor, "cell")
    kept = _within(cells, cursor_cell, bounds)
    left_out = _left_out(read.objects(notebook, "left_out", optional=True), cells, kept, bounds)
    caret_text = next((cell.source for cell in kept if cell.id == cursor_cell), None)
    if caret_text is None:
        raise WireError("cursor.cell is not a cell of the notebook")
    offset = read.integer(cursor, "offset")
    if offsets == "utf-16":
        offset = Utf16(caret_text).to_code_points(offset)
    want = value.get("want", list(KINDS))
    if not isinstance(want, list) or not all(kind in KINDS for kind in want):
        raise WireError(f"want is a list of {', '.join(KINDS)}")
    deadline = read.number(value, "deadline_ms", 1_000.0)
    if deadline <= 0:
        raise WireError("deadline_ms is a positive number")
    rename_to = value.get("rename_to")
    if rename_to is not None and not isinstance(rename_to, str):
        raise WireError("rename_to is a string")
    bundle = value.get("bundle")
    if bundle is not None and not isinstance(bundle, str):
        raise WireError("bundle is a string")
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
            bundle=bundle or None,
            place=_place(read.object(value, "place", optional=True), bounds),
            id=request_id(value),
        )
    except ValueError as error:
        raise WireError(str(error)) from None


def decode_cells(notebook: Mapping[str, Any], held: Mapping[str, Cell] | None = None) -> list[Cell]:
    """A notebook's cells; those that `held` has as they are come from there. Raises WireError."""
    return _cells(_Reader.objects(notebook, "cells"), held or {})


def encode_request(request: SuggestRequest) -> RequestWire:
    """A request as JSON values, in code points."""
    wire: RequestWire = {
        "id": request.id,
        "offsets": "code-point",
        "notebook": {
            "language": request.notebook.language,
            "cells": [_encode_cell(cell) for cell in request.notebook.cells],
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
    if request.changed:
        wire["changed"] = list(request.changed)
    if request.place is not None:
        wire["place"] = {
            "path": request.place.path,
            "excluded": list(request.place.excluded),
            "recent": list(request.place.recent),
            "neighbours": request.place.neighbours,
        }
    return wire


def encode_facts(facts: KernelFacts) -> FactsWire:
    wire: FactsWire = {
        "runs": [cast(RunWire, asdict(run)) for run in facts.runs],
        "names": [
            cast(
                NameWire,
                {
                    key: list(value) if isinstance(value, tuple) else value
                    for key, value in asdict(name).items()
                    if value or key in ("name", "type")
                },
            )
            for name in facts.names
        ],
        "error": cast(KernelErrorWire, asdict(facts.error)) if facts.error else None,
    }
    if facts.figures:
        wire["figures"] = [cast(FigureWire, _told(asdict(figure))) for figure in facts.figures]
    if facts.tables:
        wire["tables"] = [cast(TableWire, _told(asdict(table))) for table in facts.tables]
    return wire


def _told(value: Any) -> Any:
    """JSON values of what is set: empty texts and lists are left out."""
    if isinstance(value, dict):
        return {key: _told(one) for key, one in value.items() if one or one == 0}
    if isinstance(value, (tuple, list)):
        return [_told(one) for one in value]
    return value


def decode_facts(value: Mapping[str, Any]) -> KernelFacts:
    """Kernel facts from JSON values. Raises WireError."""
    return _facts(value)


def encode_answer(
    answer: Answer, request: SuggestRequest, offsets: Offsets = "utf-16"
) -> AnswerWire:
    """An answer as JSON values, its edits in the units that the request asked for."""
    units: dict[str, Utf16] = {}

    def edits(changes: Sequence[CellEdit]) -> list[EditWire]:
        result: list[EditWire] = []
        for change in changes:
            if offsets == "utf-16" and change.cell not in units:
                cell = request.notebook.cell(change.cell)
                units[change.cell] = Utf16(cell.source if cell else "")
            for r in change.edit:
                start, end = r.start, r.end
                if offsets == "utf-16":
                    start, end = (
                        units[change.cell].to_units(start),
                        units[change.cell].to_units(end),
                    )
                result.append(
                    {
                        "cell": change.cell,
                        "base": change.base,
                        "start": start,
                        "end": end,
                        "text": r.text,
                    }
                )
        return result

    def suggestion(s: Suggestion) -> SuggestionWire:
        wire: SuggestionWire = {
            "id": s.id,
            "kind": s.kind,
            "lane": s.lane,
            "label": s.label,
            "confidence": round(s.confidence, 4),
            "edits": edits(s.edits),
        }
        if s.optional:
            wire["optional"] = edits(s.optional)
        if s.notes:
            wire["notes"] = list(s.notes)
        return wire

    wire: AnswerWire = {
        "id": answer.id,
        "bundle": answer.bundle,
        "suggestions": [suggestion(s) for s in answer.suggestions],
        "silence": {kind: silence.reason for kind, silence in answer.silence.items()},
        "timing_ms": cast(
            TimingWire, {key: round(value, 3) for key, value in asdict(answer.timing).items()}
        ),
        "tokens": cast(TokensWire, asdict(answer.tokens)),
    }
    if answer.stale is not None:
        wire["stale"] = list(answer.stale)
    details = {kind: s.detail for kind, s in answer.silence.items() if s.detail}
    if details:
        wire["silence_detail"] = details
    return wire


def encode_error(id: int | str | None, error: NextEditError) -> ErrorAnswerWire:
    return {"id": id, "error": {"code": error.code, "message": str(error)}}


def dump_line(value: Mapping[str, Any]) -> bytes:
    """One line of ASCII JSON with its newline: lone surrogates survive as escapes."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def _place(value: Mapping[str, Any], bounds: Bounds) -> Place | None:
    if not value:
        return None
    path = _Reader.string(value, "path")
    if len(path) > bounds.path_characters:
        return None
    excluded, recent = _Reader.strings(value, "excluded"), _Reader.strings(value, "recent")
    if len(excluded) > bounds.globs:  # rather read nothing than what was to be left out
        return None
    neighbours = value.get("neighbours") is True
    return Place(path, excluded, recent[: bounds.recent_paths], neighbours)


class _Reader:
    """Typed access to JSON values; a WireError names the field."""

    @staticmethod
    def object(value: Mapping[str, Any], key: str, *, optional: bool = False) -> Mapping[str, Any]:
        found = value.get(key)
        if found is None and optional:
            return {}
        if not isinstance(found, dict):
            raise WireError(f"{key} is an object")
        return found

    @staticmethod
    def objects(
        value: Mapping[str, Any], key: str, *, optional: bool = False
    ) -> list[Mapping[str, Any]]:
        found = value.get(key)
        if found is None and optional:
            return []
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise WireError(f"{key} is a list of objects")
        return found

    @staticmethod
    def string(value: Mapping[str, Any], key: str, default: str | None = None) -> str:
        found = value.get(key, default)
        if not isinstance(found, str):
            raise WireError(f"{key} is a string")
        return found

    @staticmethod
    def strings(value: Mapping[str, Any], key: str) -> tuple[str, ...]:
        found = value.get(key) or []
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise WireError(f"{key} is a list of strings")
        return tuple(found)

    @staticmethod
    def integer(value: Mapping[str, Any], key: str) -> int:
        found = value.get(key)
        if isinstance(found, bool) or not isinstance(found, int):
            raise WireError(f"{key} is an integer")
        return found

    @staticmethod
    def number(value: Mapping[str, Any], key: str, default: float) -> float:
        """A number that a double can hold: JSON has larger ones, and NaN is none."""
        found = value.get(key, default)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise WireError(f"{key} is a number")
        try:
            number = float(found)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise WireError(f"{key} is a number of at most {sys.float_info.max:.0e}")
        return number

    @staticmethod
    def count(value: Mapping[str, Any], key: str) -> int | None:
        found = value.get(key)
        if found is not None and (isinstance(found, bool) or not isinstance(found, int)):
            raise WireError(f"{key} is an integer or null")
        return found


def _encode_cell(cell: Cell) -> CellWire:
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


def _cells(items: Sequence[Mapping[str, Any]], held: Mapping[str, Cell]) -> list[Cell]:
    """The cells of `items`; those that `held` has as they are come from there."""
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
    if (  # a thousand cells a keystroke take this way, at a third of the general one's time
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
        raise WireError("editable is a boolean")
    if type not in _CELL_TYPES:
        raise WireError(f"a cell's type is one of {', '.join(_CELL_TYPES)}")
    return Cell(
        id=_Reader.string(item, "id"),
        type=cast(CellType, type),
        source=_Reader.string(item, "source"),
        execution_count=_Reader.count(item, "execution_count"),
        tags=_Reader.strings(item, "tags"),
        editable=editable,
    )


def decode_event(item: Mapping[str, Any]) -> EditEvent:
    """One edit of the history. Raises WireError."""
    origin = item.get("origin", "typed")
    if origin not in ORIGINS:
        raise WireError(f"an event's origin is one of {', '.join(ORIGINS)}")
    return EditEvent(
        cell=_Reader.string(item, "cell"),
        before=_Reader.string(item, "before"),
        after=_Reader.string(item, "after"),
        origin=cast(Origin, origin),
        at=_Reader.number(item, "at", 0.0),
    )


def _facts(value: Mapping[str, Any]) -> KernelFacts:
    error = value.get("error")
    if error is not None and not isinstance(error, dict):
        raise WireError("facts.error is an object or null")
    return KernelFacts(
        runs=tuple(
            CellRun(
                _Reader.string(run, "cell"),
                _Reader.string(run, "hash"),
                _Reader.count(run, "count"),
            )
            for run in _Reader.objects(value, "runs", optional=True)
        ),
        names=tuple(
            NamedObject(
                name=_Reader.string(name, "name"),
                type=_Reader.string(name, "type", ""),
                members=_Reader.strings(name, "members"),
                subscripts=_Reader.strings(name, "subscripts"),
                keywords=_Reader.strings(name, "keywords"),
                module=_Reader.string(name, "module", ""),
            )
            for name in _Reader.objects(value, "names", optional=True)
        ),
        error=KernelError(
            cell=_Reader.string(error, "cell"),
            line=_Reader.integer(error, "line"),
            exception=_Reader.string(error, "exception"),
            name=_Reader.string(error, "name", ""),
            message=_Reader.string(error, "message", ""),
        )
        if error
        else None,
        figures=tuple(
            FigureFacts(
                _Reader.string(figure, "title", ""),
                tuple(_axes(axes) for axes in _Reader.objects(figure, "axes", optional=True)),
                _Reader.strings(figure, "names"),
            )
            for figure in _Reader.objects(value, "figures", optional=True)
        ),
        tables=tuple(_table(one) for one in _Reader.objects(value, "tables", optional=True)),
    )


def _left_out(
    told: Sequence[Mapping[str, Any]], cells: list[Cell], kept: list[Cell], bounds: Bounds
) -> tuple[LeftOut, ...]:
    """The cells that the client left out, and those that `kept` lacks of `cells`."""
    found = []
    for item in told[: bounds.left_out]:
        reason = item.get("reason")
        if reason not in get_args(LeftOutReason):
            raise WireError(f"reason is one of {', '.join(get_args(LeftOutReason))}")
        number = _Reader.integer(item, "number")
        if number < 1:
            raise WireError("a cell's number is positive")
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


def _axes(value: Mapping[str, Any]) -> AxesFacts:
    texts = ("title", "xlabel", "ylabel", "zlabel", "xscale", "yscale", "projection")
    lists = ("legend", "kinds", "colors", "groups", "x", "y", "by", "names")
    told: dict[str, Any] = {key: _Reader.string(value, key, "") for key in texts}
    return AxesFacts(
        **told | {key: _Reader.strings(value, key) for key in lists},
        legend_title=_Reader.string(value, "legend_title", ""),
        xlim=_limits(value, "xlim"),
        ylim=_limits(value, "ylim"),
    )


def _table(value: Mapping[str, Any]) -> TableFacts:
    shape = value.get("shape", [])
    if not isinstance(shape, list) or any(type(size) is not int or size < 0 for size in shape):
        raise WireError("shape is a list of counts")
    return TableFacts(
        name=_Reader.string(value, "name"),
        shape=tuple(shape),
        dtype=_Reader.string(value, "dtype", ""),
        columns=tuple(
            ColumnFacts(
                _Reader.string(one, "name"),
                _Reader.string(one, "dtype", ""),
                _Reader.strings(one, "levels"),
            )
            for one in _Reader.objects(value, "columns", optional=True)
        ),
    )


def _limits(value: Mapping[str, Any], key: str) -> tuple[float, float] | None:
    found = value.get(key)
    if found is None:
        return None
    numbers = [n for n in found if type(n) in (int, float)] if isinstance(found, list) else []
    if len(numbers) != 2 or len(numbers) != len(found):
        raise WireError(f"{key} is a list of two numbers")
    return float(numbers[0]), float(numbers[1])


def _within(cells: list[Cell], caret_cell: str, bounds: Bounds) -> list[Cell]:
    """The cells within the bounds, those near the caret first, in document order."""
    lengths = [len(cell.source) for cell in cells]
    # A code point takes four bytes at most: most notebooks need not be counted more closely.
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
