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
    """`short` names the change, `whole` also its places; `says_why`: the rule says why there."""

    short: str
    whole: str
    says_why: bool = False


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
        return Label(_MORE.sub("", same.label), same.label, says_why=True)
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


def reason_notes(chosen: Sequence[Candidate], proved: int = 0) -> tuple[str, ...]:
    """Notes: why these places, and why the `proved` ones; counted if the reasons differ."""
    reasons = Counter({"proved by bindings": proved}) if proved else Counter[str]()
    reasons.update(_reason(c) for c in chosen)
    if len(reasons) == 1:
        return tuple(reasons)
    return tuple(f"{reason}: {_counted(count, 'place')}" for reason, count in reasons.items())


def unsure_notes(count: int) -> tuple[str, ...]:
    """A note on the places that are listed but not ticked, if there are any."""
    return (f"less sure and not chosen: {_counted(count, 'place')}",) if count else ()


def unlikely(count: int, best: float) -> str:
    """Why none of `count` places is offered; `best` is the highest probability."""
    which = "the only place" if count == 1 else f"the likeliest of {count} places"
    return f"{which} found is {best:.0%} likely"


def _reason(candidate: Candidate) -> str:
    shape = candidate.change.shape
    if shape == "word" and all(token.isidentifier() for token in candidate.change.replaced):
        return "the same word as in your edit"
    if shape in ("lines", "lines added", "lines removed"):
        return "the same line as in your edit"
    if shape == "rule":
        return "the same kind of code as in your edit"
    return "the same text as in your edit"


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
