"""Records what ran: cells with their texts, the order of runs, executed edits, the last error.

Written by `pre_run_cell` and `post_run_cell` on the kernel's main thread and read from other
threads, such as those of comms, so one lock guards all state. A text that the redactor refuses is
never held.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

from nextedit_jupyter.core.facts import CellRun, KernelError
from nextedit_jupyter.core.history import EditEvent, EditHistory
from nextedit_jupyter.core.notebook import Cell, Notebook, text_hash
from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.core.tags import OFF_TAG

if TYPE_CHECKING:
    from nextedit_jupyter.kernel.history_writer import HistoryWriter

_OWN_COMMANDS = re.compile(
    r"\s*(?:%?nextedit\b[^\n]*|%(?:load|reload|unload)_ext\s+nextedit_jupyter)\s*"
)
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_RECENT_CELLS = 20


@dataclass(frozen=True, slots=True)
class RecorderLimits:
    """Bounds on the held texts, so that all of them fit into a request (`core.request.Bounds`, 1
    MB).

    `total_bytes` counts the size of texts as ASCII JSON.
    """

    cells: int = 1_000
    cell_chars: int = 64_000
    total_bytes: int = 500_000
    runs: int = 1_000


class Recorder:
    """Records executions; `clock` returns seconds."""

    def __init__(
        self,
        *,
        limits: RecorderLimits | None = None,
        clock: Callable[[], float] = time.time,
        refuses: Callable[[str], bool] = holds_secret,
        numbers: Callable[[], dict[str, int]] = dict,
    ) -> None:
        """`numbers` returns the shell's map from the file names of compiled code to
        `In[number]`."""
        self._limits = limits or RecorderLimits()
        self._clock = clock
        self._refuses = refuses
        self._numbers = numbers
        self._lock = RLock()
        self._history = EditHistory(refuses=self._refused)
        self._texts: dict[str, str] = {}  # by cell, in the order of their first runs
        self._counts: dict[str, int | None] = {}
        self._runs: deque[CellRun] = deque(maxlen=self._limits.runs)
        self._error: KernelError | None = None
        self._running: tuple[int, str, str] | None = None  # id of the info, cell, text
        self._looked_at: dict[str, bool] = {}
        self._nameless = 0
        self.enabled = True
        self.keeping: HistoryWriter | None = None  # set if the user wants edits kept
        self.generation = 0  # incremented after each run; shows whether facts are outdated
        self.seconds = 0.0  # spent in here, shown to users as the overhead
        self.events = 0

    # Events of the shell ------------------------------------------------------------------------

    def pre_run_cell(self, info: Any) -> None:
        """Called before a cell runs; `info` is IPython's ExecutionInfo."""
        if not self._should_record(info):
            return
        start = time.perf_counter()
        with self._lock:
            if _is_tagged_off(info):
                self._forget(info.cell_id)
                return
            self._begin(info, None)
        self.seconds += time.perf_counter() - start
        self.events += 1

    def post_run_cell(self, result: Any) -> None:
        """Called after a cell ran; `result` is IPython's ExecutionResult. Its value is never
        touched."""
        info = result.info
        if info is None or not self._should_record(info) or _is_tagged_off(info):
            return
        start = time.perf_counter()
        with self._lock:
            if self._running is None or self._running[0] != id(info):
                self._begin(info, result.execution_count)  # the cell that loaded us
            assert self._running is not None
            _, cell, text = self._running
            self._running = None
            if self._runs and self._runs[-1].cell == cell:
                self._runs[-1] = CellRun(cell, self._runs[-1].hash, result.execution_count)
            if cell in self._texts:
                self._counts[cell] = result.execution_count
            error = result.error_in_exec
            if error is None:
                error = result.error_before_exec
            self._error = None if error is None else self._describe(error, cell, text)
            self.generation += 1
        self.seconds += time.perf_counter() - start

    def _describe(self, error: BaseException, cell: str, text: str) -> KernelError | None:
        from nextedit_jupyter.kernel import last_error

        return last_error.describe(
            error, cell, text, lambda name: self._locate(name, cell, text), self._refuses
        )

    def _should_record(self, info: Any) -> bool:
        """Whether a person ran this: neither a front end's hidden execution nor one of our
        commands."""
        text = info.raw_cell
        return (
            self.enabled
            and bool(info.store_history)
            and not info.silent
            and type(text) is str
            and not text.isspace()
            and text != ""
            and len(text) <= self._limits.cell_chars
            and not _OWN_COMMANDS.fullmatch(text)
        )

    def _begin(self, info: Any, count: int | None) -> None:
        text: str = info.raw_cell
        cell = info.cell_id
        if type(cell) is not str or not cell:
            self._nameless += 1
            cell = f"run-{self._nameless}"
        self._running = (id(info), cell, text)
        self._runs.append(CellRun(cell, text_hash(text), count))
        before = self._texts.get(cell)
        if before == text:
            self._counts[cell] = count
            return
        if self._refused(text):
            self._forget(cell)
            return
        if before is not None:
            event = EditEvent(cell, before, text, "executed", self._clock())
            self._history.append(event)
            if self.keeping is not None and not self._refused(before):
                self.keeping.keep(event)
        self._texts[cell] = text
        self._counts[cell] = count
        self._trim()

    def _forget(self, cell: str) -> None:
        self._texts.pop(cell, None)
        self._counts.pop(cell, None)
        self._history.forget(cell)
        if self.keeping is not None:
            self.keeping.forget(cell)

    def _trim(self) -> None:
        total = sum(map(json_bytes, self._texts.values()))
        while len(self._texts) > 1 and (
            len(self._texts) > self._limits.cells or total > self._limits.total_bytes
        ):
            oldest = next(iter(self._texts))
            total -= json_bytes(self._texts.pop(oldest))
            self._counts.pop(oldest, None)

    def _refused(self, text: str) -> bool:
        """Whether the redactor refuses the text; cached, since the history asks again.

        Cached by hash: a refused text must not stay in memory.
        """
        key = text_hash(text)
        if key not in self._looked_at:
            if len(self._looked_at) > 2 * self._limits.cells:
                self._looked_at.clear()
            self._looked_at[key] = self._refuses(text)
        return self._looked_at[key]

    def _locate(self, filename: str, cell: str, text: str) -> tuple[str, str] | None:
        """The cell and text for a frame's file name; `cell` is the one that just ran."""
        number = self._numbers().get(filename)
        if number is None:
            return None
        for run in reversed(self._runs):
            if run.count == number:
                if run.cell == cell:
                    return cell, text
                held = self._texts.get(run.cell)
                # A cell that was run again with another text no longer has that line.
                return (run.cell, held) if held and text_hash(held) == run.hash else None
        return None

    # What was recorded --------------------------------------------------------------------------

    @property
    def running_text(self) -> str:
        """The text of the running cell; empty if there is none, or if it contains a secret."""
        with self._lock:
            cell = self._running[1] if self._running is not None else ""
            return self._texts.get(cell, "")

    @property
    def history(self) -> tuple[EditEvent, ...]:
        with self._lock:
            return self._history.events

    @property
    def runs(self) -> tuple[CellRun, ...]:
        with self._lock:
            return tuple(self._runs)

    @property
    def error(self) -> KernelError | None:
        with self._lock:
            return self._error

    def notebook(self) -> Notebook:
        """The cells that ran, with the texts that ran last, in the order of their first runs."""
        with self._lock:
            return Notebook(
                "python",
                tuple(
                    Cell(cell, "code", text, self._counts.get(cell))
                    for cell, text in self._texts.items()
                ),
            )

    def recent_identifiers(self) -> tuple[str, ...]:
        """Identifiers of the cells that ran last, newest cell first, each once."""
        with self._lock:
            cells = list(dict.fromkeys(run.cell for run in reversed(self._runs)))[:_RECENT_CELLS]
            texts = [self._texts[cell] for cell in cells if cell in self._texts]
        return tuple(dict.fromkeys(name for text in texts for name in _IDENTIFIER.findall(text)))

    def purge(self) -> int:
        """Forget all texts, runs and errors; returns how many edits were forgotten."""
        with self._lock:
            forgotten = len(self._history)
            self._history.forget()
            self._texts.clear()
            self._counts.clear()
            self._runs.clear()
            self._error = None
            self._looked_at.clear()
            self.generation += 1
            return forgotten


def json_bytes(text: str) -> int:
    """An upper bound on a text's size as ASCII JSON, without encoding it."""
    return len(text) + text.count("\n") + text.count('"') if text.isascii() else 6 * len(text)


def _is_tagged_off(info: Any) -> bool:
    """Whether the front end reports the cell as tagged off; needs IPython 9.16 and ipykernel
    7.3."""
    meta = getattr(info, "cell_meta", None)
    tags = meta.get("tags") if isinstance(meta, dict) else None
    return isinstance(tags, list) and OFF_TAG in tags
