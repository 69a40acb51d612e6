"""Answers to requests that no suggester handled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nextedit_jupyter.core.suggestion import KINDS, SilenceReason
from nextedit_jupyter.core.wire import AnswerWire, request_id


def silent_answer(
    value: Mapping[str, Any], reason: SilenceReason, bundle: str | None = None
) -> AnswerWire:
    """An answer without suggestions, silent for one reason. `value` is an unchecked request."""
    want = value.get("want")
    kinds = [kind for kind in KINDS if not isinstance(want, list) or kind in want]
    return {
        "id": request_id(value),
        "bundle": bundle,
        "suggestions": [],
        "silence": dict.fromkeys(kinds, reason),
        "timing_ms": {"total": 0.0, "queue": 0.0, "analysis": 0.0, "prefill": 0.0, "decode": 0.0},
        "tokens": {"prompt": 0, "reused": 0, "generated": 0, "drafted": 0, "accepted": 0},
    }
