"""One shell's life with the extension: it wires recorder, facts, comm, magics and worker together.

All that it changes in the shell is undone by `stop`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from nextedit_jupyter.core.errors import NextEditError, WorkerError
from nextedit_jupyter.kernel.quiet import quietly, report_once
from nextedit_jupyter.kernel.recorder import Recorder, json_bytes

if TYPE_CHECKING:
    from nextedit_jupyter.core.facts import CellRun, KernelError, KernelFacts
    from nextedit_jupyter.core.history import EditEvent
    from nextedit_jupyter.core.notebook import Caret, Cell, Notebook
    from nextedit_jupyter.core.pacing import Outcome, PacingSettings
    from nextedit_jupyter.core.request import SuggestRequest
    from nextedit_jupyter.core.suggestion import Kind
    from nextedit_jupyter.kernel.comm import Channel
    from nextedit_jupyter.kernel.figures import Figures
    from nextedit_jupyter.kernel.pending import Pending
    from nextedit_jupyter.kernel.telling import Telling


T = TypeVar("T")


class Client(Protocol):
    """The part of `worker.client.WorkerClient` that a kernel uses."""

    def suggest(
        self, request: Mapping[str, Any], timeout: float = ..., *, client: str | None = ...
    ) -> dict[str, Any]: ...

    def cancel(self, *, client: str | None = ...) -> None: ...

    def status(self, timeout: float = ..., *, start: bool = ...) -> dict[str, Any]: ...

    def report(
        self, outcome: str, kind: str, lane: str, timeout: float = ...
    ) -> dict[str, Any] | None: ...

    def reload(self, timeout: float = ...) -> bool: ...

    def close(self) -> None: ...


@dataclass
class Settings:
    """What `%nextedit config` shows and changes, for this session only.

    `c.NextEdit.<name>` in IPython's configuration sets what a session begins with.
    """

    timeout: float = field(
        default=5.0, metadata={"doc": "seconds that a magic waits for the worker"}
    )
    ghost_ms: float = field(
        default=250.0,
        metadata={"doc": "milliseconds that ghost text waits before history is shown"},
    )
    facts_ms: float = field(default=25.0, metadata={"doc": "milliseconds spent on facts at most"})
    max_names: int = field(default=200, metadata={"doc": "names sent to the worker at most"})
    notebook_ms: float = field(
        default=500.0, metadata={"doc": "milliseconds to wait for the browser's notebook"}
    )
    mains_ms: float = field(
        default=50.0, metadata={"doc": "minimum milliseconds between ghost texts on mains"}
    )
    battery_ms: float = field(
        default=300.0, metadata={"doc": "milliseconds between ghost texts on battery"}
    )
    low_battery_ms: float = field(
        default=1_000.0, metadata={"doc": "milliseconds between ghost texts below 20 % of battery"}
    )
    off_on_low_battery: bool = field(
        default=False, metadata={"doc": "no ghost text of the model below 20 % of battery"}
    )
    store_history: bool = field(
        default=False, metadata={"doc": "keep executed edits on disk, 14 days or 20 MB at most"}
    )

    def set(self, key: str, text: str) -> None:
        """Raises ValueError, which says what to do, for an unknown key or a value out of range."""
        known = {one.name: one for one in fields(self)}
        if key not in known:
            raise ValueError(f"there is no setting {key!r}; choose from {', '.join(known)}")
        if isinstance(getattr(self, key), bool):
            if text.lower() not in _SWITCH:
                raise ValueError(f"{key} is on or off, not {text!r}")
            setattr(self, key, _SWITCH[text.lower()])
            return
        try:
            value = type(getattr(self, key))(text)
        except ValueError:
            raise ValueError(f"{key} is a number, not {text!r}") from None
        if not 0 < value <= 1e6:
            raise ValueError(f"{key} lies above 0 and up to 1000000, not {text}")
        setattr(self, key, value)

    def text(self, key: str) -> str:
        """The setting as `set` reads it."""
        value = getattr(self, key)
        return ("on" if value else "off") if isinstance(value, bool) else f"{value:g}"


_SWITCH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


@dataclass
class Counts:
    """What this session did, for its owner alone; kept in memory and gone with the kernel."""

    requests: int = 0
    shown: int = 0
    accepted: int = 0
    partial: int = 0
    rejected: int = 0
    typed_through: int = 0
    silent: int = 0
    failed: int = 0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=200))

    @property
    def median_ms(self) -> float | None:
        known = sorted(self.latencies_ms)
        return known[len(known) // 2] if known else None


class Session:
    """Everything the extension does in one shell."""

    def __init__(self, shell: Any, make_client: Callable[[str], Client] | None = None) -> None:
        """`make_client` takes the client's name; without it, the user's worker is reached."""
        self.shell = shell
        self.settings = Settings()
        self.counts = Counts()
        self.pending: list[Pending] = []
        self.enabled = True
        self.problem = ""
        self.channel: Channel | None = None
        self.recorder = Recorder(numbers=self._numbers)
        self._make_client = make_client or _connect
        self._client: Client | None = None
        self._lock = threading.RLock()
        self._facts: tuple[int, KernelFacts] | None = None
        self.magic: Any = None
        self.magic_matcher: Any = None
        self._on_change: list[Callable[[], None]] = []
        self._telling: Telling | None = None
        self._pre = quietly("recording a cell")(self.recorder.pre_run_cell)
        self._post = quietly("recording a cell")(self.recorder.post_run_cell)
        self._figures: Figures | None = None
        self._drawn = quietly("looking at figures")(self._note_figures)
        self._settled = quietly("looking at figures")(self._settle_figures)
        self._matcher: Any = None

    # Life ---------------------------------------------------------------------------------------

    @quietly("loading")
    def start(self) -> None:
        """Take up the shell: events, magics and, in a kernel, the comm."""
        from nextedit_jupyter.kernel import magics

        self._configure()
        self.shell.events.register("pre_run_cell", self._pre)
        self.shell.events.register("post_execute", self._drawn)
        self.shell.events.register("post_run_cell", self._settled)
        self.shell.events.register("post_run_cell", self._post)
        magics.register(self)
        if getattr(self.shell, "kernel", None) is not None:
            from nextedit_jupyter.kernel.comm import Channel

            self.channel = Channel(self.facts_wire)
            self.channel.open()

    @quietly("unloading")
    def stop(self) -> None:
        """Take back all that `start` did, and let go of the worker."""
        from nextedit_jupyter.kernel import magics

        self.enabled = False
        for event, callback in (
            ("pre_run_cell", self._pre),
            ("post_execute", self._drawn),
            ("post_run_cell", self._settled),
            ("post_run_cell", self._post),
        ):
            if callback in self.shell.events.callbacks[event]:
                self.shell.events.unregister(event, callback)
        magics.unregister(self)
        if self.channel is not None:
            self.channel.close()
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
        self.recorder.purge()
        self._figures = None
        self.drop_completer(self._matcher)
        self.pending.clear()
        self._keep(False)

    def set(self, key: str, text: str) -> None:
        """Change a setting, and what it says. Raises ValueError, which says what to do."""
        self.settings.set(key, text)
        if key == "store_history":
            self._keep(self.settings.store_history)

    def _configure(self) -> None:
        """Begin with what IPython's own configuration says; what is wrong there is reported."""
        given = getattr(self.shell, "config", {}).get("NextEdit", {})
        for key in [one.name for one in fields(self.settings) if one.name in given]:
            try:
                self.set(key, str(given[key]))
            except ValueError as error:
                report_once(f"c.NextEdit.{key}", error)

    def _keep(self, on: bool) -> None:
        keeping = self.recorder.keeping
        if on and keeping is None:
            from nextedit_jupyter.kernel.keeping import Keeping

            self.recorder.keeping = Keeping()
        elif not on and keeping is not None:
            self.recorder.keeping = None
            keeping.end()

    def switch(self, on: bool) -> None:
        """Turn recording, facts and requests on or off; the browser is told."""
        self.enabled = self.recorder.enabled = on
        if self.channel is not None:
            self.channel.send({"op": "enabled", "enabled": on})
        if not on:
            self.pending.clear()
        self.changed()

    def purge(self) -> tuple[int, int]:
        """Forget what was recorded, and the edits kept on disk; how many edits each held."""
        from nextedit_jupyter.core.history_store import HistoryStore, store_path

        forgotten, kept = self.recorder.purge(), 0
        self._figures = None
        self.pending.clear()
        if store_path().exists():
            store = HistoryStore()
            kept = len(store)
            store.purge()
            store.close()
        return forgotten, kept

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call back after suggestions, counts or the switch changed."""
        self._on_change.append(callback)

    def changed(self) -> None:
        for callback in self._on_change:
            quietly("redrawing")(callback)()

    def _numbers(self) -> dict[str, int]:
        """IPython's map from the file name of compiled code to In[number]; private, so guarded."""
        found = getattr(self.shell.compile, "_filename_map", None)
        return found if isinstance(found, dict) else {}

    # Facts --------------------------------------------------------------------------------------

    def facts(self) -> KernelFacts:
        """What is known now; empty while switched off. Safe on any thread."""
        from nextedit_jupyter.core.facts import KernelFacts
        from nextedit_jupyter.kernel.facts import FactsLimits, collect

        if not self.enabled:
            return KernelFacts()
        generation = self.recorder.generation
        facts = collect(
            self.shell.user_ns,
            hidden=self.shell.user_ns_hidden,
            recent=self.recorder.recent_identifiers(),
            runs=self.recorder.runs,
            error=self.recorder.error,
            limits=FactsLimits(
                names=int(self.settings.max_names), budget_ms=self.settings.facts_ms
            ),
        )
        if self._figures is not None:
            facts = replace(facts, figures=self._figures.facts(self.shell.user_ns))
        if "numpy" in sys.modules:
            from nextedit_jupyter.kernel.tables import collect_tables

            facts = replace(facts, tables=collect_tables(self.shell.user_ns))
        self._facts = (generation, facts)
        return facts

    def _note_figures(self) -> None:
        """After a cell, before the inline backend closes what it drew."""
        if not self.enabled or not any(library in sys.modules for library in _DRAWING):
            return
        if self._figures is None:
            from nextedit_jupyter.kernel.figures import Figures

            self._figures = Figures()
            # A terminal's completer knows the figures already.
            if self.channel is not None and self._matcher is None:
                from nextedit_jupyter.kernel.completing import make_matcher

                self._matcher = make_matcher(self.cached_facts)
                self.add_completer(self._matcher)
        self._figures.note(self.recorder.running_text)

    def _settle_figures(self, result: Any) -> None:
        """After the cell's output: what it drew is drawn."""
        if self._figures is not None:
            self._figures.settle()

    def cached_facts(self) -> KernelFacts:
        """The facts of the last finished run, collected now only if there are none so recent."""
        known = self._facts
        if self.enabled and known is not None and known[0] == self.recorder.generation:
            return known[1]
        return self.facts()

    def last_facts(self) -> KernelFacts:
        """The facts collected last, however old: for those who must not wait at all."""
        from nextedit_jupyter.core.facts import KernelFacts

        return self._facts[1] if self.enabled and self._facts is not None else KernelFacts()

    def facts_wire(self) -> Mapping[str, Any]:
        """The facts as the protocol has them."""
        from nextedit_jupyter.core.wire import encode_facts

        return encode_facts(self.facts())

    @property
    def last_error(self) -> KernelError | None:
        """The last run's error, None if it ran through."""
        return self.recorder.error

    @property
    def ghost_ms(self) -> float:
        """How long ghost text may wait for the worker before history is shown."""
        return self.settings.ghost_ms

    @property
    def pacing(self) -> PacingSettings:
        """The waiting times by power that the user wants now."""
        from nextedit_jupyter.core.pacing import PacingSettings

        settings = self.settings
        return PacingSettings(
            mains_ms=settings.mains_ms,
            battery_ms=settings.battery_ms,
            low_ms=settings.low_battery_ms,
            off_on_low=settings.off_on_low_battery,
        )

    @property
    def in_terminal(self) -> bool:
        """Whether the front end is a terminal, which takes ANSI colours and no HTML."""
        return getattr(self.shell, "kernel", None) is None

    # Requests -----------------------------------------------------------------------------------

    def notebook(self) -> Notebook:
        """The notebook as it ran, in the order of first runs."""
        return self.recorder.notebook()

    def request(
        self,
        *,
        want: Sequence[Kind],
        caret: Caret | None = None,
        draft: Cell | None = None,
        rename_to: str | None = None,
        deadline_ms: float = 1_000.0,
    ) -> SuggestRequest | None:
        """A request about the notebook as it ran, with `draft` as its last cell.

        The caret is by default where the last executed edit ended, or at the last cell's end.
        None if nothing ran.
        """
        from nextedit_jupyter.core.notebook import Notebook
        from nextedit_jupyter.core.request import SuggestRequest

        notebook = self.recorder.notebook()
        if draft is not None:
            cells = [cell for cell in notebook.cells if cell.id != draft.id]
            # What ran long ago tells little of the next line, and each key pays for it.
            recent = _last_within(cells, lambda cell: json_bytes(cell.source), _DRAFT_BYTES)
            notebook = Notebook(notebook.language, (*recent, draft))
        if not notebook.cells:
            return None
        history = _last_within(
            self.recorder.history,
            lambda event: json_bytes(event.before) + json_bytes(event.after),
            _HISTORY_BYTES,
        )
        return SuggestRequest(
            notebook=notebook,
            caret=caret or _latest_place(notebook, history, self.recorder.runs),
            history=history,
            facts=self.cached_facts(),
            want=tuple(want),
            deadline_ms=deadline_ms,
            rename_to=rename_to,
            id=self.counts.requests,
        )

    def browser_request(self) -> SuggestRequest | None:
        """The notebook, caret and history as the browser has them, if it answers in time."""
        if self.channel is None:
            return None
        wire = self.channel.ask_notebook(self.settings.notebook_ms / 1e3)
        if wire is None:
            return None
        from nextedit_jupyter.core.wire import decode_request

        try:
            return replace(decode_request(wire), facts=self.cached_facts())
        except NextEditError as error:
            report_once("reading the browser's notebook", error)
            return None

    def ask(
        self, request: SuggestRequest, *, timeout: float | None = None, client: str = "magic"
    ) -> dict[str, Any]:
        """The worker's answer (AnswerWire, offsets in code points).

        `client` names who asks: of two requests under one name the newer wins. Raises WorkerError
        if the worker cannot be reached or refuses the request; blocks up to `timeout` seconds.
        """
        from nextedit_jupyter.core.wire import encode_request

        if not self.enabled:
            raise WorkerError("nextedit is off; turn it on with %nextedit on")
        self.counts.requests += 1
        start = time.perf_counter()
        try:
            answer = self.client.suggest(
                encode_request(request),
                self.settings.timeout if timeout is None else timeout,
                client=f"{_NAME}-{client}",
            )
        except WorkerError as error:
            self.counts.failed += 1
            self.problem = str(error)
            raise
        self.counts.latencies_ms.append((time.perf_counter() - start) * 1e3)
        if "error" in answer:
            self.counts.failed += 1
            raise WorkerError(str(answer["error"].get("message", "the worker refused")))
        self.problem = ""
        if not answer.get("suggestions"):
            self.counts.silent += 1
        return answer

    def present(self, want: Sequence[Kind]) -> tuple[SuggestRequest, bool]:
        """A request about the browser's notebook (then true), or else about what ran.

        Raises NextEditError, which says what to do, if it is off or there is nothing to ask about.
        """
        if not self.enabled:
            raise NextEditError("it is off; turn it on with %nextedit on")
        request = self.browser_request()
        if request is not None:
            return replace(request, want=tuple(want), deadline_ms=_PATIENT_MS), True
        request = self.request(want=want, deadline_ms=_PATIENT_MS)
        if request is None:
            raise NextEditError("no cell ran since nextedit was loaded: run some, and try again")
        return request, False

    def suggest(self, want: Sequence[Kind]) -> tuple[list[Pending], str]:
        """Ask about the present notebook; see `fetch`. Raises NextEditError."""
        return self.fetch(*self.present(want))

    def fetch(self, request: SuggestRequest, from_browser: bool) -> tuple[list[Pending], str]:
        """Ask, and keep what is suggested as pending; with it, why there is nothing, for people.

        Raises WorkerError.
        """
        from nextedit_jupyter.kernel.pending import read_suggestion

        answer = self.ask(request)
        read = (
            read_suggestion(one, request.notebook, from_browser=from_browser)
            for one in answer.get("suggestions", ())
        )
        self.pending[:] = [one for one in read if one is not None]
        for one in self.pending:
            self.note("shown", one.kind, one.lane)
        self.changed()
        silence, details = answer.get("silence", {}), answer.get("silence_detail", {})
        reasons = "".join(
            f" {kind}: {details.get(kind) or _REASONS.get(why, why)}."
            for kind, why in silence.items()
        )
        return self.pending, f"No suggestion.{reasons}"

    # Suggestions --------------------------------------------------------------------------------

    def apply(self, index: int) -> list[str]:
        """Accept a pending suggestion; returns what to tell the user.

        The browser applies what was made for its notebook. Elsewhere a cell's new text becomes the
        next input, one cell at a time, for that is all that such a front end has; the rest stays
        pending.
        """
        one = self.pending.pop(index)
        told: list[str]
        if self.channel is not None and self.browser_can_apply(one):
            from nextedit_jupyter.kernel.pending import in_utf16

            self.channel.send({"op": "apply", "suggestion": in_utf16(one)})
            told = [f"Applied: {one.headline}"]
        else:
            first, *others = one.changes
            self.shell.set_next_input(first.after)
            told = [f"{first.title} with its change is the next input."]
            if others:
                self.pending.insert(
                    0, replace(one, changes=tuple(others), from_browser=False, is_rest=True)
                )
                cells = "cell" if len(others) == 1 else "cells"
                told.append(f"{len(others)} more {cells}: run it, then %nextedit apply")
        if not one.is_rest:
            self.note("accepted", one.kind, one.lane)
        self.changed()
        return told

    def browser_can_apply(self, one: Pending) -> bool:
        """Whether a browser is there that knows the cells of this suggestion."""
        return one.from_browser and self.channel is not None and self.channel.connected

    def reject(self, index: int) -> None:
        """Drop a pending suggestion."""
        one = self.pending.pop(index)
        self.note("rejected", one.kind, one.lane)
        self.changed()

    def cancel(self, client: str) -> None:
        """Nobody waits any more for what was asked under this name. Starts nothing."""
        if self._client is not None:
            self._client.cancel(client=f"{_NAME}-{client}")

    @property
    def client(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._make_client(_NAME)
            return self._client

    def warm_up(self) -> None:
        """Import what a request needs, on whatever thread this is called; starts no worker."""
        from nextedit_jupyter.core import wire  # noqa: F401

        assert self.client is not None

    def note(self, outcome: Outcome, kind: str, lane: str) -> None:
        """Count what became of a suggestion, here and in a worker that runs; returns at once."""
        setattr(self.counts, outcome, getattr(self.counts, outcome) + 1)
        if self._telling is None:
            from nextedit_jupyter.kernel.telling import Telling

            self._telling = Telling(lambda *words: self.client.report(*words))
        self._telling.tell(outcome, kind, lane)

    def add_completer(self, matcher: Any) -> None:
        """Add a matcher to IPython's completer, where there is one."""
        completer = getattr(self.shell, "Completer", None)
        if completer is not None:
            completer.custom_matchers.append(matcher)

    def drop_completer(self, matcher: Any) -> None:
        completer = getattr(self.shell, "Completer", None)
        if completer is not None:
            completer.custom_matchers[:] = [
                one for one in completer.custom_matchers if one is not matcher
            ]


_NAME = f"kernel-{os.getpid()}"
_DRAWING = ("matplotlib.figure", "plotly.basedatatypes", "altair")
_DRAFT_BYTES = 60_000  # of cells sent along with ghost text: many times the model's context
_HISTORY_BYTES = 250_000  # of edits, so that a request stays within its 1 MB
_PATIENT_MS = 2_000.0  # the protocol's longest deadline: a magic is waited for
_REASONS = {
    "no_change": "nothing to change",
    "low_confidence": "nothing is likely enough",
    "reverts_user": "it would take back your last edit",
    "breaks_syntax": "what was found does not parse",
    "unknown_name": "what was found uses unknown names",
    "stale": "the notebook changed in the meantime",
    "throttled": "too many requests",
    "off": "it is off",
    "deadline": "there was no time",
    "no_model": "no model is loaded",
    "refused": "refused",
}


def _connect(name: str) -> Client:
    from nextedit_jupyter.worker.client import WorkerClient

    return WorkerClient(name)


def _last_within(items: Sequence[T], size: Callable[[T], int], limit: int) -> tuple[T, ...]:
    """The last items whose sizes together stay within the limit."""
    start, left = len(items), limit
    while start and (left := left - size(items[start - 1])) >= 0:
        start -= 1
    return tuple(items[start:])


def _latest_place(
    notebook: Notebook, history: Sequence[EditEvent], runs: Sequence[CellRun]
) -> Caret:
    """Where the last executed edit ended, or the end of the cell that ran last."""
    from nextedit_jupyter.core.notebook import Caret

    for event in reversed(history):
        cell = notebook.cell(event.cell)
        if cell is not None and cell.source == event.after and event.edit:
            *earlier, last = event.edit.replacements
            growth = sum(change.growth for change in earlier)
            return Caret(cell.id, last.start + growth + len(last.text))
    ran = (notebook.cell(run.cell) for run in reversed(runs))
    cell = next((cell for cell in ran if cell is not None), notebook.cells[-1])
    return Caret(cell.id, len(cell.source))
