"""The client of the worker, for server, kernel, terminal and command line.

Standard library only, and expensive modules (multiprocessing, subprocess, futures) are imported
when a worker is first reached: a kernel that never asks for a suggestion never pays for them.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.worker import transport
from nextedit_jupyter.worker.link import Link, Reply, RequestTicket, WorkerLeft, wait_for
from nextedit_jupyter.worker.runtime import RuntimeFolder, held
from nextedit_jupyter.worker.settings import WorkerSettings
from nextedit_jupyter.worker.starting import spawn

__all__ = ["Reply", "RequestTicket", "WorkerClient", "WorkerLeft", "WorkerSettings"]

MAX_BACKOFF_SECONDS = 60.0


class WorkerClient:
    """A connection to the user's worker, which is started on first use.

    Thread-safe. `client` names the sender: a newer request under the same name supersedes an older
    one, which is answered at once, silent with the reason "stale". If both have a number as `id`,
    the larger is the newer; otherwise it is the one that arrives later. One WorkerClient can serve
    many names (`suggest(..., client=)`).
    """

    def __init__(self, client: str = "default", settings: WorkerSettings | None = None) -> None:
        self.client = client
        self.settings = settings or WorkerSettings()
        self._folder: RuntimeFolder | None = None
        self._link: Link | None = None
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._failures = 0
        self._not_before = 0.0
        self._last_failure = ""
        self.starts = 0

    # -- public methods ------------------------------------------------------------------------

    def suggest(
        self, request: Mapping[str, Any], timeout: float = 5.0, *, client: str | None = None
    ) -> dict[str, Any]:
        """Answer a `core.wire.RequestWire` with an AnswerWire or an ErrorAnswerWire.

        A request for nothing (`"want": []`) makes the worker read ahead what a request at this
        caret will need.

        Waits up to `timeout` seconds for the answer, plus the start of a worker if there is none.
        Raises WorkerError if the worker cannot be started, dies during the request or is too late;
        the next call tries again.
        """
        try:
            body = json.dumps(request, separators=(",", ":"), allow_nan=False).encode("ascii")
        except (ValueError, TypeError, RecursionError) as error:
            return _error_answer(request, "bad_request", f"not JSON: {type(error).__name__}")
        if len(body) > self.settings.request_bytes:
            return _error_answer(
                request,
                "too_large",
                f"the request has {len(body)} bytes, at most {self.settings.request_bytes} "
                "are served; send fewer cells",
            )
        answer: dict[str, Any] = json.loads(self.exchange(body, timeout, client=client).body)
        return answer

    def exchange(self, body: bytes, timeout: float = 5.0, *, client: str | None = None) -> Reply:
        """`suggest` for an already encoded request; the answer is not decoded."""
        for attempt in (1, 2):
            ticket = self.submit(body, client=client)
            try:
                return wait_for(ticket, timeout)
            except WorkerLeft:
                if attempt == 2:
                    raise
        raise AssertionError

    def submit(
        self, body: bytes, *, client: str | None = None, root: str | None = None
    ) -> RequestTicket:
        """Send a request and return at once; starts a worker if there is none, which can block.

        The ticket's future ends with a Reply, a WorkerError, or WorkerLeft, after which the request
        can be submitted again. `root` is the folder around the document that may be read. Raises
        WorkerError.
        """
        if len(body) > self.settings.request_bytes:
            raise WorkerError(f"a request has at most {self.settings.request_bytes} bytes")
        header = {"op": "suggest", "client": self.client if client is None else client}
        if root is not None:
            header["root"] = root
        for attempt in (1, 2):
            link = self._connected()
            try:
                return link.request(header, body)
            except WorkerLeft:  # it exited since the last request: not a failure
                if attempt == 2:
                    raise
        raise AssertionError

    def cancel(self, *, client: str | None = None) -> None:
        """Cancel the request in progress under this name; it is answered as stale. Starts no
        worker."""
        link = self._link
        if link is not None and link.alive:
            with contextlib.suppress(WorkerError):
                link.send({"op": "cancel", "client": self.client if client is None else client})

    def status(self, timeout: float = 5.0, *, start: bool = True) -> dict[str, Any]:
        """The worker's status; with `start` false, `{"state": "stopped", "pid": null}` if there is
        no worker.

        Keys: state (starting, ready, busy), pid, version, bundle, bundle_path, problem, lanes,
        rss_mb, served, uptime_s, idle_s, idle_cpu_s (processor time since the last answer),
        last_ms, deaths (in a row), off (labels of models that are switched off), clients,
        statistics, history, update, and the pace as returned by `report`. Raises WorkerError.
        """
        for attempt in (1, 2):
            if not start and not self._connect_if_running():
                return {"state": "stopped", "pid": None, "bundle": None, "problem": None}
            link = self._connected()
            try:
                ticket = link.request({"op": "status"}, b"")
                status: dict[str, Any] = json.loads(wait_for(ticket, timeout).body)
                return status
            except WorkerLeft:
                if attempt == 2:
                    raise
        raise AssertionError

    def report(
        self, outcome: str, kind: str, lane: str, timeout: float = 2.0
    ) -> dict[str, Any] | None:
        """Report a suggestion's outcome to the worker: one of `core.pacing.OUTCOMES`.

        Returns the resulting pace: pause_ms, quiet_ms, factor, may_infer, power. None if no worker
        is running; none is started for this. Raises WorkerError.
        """
        if not self._connect_if_running():
            return None
        link = self._connected()
        header = {"op": "outcome", "said": outcome, "kind": kind, "lane": lane}
        pace: dict[str, Any] = json.loads(wait_for(link.request(header, b""), timeout).body)
        return pace

    def reload(self, timeout: float = 5.0, *, retry: bool = False) -> bool:
        """Have a running worker load the store's current bundle; False if none is running.

        With `retry` it tries the bundles that were switched off, without waiting for the end of
        their pause. It does so when nobody waits for an answer. Raises WorkerError.
        """
        if not self._connect_if_running():
            return False
        wait_for(self._connected().request({"op": "reload", "retry": retry}, b""), timeout)
        return True

    def stop_worker(self, timeout: float = 5.0, *, if_unused: bool = False) -> bool:
        """Ask a running worker to exit; returns whether it does. Starts nothing. Raises
        WorkerError."""
        if not self._connect_if_running():
            return False
        link = self._connected()
        with contextlib.suppress(WorkerLeft):
            ticket = link.request({"op": "leave", "if_unused": if_unused}, b"")
            return bool(wait_for(ticket, timeout).header.get("leaving"))
        return True

    def try_again(self) -> None:
        """Forget that workers failed to start: the next request tries at once."""
        with self._lock:
            self._failures, self._not_before = 0, 0.0

    def close(self) -> None:
        """Disconnect from the worker, which continues for others. The client can be used again."""
        with self._lock:
            link, self._link = self._link, None
        if link is not None:
            link.close()

    def __enter__(self) -> WorkerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the connection ------------------------------------------------------------------------

    def _connected(self) -> Link:
        if self._pid != os.getpid():  # a forked child: its parent's link and lock are not its own
            self._pid, self._link, self._lock = os.getpid(), None, threading.RLock()
        link = self._link
        if link is not None and link.alive:
            return link
        with self._lock:
            if self._link is not None and self._link.alive:
                return self._link
            self._forget()
            folder = self._open_folder()
            link = self._join(folder) or self._start(folder)
            self._link = link
            return link

    def _connect_if_running(self) -> bool:
        with self._lock:
            if self._link is None or not self._link.alive:
                self._forget()
                self._link = self._join(self._open_folder())
            return self._link is not None

    def _open_folder(self) -> RuntimeFolder:
        if self._folder is None:
            self._folder = RuntimeFolder.find(self.settings.runtime_dir)
        return self._folder

    def _forget(self) -> None:
        """Drop a dead link; one that died before its first answer counts as a failed start."""
        link, self._link = self._link, None
        if link is None:
            return
        if link.died and not link.answered:
            self._failed("the worker died before it answered")
        elif link.answered:
            self._failures = 0
        link.close()

    def _failed(self, reason: str) -> None:
        # After the first death a worker is started at once: it may have been an accident.
        pause = self.settings.backoff_seconds * 2 ** (self._failures - 1) if self._failures else 0.0
        pause = min(pause, MAX_BACKOFF_SECONDS)
        self._failures += 1
        self._not_before = time.monotonic() + pause
        self._last_failure = reason

    def _join(self, folder: RuntimeFolder) -> Link | None:
        """A link to the running worker; None if there is none, or it had to be asked to leave."""
        link = Link.open(folder, transport.HANDSHAKE_SECONDS)
        wanted = self.settings.bundle_path
        if link is not None and (
            (wanted is not None and link.bundle_path != wanted)
            or (self.settings.remote is not None and link.remote != self.settings.remote)
        ):
            with contextlib.suppress(WorkerError):
                wait_for(link.request({"op": "leave"}, b""), 2.0)
            link.close()
            return None
        return link

    def _start(self, folder: RuntimeFolder) -> Link:
        pause = self._not_before - time.monotonic()
        if pause > 0:
            raise WorkerError(
                f"{self._last_failure}; the next try is in {pause:.0f} s. The reason is in "
                f"{folder.log}"
            )
        with held(folder.start_lock, self.settings.start_seconds):
            try:
                folder.ensure_key()
                # Another client may have started a worker while this one waited for the lock.
                link = self._join(folder)
                if link is not None:
                    return link
                _dismiss_other_versions(folder)
                spawn(folder, self.settings)
            except WorkerError as error:
                self._failed(str(error))
                raise
            except OSError as error:
                self._failed(f"the worker cannot be started: {error.strerror}")
                raise WorkerError(self._last_failure) from None
            self.starts += 1
            link = Link.open(folder, transport.HANDSHAKE_SECONDS)
            if link is None:
                self._failed("the worker died while starting")
                raise WorkerError(f"{self._last_failure}. The reason is in {folder.log}")
            return link


def _error_answer(request: Mapping[str, Any], code: str, message: str) -> dict[str, Any]:
    id = request.get("id")
    known = id if isinstance(id, int | str) and not isinstance(id, bool) else None
    return {"id": known, "error": {"code": code, "message": message}}


def _dismiss_other_versions(folder: RuntimeFolder) -> None:
    """Ask unused workers of other versions (after an upgrade) to leave."""
    for other in folder.other_versions():
        with contextlib.suppress(WorkerError, OSError):
            link = Link.open(other, 1.0)
            if link is not None:
                with contextlib.suppress(WorkerError):
                    wait_for(link.request({"op": "leave", "if_unused": True}, b""), 1.0)
                link.close()
