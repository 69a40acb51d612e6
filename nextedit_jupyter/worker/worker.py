"""The worker: takes requests from many clients and answers them one at a time.

Threads: the main one waits for the time to exit; one accepts connections; two serve each connection
(`connection`) and answer what needs no inference; one loads the suggester and runs it
(`inference`); one loads other bundles (`upkeep`). All of them block: an idle worker uses no
processor time.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, Listener
from typing import IO, TYPE_CHECKING, Any, Literal, cast

from nextedit_jupyter.core import phases
from nextedit_jupyter.core.error_log import log_error
from nextedit_jupyter.core.errors import WireError
from nextedit_jupyter.core.memory_use import resident_mb
from nextedit_jupyter.core.pacing import OUTCOMES, Pacing
from nextedit_jupyter.core.wire import request_id
from nextedit_jupyter.worker.connection import ClientConnection, dump
from nextedit_jupyter.worker.crash_counter import CrashCounter
from nextedit_jupyter.worker.frames import ENVELOPE_BYTES, unpack
from nextedit_jupyter.worker.inference import Build, Inference
from nextedit_jupyter.worker.parsing import parse_request
from nextedit_jupyter.worker.power import PowerSource
from nextedit_jupyter.worker.request_queue import Job, RequestQueue
from nextedit_jupyter.worker.runtime import RuntimeFolder
from nextedit_jupyter.worker.settings import WorkerSettings
from nextedit_jupyter.worker.upkeep import Upkeep

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.updates import Updates
    from nextedit_jupyter.core.history_store import HistoryStore
    from nextedit_jupyter.worker.statistics import Statistics

log = logging.getLogger("nextedit.worker")

MAX_CONNECTIONS = 64

Reason = Literal["idle", "asked", "signal", "memory"]


class Worker:
    """One running worker. `build`, `roll_back` and `put_back` are those of `Inference`.

    `updates` creates the update check; None for no updates.
    """

    def __init__(
        self,
        folder: RuntimeFolder,
        build: Build,
        settings: WorkerSettings,
        *,
        log_file: IO[bytes] | None = None,
        roll_back: Callable[[str], str | None] = lambda label: None,
        put_back: Callable[[str], None] = lambda label: None,
        updates: Callable[[], Updates] | None = None,
        statistics: Statistics | None = None,
        history: HistoryStore | None = None,
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._statistics = statistics
        self._history = history
        power = PowerSource()
        self._pacing = Pacing(power=power, settings=settings.pacing)
        self._crashes = CrashCounter(folder.deaths, first_pause=settings.retry_seconds)
        self._requests = RequestQueue(self._drop)
        self._inference = Inference(
            build,
            settings,
            self._requests,
            self._send,
            crashes=self._crashes,
            pacing=self._pacing,
            is_full=lambda: self.leave("memory"),
            roll_back=roll_back,
            put_back=put_back,
            log_file=log_file,
            statistics=statistics,
            history=history,
        )
        self._upkeep = Upkeep(
            self._inference.rebuild,
            self._inference.quiet_for,
            updates=updates,
            until_retry=self._crashes.seconds_until_trial,
            retry=self._inference.retry,
            power=power,
            quiet_seconds=settings.quiet_seconds,
        )
        self._clients: dict[int, ClientConnection] = {}
        self._clients_lock = threading.Lock()
        self._leaving = threading.Event()
        self._reason: Reason = "asked"
        self._started = time.monotonic()

    # -- life ----------------------------------------------------------------------------------

    def run(self, ready: Callable[[], None]) -> Reason:
        """Serve until it is time to exit; returns the reason. `ready` is called once clients can
        connect.

        The caller holds the worker's lock, and ends the process without waiting for threads.
        """
        address = self._folder.address
        if sys.platform != "win32":
            with contextlib.suppress(FileNotFoundError):
                os.unlink(address)  # left by a killed worker: the lock proves that none is running
        listener = Listener(address, family=self._folder.family, backlog=MAX_CONNECTIONS)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        self._inference.start()
        threading.Thread(target=self._keep_up, name="upkeep", daemon=True).start()
        ready()
        self._wait_to_leave()
        self._upkeep.end()
        listener.close()  # removes the socket, so that new clients start a new worker
        self._requests.cancel(lambda job: True)
        with self._clients_lock:
            clients = list(self._clients.values())
        for client in clients:
            client.say_goodbye()
        if self._reason != "memory":
            self._crashes.end_cleanly(retry=self._reason != "idle")
        log.info("left: %s, after %d answers", self._reason, self._inference.served)
        return self._reason

    def leave(self, reason: Reason) -> None:
        """Begin to exit; can be called from any thread and from a signal handler."""
        if not self._leaving.is_set():
            self._reason = reason
            self._leaving.set()

    def _wait_to_leave(self) -> None:
        while not self._leaving.is_set():
            left = self._inference.last_request + self._settings.idle_seconds - time.monotonic()
            if left > 0:
                self._leaving.wait(left)
            elif self._requests.idle:
                self.leave("idle")
            else:
                self._leaving.wait(1.0)

    def _keep_up(self) -> None:
        phases.take_slot(1)
        try:
            self._upkeep.run()
        except BaseException as error:
            log_error(log, "bundles are not kept up to date", error)

    # -- connections ---------------------------------------------------------------------------

    def _accept(self, listener: Listener) -> None:
        count = 0
        while not self._leaving.is_set():
            try:
                connection = listener.accept()
            except OSError:  # out of file descriptors, or the client is already gone
                time.sleep(0.05)
                continue
            count += 1
            client = ClientConnection(self, count, cast("Connection[bytes, bytes]", connection))
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
            "bundle_path": self._settings.bundle,
            "remote": self._settings.remote,
        }

    @property
    def message_bytes(self) -> int:
        return self._settings.request_bytes + ENVELOPE_BYTES

    def forget(self, client: ClientConnection) -> None:
        """A client is gone: cancel its requests and drop its cells."""
        with self._clients_lock:
            self._clients.pop(client.number, None)
        self._inference.held.forget(client.number)
        self._requests.cancel(lambda job: job.client[0] == client.number)

    def is_used_by_others(self, client: ClientConnection) -> bool:
        with self._clients_lock:
            return any(other is not client for other in self._clients.values())

    def handle(self, client: ClientConnection, message: bytes) -> None:
        """Handle one message; whatever it is, the connection stays open."""
        try:
            header, body = unpack(message)
        except ValueError:
            client.refuse(0, WireError("a message starts with a line of JSON", code="bad_json"))
            return
        n = header.get("n")
        n = n if isinstance(n, int) else 0
        op = header.get("op")
        if op == "suggest":
            self._queue(client, n, str(header.get("client", ""))[:256], body, header.get("root"))
        elif op == "status":
            client.reply({"n": n, "outcome": "status"}, dump(self.status()))
        elif op == "outcome":
            self._observe(header)
            client.reply({"n": n, "outcome": "status"}, dump(self.pace()))
        elif op == "reload":
            if header.get("retry"):
                self._crashes.allow_trial()
            self._upkeep.wake(reload=not (header.get("retry") and self._crashes.off()))
            client.reply({"n": n, "outcome": "status"}, dump({}))
        elif op == "cancel":
            name = header.get("client")
            self._requests.cancel(
                lambda job: job.client[0] == client.number and (job.n == n or job.client[1] == name)
            )
        elif op == "leave":
            leaving = not (header.get("if_unused") and self.is_used_by_others(client))
            client.reply({"n": n, "outcome": "status", "leaving": leaving})
            if leaving:
                self.leave("asked")
        else:
            client.refuse(n, WireError("unknown op"))

    def _queue(
        self, client: ClientConnection, n: int, name: str, body: bytes, root: object = None
    ) -> None:
        now = self._inference.last_request = time.monotonic()
        page, bounds = (client.number, name), self._inference.bounds
        try:
            value = parse_request(body, bounds)
        except WireError as error:
            client.refuse(n, error)
            return
        try:
            request = self._inference.held.take(page, value, bounds)
        except WireError as error:
            client.refuse(n, error, request_id(value))
            return
        where = root if isinstance(root, str) else None
        self._requests.put(Job(n, page, value, now, request, where))

    def _send(self, job: Job, header: Mapping[str, Any], body: bytes) -> None:
        client = self._clients.get(job.client[0])
        if client is not None:
            client.reply(header, body)

    def _drop(self, job: Job) -> None:
        if not self._leaving.is_set():
            self._inference.answer_stale(job)

    # -- status --------------------------------------------------------------------------------

    def _observe(self, header: Mapping[str, Any]) -> None:
        """Record what the user did with a suggestion, for the pace and, if enabled, the counts."""
        said, kind, lane = (str(header.get(key, "")) for key in ("said", "kind", "lane"))
        for outcome in OUTCOMES:
            if said == outcome:
                self._pacing.observe(outcome)
        if self._statistics is not None:
            self._statistics.record(said, kind, lane)

    def pace(self) -> dict[str, Any]:
        """How long a front end should wait before a request, in milliseconds, and why."""
        return {
            "pause_ms": round(self._pacing.pause_ms(), 1),
            "quiet_ms": round(self._pacing.quiet_ms(), 1),
            "factor": round(self._pacing.factor(), 3),
            "may_infer": self._pacing.may_infer(),
            "power": self._pacing.power_state,
        }

    def status(self) -> dict[str, Any]:
        return {
            **self._inference.status(),
            "pid": os.getpid(),
            "version": self._folder.version,
            "bundle_path": self._settings.bundle,
            "rss_mb": round(resident_mb(), 1),
            "uptime_s": round(time.monotonic() - self._started, 3),
            "clients": len(self._clients),
            "statistics": self._statistics is not None and self._statistics.is_usable,
            "history": self._history is not None and self._history.is_usable,
            "update": self._upkeep.status(),
            **self.pace(),
        }
