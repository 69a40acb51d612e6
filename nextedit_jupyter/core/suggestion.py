"""What is offered, and why nothing is."""

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

    `optional` edits are listed but not chosen by default (mentions in Markdown). `notes` say what
    was left alone and why ("cell 4 does not parse"). `left_alone` are the cells whose places were
    left out because they may not be changed, which the notes name. `confidence` lies in 0 to 1.
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

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence must be between 0 and 1, not {self.confidence}")

    def apply(self, notebook: Notebook) -> dict[str, str] | None:
        """The new text of each cell it changes; None if any cell is not the text it was made for.

        All or nothing: a stale place means that nothing is applied anywhere.
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

    `replaced` are names whose definitions made way for others: their uses mean the old ones.
    `settled` are names of which it is known where they are used, and nothing is left to follow.
    `half_typed` is the name that seems to go on, if that is why.
    """

    reason: SilenceReason
    detail: str = ""
    replaced: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    half_typed: str = ""
