"""What the terminal needs from a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from nextedit_jupyter.core.facts import KernelError, KernelFacts
from nextedit_jupyter.core.notebook import Caret, Cell, Notebook
from nextedit_jupyter.core.pacing import Outcome, PacingSettings
from nextedit_jupyter.core.request import SuggestRequest
from nextedit_jupyter.core.suggestion import Kind, Lane


class TerminalSession(Protocol):
    """Facts, requests and answers; `nextedit_jupyter.kernel.session.Session` is one."""

    enabled: bool

    @property
    def last_error(self) -> KernelError | None:
        """The last run's error."""

    @property
    def ghost_ms(self) -> float:
        """How long ghost text waits for the worker before history is shown."""

    @property
    def pacing(self) -> PacingSettings:
        """The user's present settings for pacing by power."""

    def notebook(self) -> Notebook:
        """What ran."""

    def cached_facts(self) -> KernelFacts:
        """Facts after the last run; may take some milliseconds."""

    def last_facts(self) -> KernelFacts:
        """The facts collected last, without waiting."""

    def request(
        self,
        *,
        want: Sequence[Kind],
        caret: Caret | None = ...,
        draft: Cell | None = ...,
        deadline_ms: float = ...,
    ) -> SuggestRequest | None:
        """A request about what ran, with `draft` as the last cell; None if there is nothing."""

    def ask(
        self, request: SuggestRequest, *, timeout: float | None = ..., client: str = ...
    ) -> dict[str, Any]:
        """The worker's answer, offsets in code points; blocks. Raises WorkerError."""

    def warm_up(self) -> None:
        """Import what a request needs, on the calling thread; starts no worker."""

    def note(self, outcome: Outcome, kind: Kind, lane: Lane) -> None:
        """Count ghost text's outcome; returns at once."""

    def add_completer(self, matcher: Any) -> None: ...

    def drop_completer(self, matcher: Any) -> None: ...
