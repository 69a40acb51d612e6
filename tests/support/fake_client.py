"""A worker client with prepared answers, in place of a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.core.notebook import text_hash

Answering = Callable[[Mapping[str, Any]], list[dict[str, Any]]]


class FakeClient:
    """`answering` turns a request (RequestWire) into suggestions; None means a dead worker."""

    def __init__(self, answering: Answering | None = None) -> None:
        self.answering = answering
        self.requests: list[Mapping[str, Any]] = []
        self.closed = False
        self.cancelled = 0
        self.silence: dict[str, str] = {}
        self.reported: list[tuple[str, str, str]] = []

    def suggest(
        self, request: Mapping[str, Any], timeout: float = 5.0, *, client: str | None = None
    ) -> dict[str, Any]:
        self.requests.append(request)
        if self.answering is None:
            raise WorkerError("the worker cannot be started: try again")
        found = self.answering(request)
        return {
            "id": request["id"],
            "bundle": "fake/1",
            "suggestions": found,
            "silence": {} if found else self.silence,
            "timing_ms": {},
            "tokens": {},
        }

    def cancel(self, *, client: str | None = None) -> None:
        self.cancelled += 1

    def status(self, timeout: float = 5.0, *, start: bool = True) -> dict[str, Any]:
        if self.answering is None:
            return {"state": "stopped", "pid": None, "bundle": None, "problem": None}
        return {
            "pid": 1,
            "bundle": "fake/1",
            "lanes": ["model"],
            "rss_mb": 9.0,
        }

    def report(
        self, outcome: str, kind: str, lane: str, timeout: float = 2.0
    ) -> dict[str, Any] | None:
        self.reported.append((outcome, kind, lane))
        return None

    def reload(self, timeout: float = 5.0) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


def replacing(old: str, new: str, kind: str = "rename") -> Answering:
    """Suggest `new` wherever `old` stands, in all cells at once."""

    def answer(request: Mapping[str, Any]) -> list[dict[str, Any]]:
        edits = []
        for cell in request["notebook"]["cells"]:
            at = cell["source"].find(old)
            while at >= 0:
                edits.append(
                    {
                        "cell": cell["id"],
                        "base": text_hash(cell["source"]),
                        "start": at,
                        "end": at + len(old),
                        "text": new,
                    }
                )
                at = cell["source"].find(old, at + len(old))
        if not edits:
            return []
        suggestion = {"id": "s1", "kind": kind, "lane": "symbols", "confidence": 0.9}
        return [{**suggestion, "label": f"{old} to {new}", "edits": edits}]

    return answer
