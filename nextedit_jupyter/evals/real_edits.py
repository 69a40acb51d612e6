"""Commits of real notebooks, for evaluating propagation and training the judge.

A file has JSON Lines, one notebook before and after one commit per line: `repo`, `kind`, `before`
and `after` (the code cells), `pairs` ([i, j]: `before[i]` became `after[j]`) and `rename` ([old,
new] where one word was replaced consistently, or null). `.zst` files are read by the `zstd`
command.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextedit_jupyter.core import Caret, Cell, EditEvent, NextEditError, Notebook, SuggestRequest
from nextedit_jupyter.core.request import Bounds

_TOKEN = re.compile(r"[^\W\d]\w*|\d[\w.]*|\s+|.", re.S)
_HISTORY = Bounds().history_events


def tokens(text: str) -> list[str]:
    """Words, numbers, whitespace and single characters; joined they are the text."""
    return _TOKEN.findall(text)


def count_word(text: str, word: str) -> int:
    return sum(token == word for token in tokens(text))


def renamed(before: str, after: str) -> tuple[str, str] | None:
    """The single token that was replaced by another one throughout; None if the texts differ in
    more."""
    old, new = tokens(before), tokens(after)
    if len(old) != len(new):
        return None
    swaps = {(a, b) for a, b in zip(old, new, strict=True) if a != b}
    return next(iter(swaps)) if len(swaps) == 1 else None


@dataclass(frozen=True, slots=True)
class Commit:
    """One notebook before and after; `changed` are the texts that cells of `before` became."""

    repo: str
    kind: str
    before: tuple[str, ...]
    changed: dict[int, str]
    rename: tuple[str, str] | None

    @property
    def owner(self) -> str:
        return self.repo.partition("/")[0]

    @property
    def spread(self) -> list[int]:
        """The cells whose whole change is the commit's rename, in order."""
        if self.rename is None:
            return []
        return [
            cell
            for cell, after in sorted(self.changed.items())
            if renamed(self.before[cell], after) == self.rename
        ]


def read_commits(path: Path) -> Iterator[Commit]:
    """The commits of a file. Raises NextEditError if it cannot be read as one."""
    for number, line in enumerate(_lines(path), 1):
        try:
            yield _commit(json.loads(line))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise NextEditError(f"{path}, line {number}: not an edit of a notebook") from None


def _commit(told: dict[str, Any]) -> Commit:
    rename = told.get("rename")
    cells, becomes = len(told["before"]), len(told["after"])
    if not all(0 <= i < cells and 0 <= j < becomes for i, j in told["pairs"]):
        raise ValueError("a pair names a cell that is not there")
    return Commit(
        str(told["repo"]),
        str(told["kind"]),
        tuple(map(str, told["before"])),
        {int(i): str(told["after"][j]) for i, j in told["pairs"]},
        (str(rename[0]), str(rename[1])) if rename else None,
    )


def _lines(path: Path) -> Iterator[bytes]:
    if not path.is_file():
        raise NextEditError(f"{path}: no such file")
    if path.suffix != ".zst":
        with path.open("rb") as file:
            yield from file
        return
    command = shutil.which("zstd")
    if command is None:
        raise NextEditError(f"{path}: install the zstd command, or unpack the file")
    with subprocess.Popen(
        [command, "-dcq", "--long=27", str(path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield from process.stdout


def request_after(
    cells: Sequence[str], events: Sequence[tuple[int, str, str]], caret: int
) -> SuggestRequest:
    """An editor's request after `events` (cell, before, after), with the caret in the last one's
    cell.

    All cells have run in order; both kinds of edits are wanted.
    """
    last = events[-1][0]
    return SuggestRequest(
        Notebook(
            "python", tuple(Cell(f"c{n}", "code", text, n + 1) for n, text in enumerate(cells))
        ),
        Caret(f"c{last}", caret),
        tuple(
            EditEvent(f"c{cell}", before, after, "typed", float(at))
            for at, (cell, before, after) in enumerate(events)
        )[-_HISTORY:],
        want=("rename", "next_edit"),
        deadline_ms=10_000,
    )


def caret_after(before: str, after: str) -> int:
    """Where the caret is after the edit: behind the last written character."""
    shortest = min(len(before), len(after))
    same = 0
    while same < shortest and before[-1 - same] == after[-1 - same]:
        same += 1
    return len(after) - same
