"""The worker process: takes requests from many clients and runs one inference at a time.

Threads: the main one waits for the time to leave; one accepts connections; one reads each
connection and answers what needs no inference; one loads the suggester and runs it; one takes up
other bundles (`upkeep`). All of them block: an idle worker uses no processor time. Nothing of a
user's text is ever logged: of an unexpected error, its type and the places in our code.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import logging
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, answer_challenge, deliver_challenge
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol, cast

from nextedit_jupyter.core.errors import BundleError, NextEditError, WireError
from nextedit_jupyter.core.pacing import OUTCOMES, Pacing
from nextedit_jupyter.core.request import Answer, Bounds, SuggestRequest
from nextedit_jupyter.core.wire import (
    Offsets,
    encode_answer,
    encode_error,
    request_id,
)
from nextedit_jupyter.worker.answers import silent_answer
from nextedit_jupyter.worker.client import _limit, _socket_of
from nextedit_jupyter.worker.frames import ENVELOPE_BYTES, pack, unpack
from nextedit_jupyter.worker.parsing import HeldCells, parse_request
from nextedit_jupyter.worker.power import PowerSource
from nextedit_jupyter.worker.runtime import Deaths, RuntimeFolder
from nextedit_jupyter.worker.statistics import Statistics
from nextedit_jupyter.worker.turns import Job, Turns
from nextedit_jupyter.worker.upkeep import QUIET_SECONDS, Rebuilt, Upkeep

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.updates import Updates
    from nextedit_jupyter.core.history_store import HistoryStore

log = logging.getLogger("nextedit.worker")

MAX_CONNECTIONS = 64
# Deep but legal source recurses in C; 64 MB are address space, not memory.
INFERENCE_STACK_BYTES = 64 * 1024 * 1024
# A cold import of onnxruntime, the check of the bundle's digests and the session take seconds.
LOAD_SECONDS = 120.0
# Whoever connects must prove within this time that they know the key, ...
HANDSHAKE_SECONDS = 5.0
# ... and take each answer within this, and not let more than this pile up.
SEND_SECONDS = 2.0
MAX_UNSENT_BYTES = 16_000_000
ROLL_BACK_AFTER_DEATHS = 3
# A worker that gave so many answers did not die of its bundle: kills that are days apart, or a
# machine short of memory, must not turn the model off.
PROVED_AFTER_ANSWERS = 100

Reason = Literal["idle", "asked", "signal", "memory"]


class Suggesting(Protocol):
    """What the worker needs of `suggest.Suggester`."""

    @property
    def bundle(self) -> str | None: ...

    def answer(self, request: SuggestRequest, *, cancelled: Callable[[], bool]) -> Answer: ...

    def prefill(self, request: SuggestRequest, *, cancelled: Callable[[], bool]) -> None: ...


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """See `client.WorkerSettings`; seconds, bytes, megabytes."""

    bundle_path: str | None = None
    remote: str | None = None  # `RemoteSettings.to_json`
    memory_mb: int = 1_024
    idle_seconds: float = 600.0
    hang_seconds: float = 15.0
    quiet_seconds: float = QUIET_SECONDS
    bounds: Bounds = field(default_factory=Bounds)


class Worker:
    """One running worker. `build(with_model)` makes the suggester, and may raise BundleError.

    After three bad ends in a row `roll_back(deaths)` is called before the suggester is built; it
    says what other bundle it put in place. If it has none (None), the model lane stays off until
    the worker has ended well once. `updates` makes what looks for newer bundles; None if nothing is
    to look.
    """

    def __init__(
        self,
        folder: RuntimeFolder,
        build: Callable[[bool], Suggesting],
        options: WorkerOptions,
        *,
        log_file: IO[bytes] | None = None,
        roll_back: Callable[[int], str | None] = lambda deaths: None,
        updates: Callable[[], Updates] | None = None,
        pacing: Pacing | None = None,
        statistics: Statistics | None = None,
        history: HistoryStore | None = None,
    ) -> None:
        self._folder = folder
        self._pacing = pacing or Pacing(power=PowerSource())
        self._statistics = statistics
        self._history = history
        self._build = build
        self._options = options
        self._log_file = log_file
        self._roll_back = roll_back
        self._deaths = Deaths(folder.deaths)
        self._deaths_before = 0
        self._turns = Turns(self._answer_stale)
        self._held = HeldCells()
        self._clients: dict[int, _Client] = {}
        self._clients_lock = threading.Lock()
        self._suggester: Suggesting | None = None
        self._served_request: SuggestRequest | None = None
        self._problem: str | None = None
        self._leaving = threading.Event()
        self._reason: Reason = "asked"
        self._started = self._last_request = self._loaded = time.monotonic()
        self._cpu_at_rest = time.process_time()
        self._served = 0
        self._last_ms: float | None = None
        self._memory_checked = 0.0
        self._upkeep = Upkeep(
            self._rebuild,
            self._quiet_for,
            updates=updates,
            power=PowerSource(),
            quiet_seconds=options.quiet_seconds,
        )

    # -- life ----------------------------------------------------------------------------------

    def run(self, ready: Callable[[], None]) -> Reason:
        """Serve until it is time to leave; returns why. `ready` is called once clients may come.

        The caller holds the worker's lock, and ends the process without waiting for threads.
        """
        self._deaths_before = self._deaths.begin()
        address = self._folder.address
        if sys.platform != "win32":
            with contextlib.suppress(FileNotFoundError):
                os.unlink(address)  # of a worker that was killed: the lock says that none lives
        listener = Listener(address, family=self._folder.family, backlog=MAX_CONNECTIONS)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        threading.stack_size(INFERENCE_STACK_BYTES)
        threading.Thread(target=self._infer, name="inference", daemon=True).start()
        threading.stack_size(0)
        threading.Thread(target=self._keep_up, name="upkeep", daemon=True).start()
        ready()
        self._wait_to_leave()
        self._upkeep.end()
        listener.close()  # removes the socket: new clients start a new worker
        self._turns.cancel(lambda job: True)
        with self._clients_lock:
            clients = list(self._clients.values())
        for client in clients:
            client.say_goodbye()
        if self._reason != "memory":
            self._deaths.end_cleanly()
        log.info("left: %s, after %d answers", self._reason, self._served)
        return self._reason

    def leave(self, reason: Reason) -> None:
        """Begin to leave; may be called from any thread and from a signal handler."""
        if not self._leaving.is_set():
            self._reason = reason
            self._leaving.set()

    def _wait_to_leave(self) -> None:
        while not self._leaving.is_set():
            left = self._last_request + self._options.idle_seconds - time.monotonic()
            if left > 0:
                self._leaving.wait(left)
            elif self._turns.idle:
                self.leave("idle")
            else:
                self._leaving.wait(1.0)

    # -- connections ---------------------------------------------------------------------------

    def _accept(self, listener: Listener) -> None:
        count = 0
        while not self._leaving.is_set():
            try:
                connection = listener.accept()
            except OSError:  # out of file descriptors, or the client is gone already
                time.sleep(0.05)
                continue
            count += 1
            client = _Client(self, count, cast("Connection[bytes, bytes]", connection))
            with self._clients_lock:
                full = len(self._clients) >= MAX_CONNECTIONS
                if not full:
                    self._clients[count] = client
            if full:
                connection.close()
                continue
            threading.Thread(target=client.serve, daemon=True).start()

    def key(self) -> bytes:
        return self._folder.read_key()

    def hello(self) -> dict[str, Any]:
        return {
            "op": "hello",
            "version": self._folder.version,
            "pid": os.getpid(),
            "bundle_path": self._options.bundle_path,
            "remote": self._options.remote,
        }

    @property
    def message_bytes(self) -> int:
        return self._options.bounds.request_bytes + ENVELOPE_BYTES

    def forget(self, client: _Client) -> None:
        """A client is gone: what it waited for is cancelled, and its cells are dropped."""
        with self._clients_lock:
            self._clients.pop(client.number, None)
        self._held.forget(client.number)
        self._turns.cancel(lambda job: job.client[0] == client.number)

    def is_used_by_others(self, client: _Client) -> bool:
        with self._clients_lock:
            return any(other is not client for other in self._clients.values())

    def handle(self, client: _Client, message: bytes) -> None:
        """Take one message; whatever it is, the connection goes on."""
        try:
            header, body = unpack(message)
        except ValueError:
            client.refuse(0, WireError("a message starts with a line of JSON", code="bad_json"))
            return
        n = header.get("n")
        n = n if isinstance(n, int) else 0
        op = header.get("op")
        if op == "suggest":
            self._queue(client, n, str(header.get("client", ""))[:256], body)
        elif op == "status":
            client.reply({"n": n, "outcome": "status"}, _dump(self.status()))
        elif op == "outcome":
            self._observe(header)
            client.reply({"n": n, "outcome": "status"}, _dump(self.pace()))
        elif op == "reload":
            self._upkeep.wake()
            client.reply({"n": n, "outcome": "status"}, _dump({}))
        elif op == "cancel":
            name = header.get("client")
            self._turns.cancel(
                lambda job: job.client[0] == client.number and (job.n == n or job.client[1] == name)
            )
        elif op == "leave":
            leaving = not (header.get("if_unused") and self.is_used_by_others(client))
            client.reply({"n": n, "outcome": "status", "leaving": leaving})
            if leaving:
                self.leave("asked")
        else:
            client.refuse(n, WireError("unknown op"))

    def _queue(self, client: _Client, n: int, name: str, body: bytes) -> None:
        self._last_request = time.monotonic()
        try:
            value = parse_request(body, self._options.bounds)
        except WireError as error:
            client.refuse(n, error)
            return
        self._turns.put(Job(n, (client.number, name), value, self._last_request))

    def _observe(self, header: Mapping[str, Any]) -> None:
        """Take up what the user made of a suggestion, for the pace and, if wanted, the counts."""
        said, kind, lane = (str(header.get(key, "")) for key in ("said", "kind", "lane"))
        for outcome in OUTCOMES:
            if said == outcome:
                self._pacing.observe(outcome)
        if self._statistics is not None:
            self._statistics.record(said, kind, lane)

    def pace(self) -> dict[str, Any]:
        """How long a front end is to wait before it asks, in milliseconds, and why."""
        return {
            "pause_ms": round(self._pacing.pause_ms(), 1),
            "quiet_ms": round(self._pacing.quiet_ms(), 1),
            "may_infer": self._pacing.may_infer(),
            "power": self._pacing.power_state,
        }

    def status(self) -> dict[str, Any]:
        now = time.monotonic()
        suggester = self._suggester
        busy = self._turns.running is not None
        return {
            "state": "starting" if suggester is None else "busy" if busy else "ready",
            "pid": os.getpid(),
            "version": self._folder.version,
            "bundle": suggester.bundle if suggester else None,
            "bundle_path": self._options.bundle_path,
            "problem": self._problem or getattr(suggester, "problem", None),
            "lanes": list(getattr(suggester, "lanes", ())),
            "bundles": list(getattr(suggester, "bundles", ())),
            "remote": getattr(suggester, "remote", None),
            "rss_mb": round(resident_mb(), 1),
            "served": self._served,
            "uptime_s": round(now - self._started, 3),
            "idle_s": round(now - self._last_request, 3),
            "idle_cpu_s": round(time.process_time() - self._cpu_at_rest, 3),
            "last_ms": self._last_ms,
            "deaths": self._deaths_before,
            "clients": len(self._clients),
            "statistics": self._statistics is not None and self._statistics.is_usable,
            "history": self._history is not None and self._history.is_usable,
            "update": self._upkeep.status(),
            **self.pace(),
        }

    # -- inference -----------------------------------------------------------------------------

    def _infer(self) -> None:
        try:
            with self._ended_if_hung(LOAD_SECONDS):
                suggester = self._load()
                gc.collect()
                gc.freeze()  # what the libraries made lives as long as the process
        except BaseException as error:
            log_error("the suggester could not be built", error)
            self._problem = f"the suggester could not be built: {type(error).__name__}"
            suggester = _Nothing()
        self._suggester = suggester
        self._loaded = time.monotonic()
        self._cpu_at_rest = time.process_time()
        while True:
            job = self._turns.take()
            suggester = self._suggester  # another one may have been put in place
            with self._ended_if_hung(self._options.hang_seconds):
                header, body = self._serve(job, suggester)
            self._served += 1
            self._last_request, self._cpu_at_rest = time.monotonic(), time.process_time()
            self._last_ms = round((self._last_request - job.arrived) * 1_000, 3)
            self._pacing.observe_latency(self._last_ms)
            self._count_latency(header)
            self._turns.done()
            if job.claim():
                self._send(job, header, body)
            self._keep_history()
            if self._served == PROVED_AFTER_ANSWERS:
                self._deaths.forgive()
            if resident_mb() > self._options.memory_mb:
                log.warning("over %d MB after %d answers", self._options.memory_mb, self._served)
                self.leave("memory")

    def _keep_history(self) -> None:
        """Keep the last request's edits, if the user wants that; the answer is on its way."""
        request, self._served_request = self._served_request, None
        if self._history is not None and request is not None:
            cells = {cell.id for cell in request.notebook.cells}
            self._history.take(request.notebook.language, request.history, cells)

    def _count_latency(self, header: Mapping[str, Any]) -> None:
        if self._statistics is not None:
            for kind, lane in header.get("offered", ()):
                self._statistics.record("latency", kind, lane, self._last_ms)

    def _load(self) -> Suggesting:
        deaths = self._deaths_before
        if deaths >= ROLL_BACK_AFTER_DEATHS:
            placed = self._roll_back(deaths)
            if placed is None:
                self._problem = (
                    f"the worker died {deaths} times in a row, so the model is off until it is "
                    "restarted; run `jupyter nextedit doctor`"
                )
                return self._build(False)
            self._problem = f"the worker died {deaths} times in a row, so {placed}"
            self._deaths.forgive()  # they were the other bundle's
            log.warning("%s", self._problem)
        try:
            return self._build(True)
        except BundleError as error:
            self._problem = str(error)
            log.warning("no model: %s", error.code)
            return self._build(False)

    def _keep_up(self) -> None:
        try:
            self._upkeep.run()
        except BaseException as error:
            log_error("bundles are not kept up to date", error)

    def _quiet_for(self) -> float:
        """Seconds for which nobody has waited for an answer; 0 while somebody does."""
        if self._suggester is None or not self._turns.idle:
            return 0.0
        return time.monotonic() - max(self._last_request, self._loaded)

    def _rebuild(self, expected: str | None) -> Rebuilt:
        """Build the suggester anew, beside the one that serves, and put it in its place.

        Stays with the old one if the new one hasn't the bundle that was expected.
        """
        try:
            fresh = self._build(True)
        except Exception as error:
            log_error("the suggester could not be built anew", error)
            return Rebuilt(None, f"it cannot be loaded ({type(error).__name__})")
        rebuilt = Rebuilt(fresh.bundle, getattr(fresh, "problem", None))
        if expected is None or fresh.bundle == expected:
            self._suggester, self._problem = fresh, None
            log.info("%s is in use", fresh.bundle)
        del fresh
        gc.collect()  # the other one holds tens of megabytes
        return rebuilt

    def _serve(self, job: Job, suggester: Suggesting) -> tuple[dict[str, Any], bytes]:
        """A reply's header and body. Never raises: the thread must live for the next request."""
        began = time.monotonic()
        header: dict[str, Any] = {"n": job.n}
        try:
            request = self._held.decode(job.client, job.value, self._options.bounds)
            self._served_request = request
            waited_ms = (began - job.arrived) * 1_000
            # Waiting for the model to load is not held against the first requests: whoever still
            # waits for them (the command line) wants an answer, a page has sent newer ones.
            left_ms = request.deadline_ms - (began - max(job.arrived, self._loaded)) * 1_000
            if left_ms <= 0:
                body = _dump(silent_answer(job.value, "deadline", suggester.bundle))
                header["outcome"] = "silent"
            else:
                found = self._ask(job, suggester, replace(request, deadline_ms=left_ms))
                total_ms = (time.monotonic() - job.arrived) * 1_000
                timing = replace(found.timing, queue=waited_ms, total=total_ms)
                # The request's offsets were checked when it was decoded.
                offsets = cast(Offsets, job.value.get("offsets", "utf-16"))
                found = replace(found, id=request.id, timing=timing)
                body = _dump(encode_answer(found, request, offsets))
                header["offered"] = sorted({(s.kind, s.lane) for s in found.suggestions})
                header["outcome"] = "suggested" if found.suggestions else "silent"
            return header, body
        except NextEditError as error:
            problem = error
        except BaseException as error:
            log_error("a request failed", error)
            problem = NextEditError(f"a fault of ours: {type(error).__name__}", code="internal")
        header |= {"outcome": "error", "code": problem.code}
        return header, _dump(encode_error(request_id(job.value), problem))

    def _ask(self, job: Job, suggester: Suggesting, request: SuggestRequest) -> Answer:
        # Half a second past the deadline the suggester's own look at the clock has failed.
        late = time.monotonic() + request.deadline_ms / 1_000 + 0.5

        def cancelled() -> bool:
            return job.cancelled or time.monotonic() > late or self._is_too_large()

        if request.want or request.changed:
            return suggester.answer(request, cancelled=cancelled)
        # Nothing is wanted yet: the caret has come to a cell, and a request is to be expected.
        if self._pacing.may_prefill_ahead():
            suggester.prefill(request, cancelled=cancelled)
        return Answer(bundle=suggester.bundle)

    def _answer_stale(self, job: Job) -> None:
        if not self._leaving.is_set() and job.claim():
            bundle = self._suggester.bundle if self._suggester else None
            answer = _dump(silent_answer(job.value, "stale", bundle))
            self._send(job, {"n": job.n, "outcome": "superseded"}, answer)

    def _send(self, job: Job, header: Mapping[str, Any], body: bytes) -> None:
        client = self._clients.get(job.client[0])
        if client is not None:
            client.reply(header, body)

    def _is_too_large(self) -> bool:
        """Looked at in mid-request too, at most every 100 ms."""
        now = time.monotonic()
        if now - self._memory_checked < 0.1:
            return False
        self._memory_checked = now
        return resident_mb() > self._options.memory_mb

    @contextlib.contextmanager
    def _ended_if_hung(self, seconds: float) -> Any:
        """End the process if the block takes longer, even one that never lets go of the GIL.

        faulthandler's thread needs no interpreter; it writes the stack (places in the code, no
        values) to the log. Clients see the end and start another worker.
        """
        if self._log_file is None:
            yield
            return
        faulthandler.dump_traceback_later(seconds, exit=True, file=self._log_file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


class _Client:
    """One connection: a thread reads it, and another sends what any thread replies.

    A client that does not read its answers holds up its own sender, never the inference; it
    loses its connection after `SEND_SECONDS`, or when `MAX_UNSENT_BYTES` wait for it.
    """

    def __init__(self, worker: Worker, number: int, connection: Connection[bytes, bytes]) -> None:
        self.number = number
        self._worker = worker
        self._connection = connection
        self._end = _socket_of(connection)
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._unsent = 0
        self._unsent_lock = threading.Lock()
        self._sender = threading.Thread(target=self._send, daemon=True)

    def serve(self) -> None:
        try:
            self._greet()
            while True:
                self._worker.handle(self, self._receive())
        except (EOFError, OSError, ValueError, AuthenticationError, AssertionError):
            pass
        except Exception as error:
            log_error("a connection failed", error)
        finally:
            self._worker.forget(self)
            self._outbox.put(None)
            if self._sender.is_alive():
                self._sender.join(0.2)  # a last refusal may be on its way
            self._hang_up()
            if self._sender.is_alive():
                self._sender.join()
            self._connection.close()
            if self._end is not None:
                self._end.close()

    def _greet(self) -> None:
        """Both sides prove that they know the key, in time."""
        _limit(self._end, receive=HANDSHAKE_SECONDS, send=SEND_SECONDS)
        key = self._worker.key()
        deliver_challenge(self._connection, key)
        answer_challenge(self._connection, key)
        unpack(self._connection.recv_bytes(ENVELOPE_BYTES))
        _limit(self._end, receive=0.0, send=SEND_SECONDS)
        self._connection.send_bytes(pack(self._worker.hello()))
        self._sender.start()

    def _receive(self) -> bytes:
        limit = self._worker.message_bytes
        try:
            return self._connection.recv_bytes(limit)
        except OSError:
            # Either the connection is gone, or what was announced is too large and was not read:
            # then the rest of the stream cannot be told from it, and the connection ends.
            self.refuse(0, WireError(f"a message has at most {limit} bytes", code="too_large"))
            raise

    def reply(self, header: Mapping[str, Any], body: bytes = b"") -> None:
        """Have a message sent; returns at once."""
        message = pack(header, body)
        with self._unsent_lock:
            self._unsent += len(message)
            too_much = self._unsent > MAX_UNSENT_BYTES
        if too_much:
            self._hang_up()
        else:
            self._outbox.put(message)

    def refuse(self, n: int, error: NextEditError) -> None:
        header = {"n": n, "outcome": "error", "code": error.code}
        self.reply(header, _dump(encode_error(None, error)))

    def say_goodbye(self) -> None:
        """The last message; waits a little for it to be sent."""
        if self._sender.is_alive():
            self.reply({"op": "bye"})
            self._outbox.put(None)
            self._sender.join(0.2)

    def _send(self) -> None:
        while (message := self._outbox.get()) is not None:
            try:
                self._connection.send_bytes(message)
            except (OSError, ValueError):
                self._hang_up()
                return
            with self._unsent_lock:
                self._unsent -= len(message)

    def _hang_up(self) -> None:
        """Wake the reader, which closes the connection."""
        with contextlib.suppress(OSError, ValueError):
            if self._end is not None:
                self._end.shutdown(socket.SHUT_RDWR)
            else:
                self._connection.close()


class _Nothing:
    """Stands in when no suggester could be built: every request is silent, with the reason."""

    bundle: str | None = None
    lanes: tuple[str, ...] = ()

    def answer(self, request: SuggestRequest, *, cancelled: Callable[[], bool]) -> Answer:
        from nextedit_jupyter.core.suggestion import Silence

        return Answer(silence={kind: Silence("no_model") for kind in request.want}, id=request.id)

    def prefill(self, request: SuggestRequest, *, cancelled: Callable[[], bool]) -> None:
        return


def _dump(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def log_error(what: str, error: BaseException) -> None:
    """Log an error's type and the places in the code, without its message or any value: both may
    hold the user's text (a SyntaxError carries the line)."""
    places = []
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{os.path.basename(code.co_filename)}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    log.error("%s: %s at %s", what, type(error).__name__, " < ".join(reversed(places[-8:])))


def resident_mb() -> float:
    """The process's resident memory in MB (2**20 bytes); its peak on macOS; 0 where unknown."""
    if sys.platform == "linux":
        with (
            contextlib.suppress(OSError, ValueError, IndexError),
            open("/proc/self/statm", "rb") as f,
        ):
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        return 0.0
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
