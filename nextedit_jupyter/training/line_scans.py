"""Scans for training: commits as changes and similar stretches that follow or stay.

The stretches are those that serving would ask about (`prompt.similar_lines`), so that the model
learns how often one is changed. Loss is taken only on the answers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.prompt.cells_lines_v1 import CellsLinesV1
from nextedit_jupyter.prompt.similar_lines import (
    MAX_CHANGES,
    LineChange,
    Stretch,
    line_changes,
    similar_stretches,
)
from nextedit_jupyter.prompt.tokenizer import TextTokenizer
from nextedit_jupyter.training.packing import NO_LOSS

ASKED = 6  # stretches per scan
MAX_CHARS = 60_000  # of a notebook


def commit_scans(
    row: dict[str, Any],
    tokenizer: TextTokenizer,
    rng: random.Random,
    *,
    length: int,
    limit: int = 3,
    fmt: CellsLinesV1 | None = None,
) -> Iterator[list[int]]:
    """At most `limit` scans of a commit, as ids marked with `NO_LOSS` where nothing is learnt.

    `row` is as read by `training.real_data`. Cells are changed in random order up to a random
    point; the last changes are in the prompt, and the questions are about the notebook in that
    state.
    """
    fmt = fmt or CellsLinesV1()
    before, after = row["before"], row["after"]
    if sum(map(len, before)) > MAX_CHARS or any(map(holds_secret, (*before, *after))):
        return
    wanted = {i: after[j] for i, j in row["pairs"]}
    order = [i for i in wanted if line_changes(before[i], wanted[i])]
    if not order:
        return
    points = list(range(1, len(order) + 1))
    rng.shuffle(points)
    for point in points[:limit]:
        rng.shuffle(order)
        done = order[:point]
        changes = [c for i in done for c in line_changes(before[i], wanted[i])][-MAX_CHANGES:]
        changes = changes[-rng.randint(1, len(changes)) :]
        now = [(str(i), wanted[i] if i in done else text) for i, text in enumerate(before)]
        near = sorted(now, key=lambda cell: abs(int(cell[0]) - done[-1]))
        stretches = similar_stretches(near, changes, limit=ASKED)
        left = {str(i): (before[i], text) for i, text in wanted.items() if i not in done}
        ids = scan(changes, stretches, left, fmt, tokenizer, length)
        if ids is not None:
            yield ids


def scan(
    changes: Sequence[LineChange],
    stretches: Sequence[Stretch],
    left: dict[str, tuple[str, str]],
    fmt: CellsLinesV1,
    tokenizer: TextTokenizer,
    length: int,
) -> list[int] | None:
    """One scan of at most `length` ids; None if there is nothing to ask. `left` maps cells that are
    still to change to their texts before and after."""
    ids = [id | NO_LOSS for id in fmt.changes_prefix(changes, tokenizer)]
    count = 0
    for stretch in stretches:
        new: str | None = None
        if stretch.cell in left:
            becomes = stretch_after(stretch, *left[stretch.cell])
            if becomes is None:
                continue  # part of a change that extends beyond it
            new = None if becomes == stretch.text else becomes
        piece = [id | NO_LOSS for id in fmt.stretch(stretch.text, tokenizer)]
        piece += fmt.stretch_answer(new, tokenizer)
        if len(ids) + len(piece) > length:
            break
        ids += piece
        count += 1
    return ids if count else None


def stretch_after(stretch: Stretch, before: str, after: str) -> str | None:
    """A stretch's lines in the text after; None if a change extends beyond it."""
    lines: list[str] = before.split("\n")[stretch.first : stretch.first + stretch.count]
    new: list[str | None] = list(lines)
    for change in line_changes(before, after):
        size = change.old.count("\n") + 1
        first, last = change.first - stretch.first, change.first - stretch.first + size
        if last <= 0 or first >= stretch.count:
            continue
        if first < 0 or last > stretch.count:
            return None
        new[first:last] = [change.new if change.new or size == stretch.count else None] + [None] * (
            size - 1
        )
    kept = [line for line in new if line is not None]
    if after.count(stretch.text) < before.count(stretch.text) and kept == lines:
        return None  # moved, or part of a change that is too large
    return "\n".join(kept)
