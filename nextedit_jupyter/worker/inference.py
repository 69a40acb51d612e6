"""The thread that owns the suggester: it loads it, serves one request at a time, and replaces it.

It ends the process when a request hangs: a client that notices starts another worker. It reveals
nothing of the user's text: of an unexpected error it logs only the type and the lines of our code.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from nextedit_jupyter.core import Elsewhere, phases
from nextedit_jupyter.core.error_log import log_error
from nextedit_jupyter.core.errors import BundleError, NextEditError
from nextedit_jupyter.core.memory_use import give_back_freed, resident_mb
from nextedit_jupyter.core.phases import Phase
from nextedit_jupyter.core.request import Answer, Bounds, SuggestRequest
from nextedit_jupyter.core.suggestion import Silence
from nextedit_jupyter.core.wire import Offsets, encode_answer, encode_error, request_id
from nextedit_jupyter.core.wire_across import decode_across, encode_elsewhere
from nextedit_jupyter.worker.connection import dump
from nextedit_jupyter.worker.crash_counter import PROVED_AFTER_ANSWERS
from nextedit_jupyter.worker.parsing import HeldCells
from nextedit_jupyter.worker.request_queue import Job, RequestQueue
from nextedit_jupyter.worker.silent_answers import silent_answer
from nextedit_jupyter.worker.upkeep import Rebuilt

if TYPE_CHECKING:
    from nextedit_jupyter.core.history_store import HistoryStore
    from nextedit_jupyter.core.pacing import Pacing
    from nextedit_jupyter.project.folder import Folders
    from nextedit_jupyter.worker.crash_counter import CrashCounter
    from nextedit_jupyter.worker.settings import WorkerSettings
    from nextedit_jupyter.worker.statistics import Statistics

log = logging.getLogger("nextedit.worker")

# Deep but legal source recurses in C; 64 MB are address space, not memory.
STACK_BYTES = 64 * 1024 * 1024
# A cold import of onnxruntime, the check of the bundle's digests and the session take seconds.
LOAD_SECONDS = 120.0
# A worker that uses this much of its bound before the first request exits because of its model.
_FULL_AT_ONCE = 0.9

Build = Callable[[Collection[str]], "Suggesting"]
Send = Callable[[Job, Mapping[str, Any], bytes], None]


class Suggesting(Protocol):
    """What the worker needs of `suggest.Suggester`."""

    @property
    def bundle(self) -> str | None:
        """The label of the model that answers; None if there is none, see `problem`."""

    @property
    def problem(self) -> str | None:
        """What is wrong with the models, and what to do."""

    @property
    def lanes(self) -> Sequence[str]: ...

    @property
    def bundles(self) -> Sequence[Mapping[str, str]]:
        """Id, language and label of every model that may be asked."""

    @property
    def remote(self) -> Mapping[str, str | None] | None:
        """The team's server that text is sent to; None if it stays on this machine."""

    def answer(self, request: SuggestRequest, *, cancelled: Callable[[], bool]) -> Answer: ...

    def prefill(self, request: SuggestRequest, *, cancelled: Callable[[], bool]) -> None: ...


class Inference:
    """Builds the suggester with `build(off)`, which may raise BundleError, and asks it.

    `off` are the labels of bundles that must not be used, the empty label for all. `send` delivers
    an answer; `is_full` is called when the process exceeds its memory bound. A bundle that killed
    workers (`crashes`) is switched off: `roll_back(label)` replaces it with an earlier one and
    returns which, or None if there is none; `put_back(label)` undoes that when it is retried.
    """

    def __init__(
        self,
        build: Build,
        settings: WorkerSettings,
        queue: RequestQueue,
        send: Send,
        *,
        crashes: CrashCounter,
        pacing: Pacing,
        is_full: Callable[[], None],
        roll_back: Callable[[str], str | None],
        put_back: Callable[[str], None],
        log_file: IO[bytes] | None = None,
        statistics: Statistics | None = None,
        history: HistoryStore | None = None,
    ) -> None:
        self.held = HeldCells()
        self._folders: Folders | None = None  # imported with the first document that has a path
        self.bounds = Bounds(request_bytes=settings.request_bytes)
        self.suggester: Suggesting | None = None
        self.served = 0
        self.last_ms: float | None = None
        self.last_request = self._loaded = time.monotonic()
        self._build = build
        self._settings = settings
        self._requests = queue
        self._send = send
        self._crashes = crashes
        self._pacing = pacing
        self._is_full = is_full
        self._roll_back = roll_back
        self._put_back = put_back
        self._log_file = log_file
        self._statistics = statistics
        self._history = history
        self._crashes_before = 0
        self._problem: str | None = None
        self._served_request: SuggestRequest | None = None
        self._cpu_at_rest = time.process_time()
        self._memory_checked = 0.0
        self._full_at_once = False

    # -- called by other threads ---------------------------------------------------------------

    def start(self) -> None:
        """Start a thread for it, which ends with the process."""
        self._crashes_before = self._crashes.begin()
        threading.stack_size(STACK_BYTES)
        threading.Thread(target=self._run, name="inference", daemon=True).start()
        threading.stack_size(0)

    def status(self) -> dict[str, Any]:
        suggester = self.suggester
        busy = self._requests.running is not None
        return {
            "state": "starting" if suggester is None else "busy" if busy else "ready",
            "bundle": suggester.bundle if suggester else None,
            "problem": self._problem_of(suggester),
            "lanes": list(suggester.lanes) if suggester else [],
            "bundles": list(suggester.bundles) if suggester else [],
            "remote": suggester.remote if suggester else None,
            "served": self.served,
            "idle_s": round(time.monotonic() - self.last_request, 3),
            "idle_cpu_s": round(time.process_time() - self._cpu_at_rest, 3),
            "last_ms": self.last_ms,
            "deaths": self._crashes_before,
            "off": sorted(self._crashes.off()),
            "folder": self._folders.status_json() if self._folders is not None else None,
        }

    def quiet_for(self) -> float:
        """Seconds since somebody last waited for an answer; 0 while somebody does."""
        if self.suggester is None or not self._requests.idle:
            return 0.0
        return time.monotonic() - max(self.last_request, self._loaded)

    def rebuild(self, expected: str | None) -> Rebuilt:
        """Build a new suggester while the old one serves, and replace it.

        Keeps the old one if the new one does not have the expected bundle.
        """
        try:
            with phases.during(Phase.LOADING):
                fresh = self._build(self._crashes.unusable())
        except Exception as error:
            log_error(log, "the suggester could not be built again", error)
            return Rebuilt(None, f"it cannot be loaded ({type(error).__name__})")
        rebuilt = Rebuilt(fresh.bundle, fresh.problem)
        if expected is None or fresh.bundle == expected:
            self.suggester, self._problem = fresh, None
            log.info("%s is in use", fresh.bundle)
        del fresh
        gc.collect()  # the old one holds tens or hundreds of megabytes
        give_back_freed()
        return rebuilt

    def retry(self) -> None:
        """Retry the bundles that were switched off and whose pause is over."""
        due = self._crashes.try_again()
        for label in due:
            self._put_back(label)
        if not due:
            return
        rebuilt = self.rebuild(None)
        for label in due:
            if rebuilt.bundle is None or (label and label not in self._labels()):
                self._switch_off(label)

    def _labels(self) -> set[str]:
        """The labels of the bundles that can be asked."""
        return {bundle["label"] for bundle in self.suggester.bundles} if self.suggester else set()

    def answer_stale(self, job: Job) -> None:
        """Answer a job that nobody waits for any more."""
        if job.claim():
            bundle = self.suggester.bundle if self.suggester else None
            body = dump(silent_answer(job.value, "stale", bundle))
            self._send(job, {"n": job.n, "outcome": "superseded"}, body)

    # -- its thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        phases.take_slot(0)
        try:
            with self._ended_if_hung(LOAD_SECONDS):
                suggester = self._load()
                gc.collect()
                gc.freeze()  # the libraries' objects live as long as the process
                give_back_freed()
        except BaseException as error:
            log_error(log, "the suggester could not be built", error)
            self._problem = f"the suggester could not be built: {type(error).__name__}"
            suggester = _NullSuggester()
        self.suggester = suggester
        self._loaded = time.monotonic()
        self._cpu_at_rest = time.process_time()
        self._full_at_once = resident_mb() > _FULL_AT_ONCE * self._settings.memory_mb
        while True:
            self._serve_next()

    def _load(self) -> Suggesting:
        for label in self._crashes.try_again():
            self._put_back(label)
        for label in self._crashes.too_bad():
            self._switch_off(label)
        off = self._crashes.unusable()
        try:
            with phases.during(Phase.LOADING):
                return self._build(off)
        except BundleError as error:
            self._problem = str(error)
            log.warning("no model: %s", error.code)
            return self._build({*off, ""})

    def _switch_off(self, label: str) -> None:
        self._crashes.switch_off(label, self._roll_back(label))
        log.warning("%s is switched off: workers died in it", label or "the model")

    def _problem_of(self, suggester: Suggesting | None) -> str | None:
        said = (self._crashes.problem(), self._problem, suggester.problem if suggester else None)
        return " ".join(dict.fromkeys(text for text in said if text)) or None

    def _serve_next(self) -> None:
        job = self._requests.take()
        suggester = self.suggester  # it may have been replaced
        assert suggester is not None
        with (
            self._ended_if_hung(self._settings.hang_seconds),
            phases.during(Phase.ANALYSIS),
        ):
            header, body = self._serve(job, suggester)
        self.served += 1
        self.last_request, self._cpu_at_rest = time.monotonic(), time.process_time()
        self.last_ms = round((self.last_request - job.arrived) * 1_000, 3)
        self._pacing.observe_latency(self.last_ms)
        self._count_latency(header)
        self._requests.done()
        header["ms"] = self.last_ms
        if job.claim():
            self._send(job, header, body)
        self._keep_history()
        self._note_answer()
        if resident_mb() > self._settings.memory_mb:
            log.warning("over %d MB after %d answers", self._settings.memory_mb, self.served)
            if self._full_at_once:
                self._crashes.blame(suggester.bundle or "")
            self._is_full()

    def _note_answer(self) -> None:
        """A model has answered: its bundle and the worker have proved themselves."""
        if (model_answer := phases.take_answer()) is not None:
            self._crashes.has_answered(*model_answer)
        if self.served == PROVED_AFTER_ANSWERS:
            self._crashes.forgive()

    def _keep_history(self) -> None:
        """Store the last request's edits, if the user chose that; the answer has already been
        sent."""
        request, self._served_request = self._served_request, None
        if self._history is not None and request is not None:
            cells = {cell.id for cell in request.notebook.cells}
            self._history.take(request.notebook.language, request.history, cells)

    def _count_latency(self, header: Mapping[str, Any]) -> None:
        if self._statistics is not None:
            for kind, lane in header.get("offered", ()):
                self._statistics.record("latency", kind, lane, self.last_ms)

    def _serve(self, job: Job, suggester: Suggesting) -> tuple[dict[str, Any], bytes]:
        """The reply's header and body. Never raises: the thread must survive for the next
        request."""
        began = time.monotonic()
        header: dict[str, Any] = {"n": job.n}
        try:
            request = job.request or self.held.decode(job.client, job.value, self.bounds)
            self._served_request = request
            request = self._around(request, job.root)
            waited_ms = (began - job.arrived) * 1_000
            # Time spent on loading the model does not count for the first requests: whoever still
            # waits for them (the command line) wants an answer, and a page has sent newer ones.
            left_ms = request.deadline_ms - (began - max(job.arrived, self._loaded)) * 1_000
            if left_ms <= 0:
                body = dump(silent_answer(job.value, "deadline", suggester.bundle))
                header["outcome"] = "silent"
            else:
                found = self._ask(job, suggester, replace(request, deadline_ms=left_ms))
                total_ms = (time.monotonic() - job.arrived) * 1_000
                timing = replace(found.timing, queue=waited_ms, total=total_ms)
                # The request's offsets were checked when it was decoded.
                offsets = cast(Offsets, job.value.get("offsets", "utf-16"))
                found = replace(found, id=request.id, timing=timing)
                body = dump(encode_answer(found, request, offsets) | self._elsewhere(job, request))
                header["offered"] = sorted({(s.kind, s.lane) for s in found.suggestions})
                header["outcome"] = "suggested" if found.suggestions else "silent"
            return header, body
        except NextEditError as error:
            problem = error
        except BaseException as error:
            log_error(log, "a request failed", error)
            problem = NextEditError(f"internal error: {type(error).__name__}", code="internal")
        header |= {"outcome": "error", "code": problem.code}
        return header, dump(encode_error(request_id(job.value), problem))

    def _around(self, request: SuggestRequest, root: str | None) -> SuggestRequest:
        """The request with what is known from the folder around its document."""
        try:
            if root is None or request.place is None:
                return request
            if self._folders is None:
                from nextedit_jupyter.project.folder import Folders

                self._folders = Folders()
            return self._folders.enrich(request, root)
        except Exception as error:
            log_error(log, "the folder was left out", error)
            return request

    def _elsewhere(self, job: Job, request: SuggestRequest) -> dict[str, Any]:
        """The changes in other documents, if requested: {"elsewhere": …} or {}."""
        if "across" not in job.value or job.root is None or request.place is None:
            return {}
        from nextedit_jupyter.analysis.budget import OverBudget, budget
        from nextedit_jupyter.project.below_root import Root
        from nextedit_jupyter.project.rename_across import rename_across

        across = decode_across(job.value)
        root = Root(job.root, request.place.excluded)
        found: Elsewhere | Silence
        try:
            with budget():
                found = rename_across(across, root)
        except OverBudget:
            found = Silence("refused", "the other documents are too large to read at once")
        if isinstance(found, Silence):
            if found.reason != "refused":
                return {}
            found = Elsewhere("", across.to or "", (), (found.detail,))
        return {"elsewhere": encode_elsewhere(found, job.value.get("offsets", "utf-16"))}

    def _ask(self, job: Job, suggester: Suggesting, request: SuggestRequest) -> Answer:
        # Half a second after the deadline, the suggester's own check of the clock has failed.
        late = time.monotonic() + request.deadline_ms / 1_000 + 0.5

        def cancelled() -> bool:
            return job.cancelled or time.monotonic() > late or self._is_too_large()

        if request.want or request.changed:
            return suggester.answer(request, cancelled=cancelled)
        # Nothing is requested yet: the caret has entered a cell, and a request is likely.
        if self._pacing.may_prefill_ahead():
            suggester.prefill(request, cancelled=cancelled)
        return Answer(bundle=suggester.bundle)

    def _is_too_large(self) -> bool:
        """Also checked during a request, at most every 100 ms."""
        now = time.monotonic()
        if now - self._memory_checked < 0.1:
            return False
        self._memory_checked = now
        return resident_mb() > self._settings.memory_mb

    @contextlib.contextmanager
    def _ended_if_hung(self, seconds: float) -> Iterator[None]:
        """End the process if the block takes longer, even if it never releases the GIL.

        faulthandler's thread needs no interpreter; it writes the stack (code locations, no values)
        to the log. Clients notice the exit and start another worker.
        """
        if self._log_file is None:
            yield
            return
        faulthandler.dump_traceback_later(seconds, exit=True, file=self._log_file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


class _NullSuggester:
    """Used when no suggester could be built: every request is silent, with the reason."""

    bundle: str | None = None
    problem: str | None = None
    lanes: tuple[str, ...] = ()
    bundles: tuple[dict[str, str], ...] = ()
    remote: None = None

    def answer(self, request: SuggestRequest, *, cancelled: Callable[[], bool]) -> Answer:
        return Answer(silence={kind: Silence("no_model") for kind in request.want}, id=request.id)

    def prefill(self, request: SuggestRequest, *, cancelled: Callable[[], bool]) -> None:
        return
