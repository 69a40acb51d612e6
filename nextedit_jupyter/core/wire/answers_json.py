"""An answer as JSON values, and a line of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.core.request import Answer, SuggestRequest
from nextedit_jupyter.core.suggestion import CellEdit, Suggestion
from nextedit_jupyter.core.wire.messages import (
    AnswerWire,
    EditWire,
    ErrorAnswerWire,
    Offsets,
    SuggestionWire,
    TimingWire,
    TokensWire,
)
from nextedit_jupyter.core.wire.utf16 import Utf16


def encode_answer(
    answer: Answer, request: SuggestRequest, offsets: Offsets = "utf-16"
) -> AnswerWire:
    """An answer as JSON values, its edits in the units that the request asked for."""
    edits = _EncodedEdits(request, offsets)
    wire: AnswerWire = {
        "id": answer.id,
        "bundle": answer.bundle,
        "suggestions": [_encode_suggestion(one, edits) for one in answer.suggestions],
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


def _encode_suggestion(suggestion: Suggestion, edits: _EncodedEdits) -> SuggestionWire:
    wire: SuggestionWire = {
        "id": suggestion.id,
        "kind": suggestion.kind,
        "lane": suggestion.lane,
        "label": suggestion.label,
        "confidence": round(suggestion.confidence, 4),
        "edits": edits.of(suggestion.edits),
    }
    if suggestion.optional:
        wire["optional"] = edits.of(suggestion.optional)
    if suggestion.notes:
        wire["notes"] = list(suggestion.notes)
    return wire


class _EncodedEdits:
    """Edits in the units that the request asked for; a cell's text is counted once."""

    def __init__(self, request: SuggestRequest, offsets: Offsets) -> None:
        self._notebook = request.notebook
        self._is_utf16 = offsets == "utf-16"
        self._units: dict[str, Utf16] = {}

    def of(self, changes: Sequence[CellEdit]) -> list[EditWire]:
        return [
            {
                "cell": change.cell,
                "base": change.base,
                "start": self._offset(change.cell, replacement.start),
                "end": self._offset(change.cell, replacement.end),
                "text": replacement.text,
            }
            for change in changes
            for replacement in change.edit
        ]

    def _offset(self, id: str, code_points: int) -> int:
        if not self._is_utf16:
            return code_points
        units = self._units.get(id)
        if units is None:
            cell = self._notebook.cell(id)
            units = self._units[id] = Utf16(cell.source if cell else "")
        return units.to_units(code_points)


def encode_error(id: int | str | None, error: NextEditError) -> ErrorAnswerWire:
    return {"id": id, "error": {"code": error.code, "message": str(error)}}


def dump_line(value: Mapping[str, Any]) -> bytes:
    """One line of ASCII JSON with its newline: lone surrogates survive as escapes."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
