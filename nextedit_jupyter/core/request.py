"""A request for suggestions, its answer, and bounds on both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nextedit_jupyter.core.facts import KernelFacts
from nextedit_jupyter.core.history import EditEvent
from nextedit_jupyter.core.notebook import Caret, Cell, Notebook
from nextedit_jupyter.core.suggestion import KINDS, Kind, Silence, Suggestion


@dataclass(frozen=True, slots=True)
class Bounds:
    """The upper bounds of a request: bytes of UTF-8, events, milliseconds."""

    request_bytes: int = 1_000_000
    cell_bytes: int = 64_000
    notebook_bytes: int = 4_000_000
    history_events: int = 10
    left_out: int = 1_000  # cells that the client says it left out
    deadline_ms: float = 2_000.0
    path_characters: int = 1_000
    globs: int = 200  # excluded paths
    recent_paths: int = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document is: its path below the server's root, with slashes, and what else a front
    end says about the folder. `excluded` are globs of paths that must not be read, `recent` are
    paths of recently opened documents, newest first. `neighbours`: also read pieces of the files
    around it, not only the modules that it imports."""

    path: str
    excluded: tuple[str, ...] = ()
    recent: tuple[str, ...] = ()
    neighbours: bool = False


@dataclass(frozen=True, slots=True)
class Nearby:
    """Text from another file that helps here: a module's stubs, or a piece of a file."""

    path: str
    text: str
    kind: Literal["module", "piece"]


@dataclass(frozen=True, slots=True)
class SuggestRequest:
    """Everything a lane may look at; nothing is remembered between requests.

    `history` is oldest first. `rename_to` is set by the explicit command: the new name for the name
    at the caret. `changed` are cells whose text is no longer what ran: the answer then lists all
    cells whose results are out of date; `ran_before` are the cells that have results, perhaps from
    an earlier kernel, if that is known. `bundle` is the id of the model that the notebook names.
    `drawn` is the id of the ghost text that the user saw last, empty if none was seen, None if the
    client does not say. `id` is the client's and is returned unchanged (a number, a string or
    None). `place` is where the document is, if the folder around it may be read; `nearby` is what
    was found there.
    """

    notebook: Notebook
    caret: Caret
    history: tuple[EditEvent, ...] = ()
    facts: KernelFacts = field(default_factory=KernelFacts)
    want: tuple[Kind, ...] = KINDS
    deadline_ms: float = 1_000.0
    rename_to: str | None = None
    changed: tuple[str, ...] = ()
    ran_before: tuple[str, ...] | None = None
    bundle: str | None = None
    drawn: str | None = None
    place: Place | None = None
    nearby: tuple[Nearby, ...] = ()
    id: int | str | None = None

    @property
    def cell(self) -> Cell:
        """The cell that the caret is in; the constructor ensures that it exists."""
        cell = self.notebook.cell(self.caret.cell)
        assert cell is not None
        return cell

    def __post_init__(self) -> None:
        cell = self.notebook.cell(self.caret.cell)
        if cell is None:
            raise ValueError(f"the cursor's cell {self.caret.cell!r} is not in the notebook")
        if not 0 <= self.caret.offset <= len(cell.source):
            raise ValueError("the cursor is outside its cell")


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds spent in each part."""

    total: float = 0.0
    queue: float = 0.0
    analysis: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens of the prompt, how many of them were cached, and decoding counts."""

    prompt: int = 0
    reused: int = 0
    generated: int = 0
    drafted: int = 0
    accepted: int = 0

    def __add__(self, other: TokenCounts) -> TokenCounts:
        return TokenCounts(
            self.prompt + other.prompt,
            self.reused + other.reused,
            self.generated + other.generated,
            self.drafted + other.drafted,
            self.accepted + other.accepted,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """Suggestions, best first, and the reason for each requested kind that is absent.

    `stale` are the cells to run again because of the request's `changed` cells, in that order; None
    if it named none.
    """

    suggestions: tuple[Suggestion, ...] = ()
    silence: Mapping[str, Silence] = field(default_factory=dict)
    bundle: str | None = None
    timing: Timing = field(default_factory=Timing)
    tokens: TokenCounts = field(default_factory=TokenCounts)
    id: int | str | None = None
    stale: tuple[str, ...] | None = None
