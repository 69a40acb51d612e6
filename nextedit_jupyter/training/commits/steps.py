"""Turns two versions of a file into editing steps: one hunk after another, each with the previous
ones as its history.

A request shows a state in the middle of the change: earlier hunks are done, later ones are not. The
caret is where the last step left it, or near the next one. Which of the two, and how near, is drawn
from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, SuggestRequest
from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.prompt.lines import changed_lines
from nextedit_jupyter.training.commits.classify import ChangeKind, changes_code, classify
from nextedit_jupyter.training.commits.file_pieces import FilePiece, align
from nextedit_jupyter.training.corpus.extract import Skipped

MAX_EVENTS = 5
# 1,024 tokens of changed lines as context, at three characters per token, as in the corpus.
MAX_EVENT_CHARS = 3_072
MAX_CELL_CHARS = 6_000
MAX_CELLS = 12  # in a request besides the caret's; the nearest ones
MAX_HUNK_LINES = 12  # old and new lines together: more is a rewrite, which is unpredictable
MAX_LINE_CHARS = 400
NOTHING_LEFT = 0.25  # of changed files, also in their final state: nothing to do


@dataclass(frozen=True, slots=True)
class Step:
    """One hunk: `cell` becomes `after`; None for a cell that does not exist."""

    cell: str
    before: str | None
    after: str | None

    @property
    def event(self) -> EditEvent:
        return EditEvent(self.cell, self.before or "", self.after or "")


@dataclass(frozen=True, slots=True)
class StepTarget:
    """A request in the middle of a change, and the caret's cell after the next step."""

    request: SuggestRequest
    after: str
    change: ChangeKind


def file_steps(
    before: Sequence[FilePiece], after: Sequence[FilePiece], prefix: str
) -> tuple[list[str], dict[str, str], list[Step]]:
    """The cells' ids in order, their original texts, and the steps from top to bottom."""
    pairs = align(before, after)
    ids = [f"{prefix}{number}" for number in range(len(pairs))]
    texts = {id: was.text for id, (was, _) in zip(ids, pairs, strict=True) if was is not None}
    steps = []
    for id, (was, now) in zip(ids, pairs, strict=True):
        if was is None or now is None:
            steps.append(Step(id, was.text if was else None, now.text if now else None))
            continue
        text = was.text
        for following in hunks(was.text, now.text):
            steps.append(Step(id, text, following))
            text = following
    return ids, texts, steps


def hunks(before: str, after: str) -> Iterator[str]:
    """The intermediate texts from `before` to `after`, one hunk at a time."""
    old, new = before.split("\n"), after.split("\n")
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    changes = [code[1:] for code in matcher.get_opcodes() if code[0] != "equal"]
    for i1, i2, j1, j2 in changes:
        # The old lines are below, the new ones above.
        del i1, j1
        yield "\n".join(new[:j2] + old[i2:])


def targets(
    ids: Sequence[str],
    texts: dict[str, str],
    steps: Sequence[Step],
    earlier: Sequence[EditEvent],
    language: str,
    rng: random.Random,
    skipped: Skipped,
) -> Iterator[StepTarget]:
    """The steps that can be learnt from, each with its preceding events.

    `earlier` are events before the first step, oldest first. Skipped and counted are: hunks that
    change no code or too much, long lines, secrets, and a first step that nothing predicts.
    """
    state = dict(texts)
    events = list(earlier)
    last: Step | None = None
    for step in steps:
        change = _fit(step, skipped)
        if change is not None and step.before is not None and step.after is not None:
            shown = recent(events)
            if shown:
                offset = _caret(step, last, rng)
                request = _request(ids, state, step.cell, offset, shown, language)
                if request is None:
                    skipped["secret"] += 1
                else:
                    yield StepTarget(request, step.after, change)
            else:
                skipped["nothing before it"] += 1
        if step.after is None:
            state.pop(step.cell, None)
        else:
            state[step.cell] = step.after
        events.append(step.event)
        last = step
    if last is not None and last.after and last.cell in state and rng.random() < NOTHING_LEFT:
        shown = recent(events)
        if shown and len(last.after) <= MAX_CELL_CHARS:
            offset = min(len(last.after), _changed_end(last.before or "", last.after))
            request = _request(ids, state, last.cell, offset, shown, language)
            if request is not None:
                yield StepTarget(request, last.after, "none")


def recent(events: Sequence[EditEvent]) -> tuple[EditEvent, ...]:
    """The newest events that fit as context, oldest first, without secrets and huge cells."""
    kept: list[EditEvent] = []
    left = MAX_EVENT_CHARS
    for event in reversed(events):
        old, new = changed_lines(event.before, event.after)
        if max(len(event.before), len(event.after)) > MAX_CELL_CHARS:
            continue
        if holds_secret(event.before) or holds_secret(event.after):
            continue
        left -= len(old) + len(new)
        if left < 0 or len(kept) == MAX_EVENTS:
            break
        kept.append(event)
    return tuple(
        EditEvent(e.cell, e.before, e.after, "typed", float(at)) for at, e in enumerate(kept[::-1])
    )


def _fit(step: Step, skipped: Skipped) -> ChangeKind | None:
    """The kind of a step that can be learnt from; otherwise None, with the reason counted."""
    if step.before is None or step.after is None:
        skipped["whole cell"] += 1
        return None
    old, new = changed_lines(step.before, step.after)
    lines = [*(old.split("\n") if old else []), *(new.split("\n") if new else [])]
    if max(len(step.before), len(step.after)) > MAX_CELL_CHARS or len(lines) > MAX_HUNK_LINES:
        skipped["massive"] += 1
    elif any(len(line) > MAX_LINE_CHARS for line in lines):
        skipped["long line"] += 1
    elif not changes_code(step.before, step.after):
        skipped["no code"] += 1
    elif holds_secret(step.before) or holds_secret(step.after):
        skipped["secret"] += 1
    else:
        return classify(old, new)
    return None


def _caret(step: Step, last: Step | None, rng: random.Random) -> int:
    """The caret's position before a step: where the last one ended, or near the next place."""
    assert step.before is not None
    assert step.after is not None
    text = step.before
    if last is not None and last.cell == step.cell and last.after == text and rng.random() < 0.6:
        return min(len(text), _changed_end(last.before or "", text))
    row = 0
    for a, b in zip(text.split("\n"), step.after.split("\n")):
        if a != b:
            break
        row += 1
    lines = text.split("\n")
    row += rng.choice((0, 0, 0, 0, 1, -1, 2, -2))
    row = min(len(lines) - 1, max(0, row))
    start = sum(len(line) + 1 for line in lines[:row])
    return start + (len(lines[row]) if rng.random() < 0.5 else rng.randrange(len(lines[row]) + 1))


def _changed_end(before: str, after: str) -> int:
    """The end of a change, in the text after it."""
    tail = 0
    while tail < min(len(before), len(after)) and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return len(after) - tail


def _request(
    ids: Sequence[str],
    state: dict[str, str],
    cell: str,
    offset: int,
    events: tuple[EditEvent, ...],
    language: str,
) -> SuggestRequest | None:
    """A request with the present cells near the caret; None if the caret's cell contains a
    secret."""
    here = ids.index(cell)
    near = sorted((id for id in ids if id in state and id != cell), key=_distance(ids, here))
    shown = {cell}
    for id in near:
        if len(shown) > MAX_CELLS:
            break
        if len(state[id]) <= MAX_CELL_CHARS and not holds_secret(state[id]):
            shown.add(id)
    if holds_secret(state[cell]):
        return None
    cells = tuple(
        Cell(id, "code", state[id], execution_count=number + 1)
        for number, id in enumerate(id for id in ids if id in shown)
    )
    return SuggestRequest(
        Notebook(language, cells), Caret(cell, offset), history=events, want=("next_edit",)
    )


def _distance(ids: Sequence[str], here: int) -> Callable[[str], int]:
    places = {id: abs(at - here) for at, id in enumerate(ids)}
    return places.__getitem__
