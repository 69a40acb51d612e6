"""Texts of the judge's offers: what is changed, in how many places, and why there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nextedit_jupyter.core import CellEdit, Silence, Suggestion
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.last_edits import LastChange

MAX_WORDS = 40
_MORE = re.compile(r" \(\d+ more\)$")


@dataclass(frozen=True, slots=True)
class Label:
    """`short` names the change, `whole` also its places."""

    short: str
    whole: str


def label_of(
    chosen: Sequence[Candidate],
    patterns: Sequence[Suggestion] | Silence,
    edits: Sequence[CellEdit],
) -> Label:
    """For one change, what it does; for several, that they are repeated.

    If a rule of the patterns lane has the same places, its label is used.
    """
    same = _same_rule(patterns, edits)
    if same is not None:
        return Label(_MORE.sub("", same.label), same.label)
    changes = list({id(c.change): c.change for c in chosen}.values())
    cells = len({c.cell for c in chosen})
    where = f"{_counted(len(chosen), 'place')} in {_counted(cells, 'cell')}"
    what = {_described(change) for change in changes}
    if len(what) == 1:
        (short,) = what
        return Label(short, f"{short}: {where}")
    short = f"repeat {_counted(len(what), 'change')}"
    return Label(short, f"{short}: {where}")


def whole_label(changes: Collection[tuple[str, str]], places: int, cells: int) -> str:
    """The label of an offer with proved and judged places; changes are (old, new)."""
    where = f"{_counted(places, 'place')} in {_counted(cells, 'cell')}"
    if len(changes) == 1:
        ((old, new),) = changes
        return f"change `{_cut(old)}` to `{_cut(new)}`: {where}"
    return f"repeat {_counted(len(changes), 'change')}: {where}"


def proved_note(count: int) -> str:
    return f"proved by bindings: {_counted(count, 'place')}"


def _same_rule(
    patterns: Sequence[Suggestion] | Silence, edits: Sequence[CellEdit]
) -> Suggestion | None:
    if isinstance(patterns, Silence):
        return None
    mine = {(c.cell, r) for c in edits for r in c.edit}
    for said in patterns:
        if mine == {(c.cell, r) for c in said.edits for r in c.edit}:
            return said
    return None


def _described(change: LastChange) -> str:
    is_of_lines = change.shape in ("lines", "lines added", "lines removed")
    old = _cut(" ".join(change.replaced) if is_of_lines else _joined(change.replaced))
    new = _cut(change.new)
    if change.shape == "lines added":
        return f"add the line `{new}`" if "\n" not in change.new else f"add the lines `{new}`"
    if change.shape == "lines removed":
        return f"remove the line `{old}`" if len(change.old) == 1 else f"remove the lines `{old}`"
    if not old:
        return f"insert `{new}`"
    if not change.new.strip():
        return f"remove `{old}`"
    return f"change `{old}` to `{new}`"


def _joined(tokens: Sequence[str]) -> str:
    """Tokens joined as in source: with spaces between words and after a comma."""
    text = ""
    for token in tokens:
        if text and ((text[-1].isalnum() and token[:1].isalnum()) or text[-1] == ","):
            text += " "
        text += token
    return text


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_WORDS else line[: MAX_WORDS - 1] + "…"


def notes_of(chosen: Sequence[Candidate], unsure: int) -> tuple[str, ...]:
    """Notes: why these places, and how many others are listed but not ticked."""
    kinds = Counter(_reason(c) for c in chosen)
    notes = [f"{reason}: {_counted(count, 'place')}" for reason, count in kinds.most_common()]
    if unsure:
        notes.append(f"less sure and not chosen: {_counted(unsure, 'place')}")
    return tuple(notes)


def _reason(candidate: Candidate) -> str:
    shape = candidate.change.shape
    if shape == "word":
        return "the same word as in your edit"
    if shape in ("lines", "lines added", "lines removed"):
        return "the same line as in your edit"
    if shape == "rule":
        return "the same kind of code as in your edit"
    return "the same text as in your edit"


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
