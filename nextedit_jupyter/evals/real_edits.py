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
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from nextedit_jupyter.core import Caret, Cell, EditEvent, NextEditError, Notebook, SuggestRequest
from nextedit_jupyter.core.request import Bounds

_TOKEN = re.compile(r"[^\W\d]\w*|\d[\w.]*|\s+|.", re.S)
_ALIKE = 0.6  # the share of tokens that two texts of one cell have in common at least
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
    """One notebook before and after; `changed` are the texts that cells of `before` became.

    `unpaired` cells neither stayed nor are paired with what they became, which happens where the
    author also added, removed or moved cells: the text of the cell that is most similar among those
    that only the notebook after has; None if none is.
    """

    repo: str
    kind: str
    before: tuple[str, ...]
    changed: dict[int, str]
    rename: tuple[str, str] | None
    unpaired: dict[int, str | None] = field(default_factory=dict)

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
        _unpaired(told["before"], told["after"], told["pairs"]),
    )


def _unpaired(
    before: Sequence[str], after: Sequence[str], pairs: Sequence[tuple[int, int]]
) -> dict[int, str | None]:
    """Cells that neither stayed nor are paired, with the most similar new cell, each taken once."""
    paired, taken = {i for i, _ in pairs}, {j for _, j in pairs}
    stayed, known = set(after), set(before)
    gone = [i for i, text in enumerate(before) if i not in paired and text not in stayed]
    new = [text for j, text in enumerate(after) if j not in taken and text not in known]
    found: dict[int, str | None] = dict.fromkeys(gone)
    alike = sorted(
        ((_likeness(before[i], text), i, n) for i in gone for n, text in enumerate(new)),
        key=lambda pair: -pair[0],
    )
    used: set[int] = set()
    for likeness, i, n in alike:
        if likeness >= _ALIKE and found[i] is None and n not in used:
            found[i] = new[n]
            used.add(n)
    return found


def _likeness(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, tokens(one), tokens(other), autojunk=False)
    if matcher.real_quick_ratio() < _ALIKE or matcher.quick_ratio() < _ALIKE:
        return 0.0
    return matcher.ratio()


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
