"""Access to the worker from the server's event loop: nothing here blocks the loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from nextedit_jupyter import __version__
from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.core.status import FolderWire, PaceWire, RemoteWire, StatusWire, WorkerState
from nextedit_jupyter.server.config import NextEdit
from nextedit_jupyter.server.larger import Larger
from nextedit_jupyter.worker.client import (
    Reply,
    RequestTicket,
    WorkerClient,
    WorkerLeft,
    WorkerSettings,
)

RESTART_SECONDS = 2.0  # for a worker to confirm that it exits; after that it counts as hung


class Gateway:
    """The server's one connection to the worker, shared by all browser tabs."""

    def __init__(
        self, config: NextEdit, settings: WorkerSettings | None = None, *, root: str | None = None
    ) -> None:
        self.config = config
        self._root = root if config.folder else None
        self.client = WorkerClient("server", settings or config.worker_settings())
        self.larger = Larger(config, self._reload)
        self.admission = Admission(config.max_in_flight, config.max_in_flight_per_client)
        # One thread, so that requests reach the worker in the order in which they came: it treats
        # the later one as newer.
        self._sender = ThreadPoolExecutor(1, "nextedit-send")
        self._asker = ThreadPoolExecutor(1, "nextedit-status")
        self._restarter = ThreadPoolExecutor(1, "nextedit-restart")
        self._asking: asyncio.Future[dict[str, Any]] | None = None
        self._to_prewarm = config.prewarm
        self._last: dict[str, Any] = {}
        self._failure: str | None = None

    async def suggest(self, body: bytes, client: str) -> Reply:
        """The worker's answer to a request. Raises WorkerError.

        Cancelling the task cancels the request in the worker.
        """
        try:
            reply = await self._exchange(body, client)
        except WorkerError as error:
            self._failure = str(error)
            raise
        self._failure = None
        return reply

    async def _exchange(self, body: bytes, client: str) -> Reply:
        for attempt in (1, 2):
            ticket = await self._submit(body, client)
            try:
                answer = asyncio.wrap_future(ticket.future)
                return await asyncio.wait_for(answer, self.config.answer_seconds)
            except WorkerLeft:
                if attempt == 2:
                    raise
            except TimeoutError:
                self._sender.submit(ticket.cancel)
                raise WorkerError(
                    f"the worker did not answer in {self.config.answer_seconds:g} s"
                ) from None
            except asyncio.CancelledError:
                self._sender.submit(ticket.cancel)
                raise
        raise AssertionError

    async def _submit(self, body: bytes, client: str) -> RequestTicket:
        def submit() -> RequestTicket:
            return self.client.submit(body, client=client, root=self._root)

        submitted = asyncio.get_running_loop().run_in_executor(self._sender, submit)
        try:
            return await asyncio.shield(submitted)
        except asyncio.CancelledError:
            submitted.add_done_callback(self._cancel_submitted)
            raise

    def _cancel_submitted(self, submitted: asyncio.Future[RequestTicket]) -> None:
        if not submitted.cancelled() and submitted.exception() is None:
            self._sender.submit(submitted.result().cancel)

    async def status(self) -> StatusWire:
        """The worker's status, or what is known about it while it cannot be asked.

        The first call starts the worker if `prewarm` is set; later calls leave a stopped worker
        stopped, because a page that shows the status must not keep it alive.
        """
        found = await self._status()
        found["larger"] = await self.larger.status()
        return found

    async def _status(self) -> StatusWire:
        if not self.config.enabled:
            return self._wire("stopped", {})
        if self._asking is None or self._asking.done():
            loop = asyncio.get_running_loop()
            start, self._to_prewarm = self._to_prewarm, False
            self._asking = loop.run_in_executor(
                self._asker, lambda: self.client.status(start=start)
            )
            # When it fails, there may be nobody waiting any more.
            self._asking.add_done_callback(lambda asked: asked.cancelled() or asked.exception())
        try:
            found = await asyncio.wait_for(asyncio.shield(self._asking), 0.3)
        except TimeoutError:
            return self._wire("starting", self._last)
        except WorkerError as error:
            self._failure = str(error)
            return self._wire("failed", self._last)
        if found["state"] == "stopped":
            return self._wire("failed" if self._failure else "stopped", self._last)
        self._last, self._failure = found, None
        return self._wire("starting" if found["state"] == "starting" else "running", found)

    def _wire(self, worker: WorkerState, found: dict[str, Any]) -> StatusWire:
        return {
            "enabled": self.config.enabled,
            "worker": worker,
            "bundle": found.get("bundle"),
            "problem": self._failure or self.config.problem or found.get("problem"),
            "last_ms": found.get("last_ms"),
            "version": __version__,
            "pace": _pace(found),
            "update": found.get("update"),
            "bundles": found.get("bundles") or [],
            # Reported even before the worker runs: users should know where their text is sent.
            "remote": found.get("remote") or self._remote(),
            "larger": None,
            "folder": _folder(found),
        }

    def _remote(self) -> RemoteWire | None:
        if self.config.problem is not None:
            return None
        settings = self.config.remote_settings()
        if settings is None:
            return None
        return {"host": settings.host, "model": settings.model or None, "problem": None}

    async def report(self, outcome: str, kind: str, lane: str) -> PaceWire | None:
        """Report a suggestion's outcome; returns the resulting pace, or None if no worker is
        running."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._asker, lambda: self.client.report(outcome, kind, lane)
            )
        except WorkerError:
            return None
        return _pace(found or {})

    async def restart(self) -> None:
        """Stop the worker, even if it hangs, and start another at once, regardless of earlier
        failures.

        Raises WorkerError if none starts, or the administrator switched suggestions off.
        """
        if not self.config.enabled:
            raise WorkerError("suggestions are switched off on this server")
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._restarter, self._restart)
        except WorkerError as error:
            self._failure = str(error)
            raise
        self._failure = None

    def _restart(self) -> None:
        with contextlib.suppress(WorkerError):  # one that hangs does not confirm that it exits
            self.client.stop_worker(RESTART_SECONDS)
        self.client.close()
        self.client.try_again()
        for attempt in (1, 2, 3):
            try:
                # Connecting to a hung worker kills it and raises an error: then the next attempt
                # starts one.
                self.client.status(self.client.settings.start_seconds)
                return
            except WorkerError:
                if attempt == 3:
                    raise

    def _reload(self) -> None:
        """Another model was installed: have a running worker load it."""

        def reload() -> None:
            with contextlib.suppress(WorkerError):
                self.client.reload(2.0)

        self._asker.submit(reload)

    def close(self) -> None:
        """Disconnect from the worker, and ask it to exit if no kernel or terminal uses it
        either."""
        self.larger.close()
        self._sender.shutdown(wait=False, cancel_futures=True)
        self._asker.shutdown(wait=False, cancel_futures=True)
        self._restarter.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(WorkerError):
            self.client.stop_worker(0.5, if_unused=True)
        self.client.close()


def _folder(found: dict[str, Any]) -> FolderWire | None:
    folder = found.get("folder")
    if not folder:
        return None
    return {
        "files": folder["files"],
        "pieces": folder["pieces"],
        "is_reading": folder["is_reading"],
    }


def _pace(found: dict[str, Any]) -> PaceWire | None:
    if "pause_ms" not in found:
        return None
    return {
        "pause_ms": float(found["pause_ms"]),
        "quiet_ms": float(found["quiet_ms"]),
        "factor": float(found["factor"]),
        "may_infer": bool(found["may_infer"]),
        "power": found["power"],
    }


class Admission:
    """Counts the requests in progress, in total and per client. For one event loop."""

    def __init__(self, limit: int, max_per_client: int) -> None:
        self._max_total, self._max_per_client = limit, max_per_client
        self._under_way: Counter[str] = Counter()

    @property
    def total(self) -> int:
        return self._under_way.total()

    def enter(self, client: str) -> bool:
        """Whether one more is admitted; if so, `leave` must be called once."""
        if self.total >= self._max_total or self._under_way[client] >= self._max_per_client:
            return False
        self._under_way[client] += 1
        return True

    def leave(self, client: str) -> None:
        self._under_way[client] -= 1
        if self._under_way[client] <= 0:
            del self._under_way[client]
