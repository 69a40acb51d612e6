"""Requests and answers as JSON: the protocol's single definition.

The TypeScript types and the protocol reference in the docs are generated from these. `core.status`
has what the server's other routes exchange with a page.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from nextedit_jupyter.core.history import Origin
from nextedit_jupyter.core.notebook import CellType, LeftOutReason
from nextedit_jupyter.core.suggestion import Kind

Offsets = Literal["utf-16", "code-point"]


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
    ran_before: NotRequired[list[str]]
    bundle: NotRequired[str]
    drawn: NotRequired[str]
    place: NotRequired[PlaceWire]
    across: NotRequired[AcrossWire]


class HeldWire(TypedDict):
    """Refers to what the page sent earlier under this hash."""

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
    """Version 2 of a request: what the receiver holds is named by its hash."""

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
    ran_before: NotRequired[list[str]]
    bundle: NotRequired[str]
    drawn: NotRequired[str]


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
