"""A real edit as a structured request and the resulting text; one JSON object per line on disk.

It contains what a front end would have sent, so that examples are rendered by the same `prompt`
code that serves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.core.errors import NextEditError, TrainingError
from nextedit_jupyter.core.files import written_beside
from nextedit_jupyter.core.wire import decode_request, encode_request
from nextedit_jupyter.training.commits.classify import CHANGE_KINDS, ChangeKind


@dataclass(frozen=True, slots=True)
class EditSource:
    """Where an edit comes from; `revision` is a commit, or `1.0..1.1` of a package."""

    name: str
    revision: str
    path: str
    licence: str
    language: str


@dataclass(frozen=True, slots=True)
class RealEdit:
    """The caret's cell becomes `after`, which is its present text if nothing is to be done."""

    request: SuggestRequest
    after: str
    change: ChangeKind
    source: EditSource

    def __post_init__(self) -> None:
        if (self.change == "none") != (self.after == self.request.cell.source):
            raise ValueError("an edit changes the caret's cell, unless its change is `none`")

    def to_json(self) -> str:
        value = {
            "source": asdict(self.source),
            "change": self.change,
            "after": self.after,
            "request": encode_request(self.request),
        }
        return json.dumps(value, ensure_ascii=True)

    @classmethod
    def from_json(cls, line: str) -> RealEdit:
        """Raises TrainingError."""
        try:
            value: dict[str, Any] = json.loads(line)
            if value["change"] not in CHANGE_KINDS or not isinstance(value["after"], str):
                raise ValueError("change or after")
            request = decode_request(value["request"])
            return cls(request, value["after"], value["change"], EditSource(**value["source"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            why = f"{type(error).__name__}: {error}"
        except NextEditError as error:
            why = str(error)
        raise TrainingError(f"this is not an edit that `train from-git` wrote ({why[:120]})")


def write_edits(path: Path, edits: Iterable[RealEdit]) -> int:
    """Write the file atomically; returns the number of edits."""
    count = 0
    with written_beside(path) as beside, beside.open("w", encoding="ascii") as file:
        for edit in edits:
            file.write(edit.to_json() + "\n")
            count += 1
    return count


def read_edits(folder: Path) -> Iterator[RealEdit]:
    """The edits of a file, or of all files in a folder, by name; none if the folder does not exist.

    Raises TrainingError, which names an invalid line.
    """
    for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else [folder]:
        if not path.exists():
            continue
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield RealEdit.from_json(line)
                except TrainingError as error:
                    raise TrainingError(f"{path}, line {number}: {error}") from None
