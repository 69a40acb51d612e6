"""A session of the extension in one shell: connects recorder, facts, comm, magics and worker.

`stop` undoes everything that it changes in the shell.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nextedit_jupyter.core.errors import NextEditError, WorkerError
from nextedit_jupyter.kernel.quiet import report_once, suppress_errors
from nextedit_jupyter.kernel.recorder import Recorder
from nextedit_jupyter.kernel.requests import build_request
from nextedit_jupyter.kernel.session_settings import SessionSettings
from nextedit_jupyter.kernel.worker_calls import KernelClient, SessionCounts, WorkerCalls

if TYPE_CHECKING:
    from nextedit_jupyter.core.facts import KernelError, KernelFacts
    from nextedit_jupyter.core.notebook import Caret, Cell, Notebook
    from nextedit_jupyter.core.pacing import Outcome, PacingSettings
    from nextedit_jupyter.core.request import SuggestRequest
    from nextedit_jupyter.core.suggestion import Kind
    from nextedit_jupyter.kernel.comm import Channel
    from nextedit_jupyter.kernel.figures import Figures
    from nextedit_jupyter.kernel.pending import Pending


class Session:
    """Everything the extension does in one shell."""

    def __init__(
        self,
        shell: Any,
        make_client: Callable[[str], KernelClient] | None = None,
        *,
        parts: Sequence[Callable[[Session], Callable[[], None]]] = (),
    ) -> None:
        """`make_client` takes the client's name; the default connects to the user's worker.

        Each of the `parts` is called by `start` and returns the function with which `stop` undoes
        it.
        """
        self.shell = shell
        self.settings = SessionSettings()
        self.calls = WorkerCalls(make_client)
        self.pending: list[Pending] = []
        self.enabled = True
        self.channel: Channel | None = None
        self.recorder = Recorder(numbers=self._numbers)
        self._facts: tuple[int, KernelFacts] | None = None
        self._on_change: list[Callable[[], None]] = []
        self._parts = parts
        self._take_back: list[Callable[[], None]] = []
        self._pre = suppress_errors("recording a cell")(self.recorder.pre_run_cell)
        self._post = suppress_errors("recording a cell")(self.recorder.post_run_cell)
        self._figures: Figures | None = None
        self._drawn = suppress_errors("looking at figures")(self._note_figures)
        self._settled = suppress_errors("looking at figures")(self._settle_figures)
        self._matcher: Any = None

    # Life ---------------------------------------------------------------------------------------

    @suppress_errors("loading")
    def start(self) -> None:
        """Attach to the shell: events, magics and, in a kernel, the comm."""
        self._configure()
        self.shell.events.register("pre_run_cell", self._pre)
        self.shell.events.register("post_execute", self._drawn)
        self.shell.events.register("post_run_cell", self._settled)
        self.shell.events.register("post_run_cell", self._post)
        self._take_back += [bring_up(self) for bring_up in self._parts]
        if getattr(self.shell, "kernel", None) is not None:
            from nextedit_jupyter.kernel.comm import Channel

            self.channel = Channel(self.facts_wire)
            self.channel.open()

    @suppress_errors("unloading")
    def stop(self) -> None:
        """Undo everything that `start` did, and disconnect from the worker."""
        self.enabled = False
        for event, callback in (
            ("pre_run_cell", self._pre),
            ("post_execute", self._drawn),
            ("post_run_cell", self._settled),
            ("post_run_cell", self._post),
        ):
            if callback in self.shell.events.callbacks[event]:
                self.shell.events.unregister(event, callback)
        while self._take_back:
            self._take_back.pop()()
        if self.channel is not None:
            self.channel.close()
        self.calls.close()
        self.recorder.purge()
        self._figures = None
        self.drop_completer(self._matcher)
        self.pending.clear()
        self._keep(False)

    def set(self, key: str, text: str) -> None:
        """Change a setting and apply it. Raises ValueError, which says what to do."""
        self.settings.set(key, text)
        if key == "store_history":
            self._keep(self.settings.store_history)

    def _configure(self) -> None:
        """Apply IPython's own configuration; errors in it are reported."""
        given = getattr(self.shell, "config", {}).get("NextEdit", {})
        for key in [name for name in self.settings.names() if name in given]:
            try:
                self.set(key, str(given[key]))
            except ValueError as error:
                report_once(f"c.NextEdit.{key}", error)

    def _keep(self, on: bool) -> None:
        keeping = self.recorder.keeping
        if on and keeping is None:
            from nextedit_jupyter.kernel.history_writer import HistoryWriter

            self.recorder.keeping = HistoryWriter()
        elif not on and keeping is not None:
            self.recorder.keeping = None
            keeping.end()

    def switch(self, on: bool) -> None:
        """Turn recording, facts and requests on or off, and notify the browser."""
        self.enabled = self.recorder.enabled = on
        if self.channel is not None:
            self.channel.send({"op": "enabled", "enabled": on})
        if not on:
            self.pending.clear()
        self.changed()

    def purge(self) -> tuple[int, int]:
        """Forget the record, and the edits kept on disk; returns the number of edits in each."""
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
        """Register a callback for changes of suggestions, counts or the on/off switch."""
        self._on_change.append(callback)

    def changed(self) -> None:
        for callback in self._on_change:
            suppress_errors("redrawing")(callback)()

    def _numbers(self) -> dict[str, int]:
        """IPython's map from the file names of compiled code to In[number]; private, so guarded."""
        found = getattr(self.shell.compile, "_filename_map", None)
        return found if isinstance(found, dict) else {}

    # Facts --------------------------------------------------------------------------------------

    def facts(self) -> KernelFacts:
        """The present facts; empty while switched off. Thread-safe."""
        from nextedit_jupyter.core.facts import KernelFacts
        from nextedit_jupyter.kernel.live_facts import FactsLimits, collect

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
            # The terminal's completer already knows the figures.
            if self.channel is not None and self._matcher is None:
                from nextedit_jupyter.kernel.completing import make_matcher

                self._matcher = make_matcher(self.cached_facts)
                self.add_completer(self._matcher)
        self._figures.note(self.recorder.running_text)

    def _settle_figures(self, result: Any) -> None:
        """After the cell's output, when its figures have been drawn."""
        if self._figures is not None:
            self._figures.settle()

    def cached_facts(self) -> KernelFacts:
        """The facts after the last finished run, collected now only if there are none that
        recent."""
        known = self._facts
        if self.enabled and known is not None and known[0] == self.recorder.generation:
            return known[1]
        return self.facts()

    def last_facts(self) -> KernelFacts:
        """The facts collected last, however old, for callers that must not wait."""
        from nextedit_jupyter.core.facts import KernelFacts

        return self._facts[1] if self.enabled and self._facts is not None else KernelFacts()

    def facts_wire(self) -> Mapping[str, Any]:
        """The facts in the protocol's form."""
        from nextedit_jupyter.core.wire import encode_facts

        return encode_facts(self.facts())

    @property
    def last_error(self) -> KernelError | None:
        """The last run's error; None if it succeeded."""
        return self.recorder.error

    @property
    def ghost_ms(self) -> float:
        """How long ghost text waits for the worker before history is shown."""
        return self.settings.ghost_ms

    @property
    def pacing(self) -> PacingSettings:
        """The user's present settings for pacing by power."""
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
        return build_request(
            self.recorder,
            self.cached_facts,
            want=want,
            caret=caret,
            draft=draft,
            rename_to=rename_to,
            deadline_ms=deadline_ms,
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

        `client` names the sender: a newer request under the same name supersedes an older one.
        Raises WorkerError if the worker cannot be reached or refuses the request; blocks up to
        `timeout` seconds.
        """
        if not self.enabled:
            raise WorkerError("nextedit is off; turn it on with %nextedit on")
        waits = self.settings.timeout if timeout is None else timeout
        return self.calls.ask(request, waits, client)

    def present(self, want: Sequence[Kind]) -> tuple[SuggestRequest, bool]:
        """A request about the browser's notebook (then the second value is True), or else about
        what ran.

        Raises NextEditError, which says what to do, if it is off or there is nothing to ask about.
        """
        if not self.enabled:
            raise NextEditError("nextedit is off; turn it on with %nextedit on")
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
        """Ask the worker, and keep its suggestions as pending; also returns a readable reason if
        there are none.

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
        return self.pending, _why_none(answer)

    # Suggestions --------------------------------------------------------------------------------

    def apply(self, index: int) -> list[str]:
        """Accept a pending suggestion; returns messages for the user.

        The browser applies what was made for its notebook. Elsewhere a cell's new text becomes the
        next input, one cell at a time, because such a front end supports nothing else; the rest
        stays pending.
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
        """Whether a browser that has this suggestion's cells is connected."""
        return one.from_browser and self.channel is not None and self.channel.connected

    def reject(self, index: int) -> None:
        """Drop a pending suggestion."""
        one = self.pending.pop(index)
        self.note("rejected", one.kind, one.lane)
        self.changed()

    def cancel(self, client: str) -> None:
        """Cancel the request under this name, which nobody waits for any more. Starts no worker."""
        self.calls.cancel(client)

    @property
    def client(self) -> KernelClient:
        return self.calls.client

    @property
    def counts(self) -> SessionCounts:
        return self.calls.counts

    @property
    def problem(self) -> str:
        """What is wrong with the worker; empty if nothing is."""
        return self.calls.problem

    def warm_up(self) -> None:
        """Import what a request needs, on the calling thread; starts no worker."""
        from nextedit_jupyter.core import wire  # noqa: F401

        assert self.client is not None

    def note(self, outcome: Outcome, kind: str, lane: str) -> None:
        """Count a suggestion's outcome, here and in a running worker; returns at once."""
        self.calls.note(outcome, kind, lane)

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


_DRAWING = ("matplotlib.figure", "plotly.basedatatypes", "altair")
_PATIENT_MS = 2_000.0  # the protocol's longest deadline: a magic is waited for
_KINDS = {"inline": "ghost text", "next_edit": "next edit", "rename": "rename"}
_REASONS = {
    "no_change": "nothing to change",
    "low_confidence": "nothing is likely enough",
    "reverts_user": "it would undo your last edit",
    "breaks_syntax": "the suggestion does not parse",
    "unknown_name": "the suggestion uses unknown names",
    "stale": "the notebook changed in the meantime",
    "throttled": "too many requests",
    "off": "suggestions are off",
    "deadline": "the time limit was reached",
    "no_model": "no model is loaded",
    "refused": "refused",
}


def _why_none(answer: Mapping[str, Any]) -> str:
    """Why an answer has no suggestions: by their kinds, if several were asked for."""
    details = answer.get("silence_detail", {})
    reasons = {
        _KINDS.get(kind, kind): details.get(kind) or _REASONS.get(why, why)
        for kind, why in answer.get("silence", {}).items()
    }
    if len(reasons) == 1:
        return f"No suggestion: {next(iter(reasons.values()))}."
    return " ".join(["No suggestion.", *(f"{kind}: {why}." for kind, why in reasons.items())])
