"""Peers for the benchmark: some that misbehave, and one that is right."""

from __future__ import annotations

import os
import threading
from typing import Any


class Right:
    """Completes `x = ` and applies a rename to every cell."""

    label = "right"
    can = ("complete", "renames")

    def complete(self, request: Any) -> str:
        return "1" if request.cell.source.endswith("x = ") else ""

    def edits(self, request: Any, rename: Any, first: bool) -> dict[int, str]:
        old, new = rename
        return {
            place: cell.source.replace(old, new)
            for place, cell in enumerate(request.notebook.cells)
            if old in cell.source
        }


class Eager(Right):
    """Offers an edit of the first cell, whatever the request."""

    can = ("complete", "edits")

    def edits(self, request: Any, rename: Any, first: bool) -> dict[int, str]:
        return {0: "surprise = 1"}


class Hangs(Right):
    def complete(self, request: Any) -> str:
        threading.Event().wait()
        return ""


class Dies(Right):
    def complete(self, request: Any) -> str:
        os._exit(3)


class Raises(Right):
    def complete(self, request: Any) -> str:
        raise RuntimeError("no")


class Babbles(Right):
    def complete(self, request: Any) -> Any:
        return {"not": "a text"}

    def edits(self, request: Any, rename: Any, first: bool) -> Any:
        return {10_000: "there is no such cell"}


class NeverStarts(Right):
    def __init__(self) -> None:
        raise OSError("no licence")
