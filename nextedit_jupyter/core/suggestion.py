"""Suggestions, and the reasons for silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nextedit_jupyter.core.notebook import Notebook, text_hash
from nextedit_jupyter.core.text_edit import TextEdit

Kind = Literal["inline", "next_edit", "rename"]
Lane = Literal["symbols", "patterns", "model"]
KINDS: tuple[Kind, ...] = ("inline", "next_edit", "rename")

SilenceReason = Literal[
    "no_change",
    "low_confidence",
    "reverts_user",
    "breaks_syntax",
    "unknown_name",
    "stale",
    "throttled",
    "off",
    "deadline",
    "no_model",
    "refused",
]


@dataclass(frozen=True, slots=True)
class CellEdit:
    """An edit of one cell, addressed by the cell's id and the hash of the text it was made for."""

    cell: str
    base: str
    edit: TextEdit

    @classmethod
    def of(cls, cell: str, source: str, edit: TextEdit) -> CellEdit:
        return cls(cell, text_hash(source), edit)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Edits that belong together.

    `optional` edits are listed but not selected by default (mentions in Markdown). `notes` say what
    was left alone and why ("cell 4 does not parse"). `left_alone` are cells with places that were
    left out because the cells may not be changed; the notes name them. `confidence` is between 0
    and 1. `is_guess`: a rename that a changed use suggests, which is shown if the judge agrees.
    """

    id: str
    kind: Kind
    lane: Lane
    label: str
    confidence: float
    edits: tuple[CellEdit, ...]
    optional: tuple[CellEdit, ...] = ()
    notes: tuple[str, ...] = ()
    left_alone: tuple[str, ...] = ()
    is_guess: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence must be between 0 and 1, not {self.confidence}")

    def apply(self, notebook: Notebook) -> dict[str, str] | None:
        """The new text of each cell it changes; None if any cell's text is not the one it was made
        for.

        All or nothing: if one place is stale, nothing is applied anywhere.
        """
        texts: dict[str, str] = {}
        for change in self.edits:
            cell = notebook.cell(change.cell)
            if cell is None or text_hash(cell.source) != change.base:
                return None
            texts[change.cell] = change.edit.apply(cell.source)
        return texts


@dataclass(frozen=True, slots=True)
class Silence:
    """Why nothing is offered. `detail` is for people: "`list` is a builtin".

    `replaced` are names whose definitions were replaced by others: their uses mean the old ones.
    `settled` are names whose uses are known, with nothing left to change. `half_typed` is the name
    that seems unfinished, if that is the reason.
    """

    reason: SilenceReason
    detail: str = ""
    replaced: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    half_typed: str = ""
