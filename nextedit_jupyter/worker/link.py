"""A client's connection to a worker, and the requests in progress on it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.worker.frames import ENVELOPE_BYTES, pack, unpack
from nextedit_jupyter.worker.transport import end_peer, hang_up, limit_waits, socket_of

if TYPE_CHECKING:
    import socket
    from concurrent.futures import Future
    from multiprocessing.connection import Connection

    from nextedit_jupyter.worker.runtime import RuntimeFolder

# Enough for a rename in each cell of a 4 MB notebook. The worker is trusted, so this only guards
# against accidents.
MAX_ANSWER_BYTES = 16_000_000


class Reply(NamedTuple):
    """The transport's header and the answer's JSON, as received from the worker."""

    header: Mapping[str, Any]
    body: bytes

    @property
    def outcome(self) -> str:
        """suggested, silent, superseded, error, or status."""
        return str(self.header.get("outcome", "error"))


class WorkerLeft(WorkerError):
    """The worker exited cleanly before it answered: the request can be sent again."""


class RequestTicket:
    """A request in progress."""

    __slots__ = ("_link", "future", "n")

    def __init__(self, link: Link, n: int, future: Future[Reply]) -> None:
        self._link, self.n, self.future = link, n, future

    def cancel(self) -> None:
        """Tell the worker that nobody waits for the answer any more; the future still gets one."""
        with contextlib.suppress(WorkerError):
            self._link.send({"op": "cancel", "n": self.n})


class Link:
    """A live connection: a thread reads replies and resolves the waiting requests."""

    def __init__(
        self, connection: Connection[bytes, bytes], end: socket.socket | None, hello: dict[str, Any]
    ) -> None:
        self.bundle_path: str | None = hello.get("bundle_path")
        self.remote: str | None = hello.get("remote")
        self.alive = True
        self.died = False
        self.answered = False
        self._connection = connection
        self._end = end
        self._pid = os.getpid()
        self._sending = threading.Lock()
        self._waiting: dict[int, Future[Reply]] = {}
        self._count = 0
        threading.Thread(target=self._read, name="nextedit-client", daemon=True).start()

    @property
    def is_ours(self) -> bool:
        """False in a forked child, which must not touch its parent's connection."""
        return self._pid == os.getpid()

    @classmethod
    def open(cls, folder: RuntimeFolder, timeout: float) -> Link | None:
        """Connect; both sides prove that they know the key. None if no worker listens.

        Raises WorkerError if the listener is not ours, or does not answer; in that case it is
        killed first, so that the next attempt starts another.
        """
        from multiprocessing import AuthenticationError
        from multiprocessing.connection import Client, answer_challenge, deliver_challenge

        try:
            key = folder.read_key()
            connection: Connection[bytes, bytes] = Client(folder.address, family=folder.family)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as error:
            raise WorkerError(f"the worker cannot be reached: {error.strerror}") from None
        end = socket_of(connection)
        try:
            limit_waits(end, receive=timeout, send=timeout)
            answer_challenge(connection, key)
            deliver_challenge(connection, key)
            connection.send_bytes(pack({"op": "hello", "version": folder.version}))
            hello, _ = unpack(connection.recv_bytes(ENVELOPE_BYTES))
            # From here on a thread waits for replies. A worker that stops reading must not block
            # its clients, and waiting for an answer has its own timeout.
            limit_waits(end, receive=0.0, send=2.0)
            return cls(connection, end, hello)
        except AuthenticationError:
            refusal: str | None = (
                f"the process that listens in {folder.path} lacks our key: stop it and try again"
            )
        except BlockingIOError:
            end_peer(end)
            refusal = "the worker hung and was stopped; the next request starts a new one"
        except (EOFError, OSError, ValueError, AssertionError):
            refusal = None
        connection.close()
        if end is not None:
            end.close()
        if refusal:
            raise WorkerError(refusal)
        return None

    def request(self, header: Mapping[str, Any], body: bytes) -> RequestTicket:
        from concurrent.futures import Future

        future: Future[Reply] = Future()
        future.set_running_or_notify_cancel()
        with self._sending:
            if not (self.alive and self.is_ours):
                raise WorkerLeft("the worker exited")
            self._count += 1
            n = self._count
            self._waiting[n] = future
            self._send({**header, "n": n}, body)
        return RequestTicket(self, n, future)

    def send(self, header: Mapping[str, Any]) -> None:
        with self._sending:
            if self.alive and self.is_ours:
                self._send(header, b"")

    def _send(self, header: Mapping[str, Any], body: bytes) -> None:
        try:
            self._connection.send_bytes(pack(header, body))
        except (OSError, ValueError, TypeError):  # TypeError: closed while sending
            # Half a message may have been sent: the reader sees the end and fails all waiting
            # requests.
            self._hang_up()

    def _read(self) -> None:
        left = False
        try:
            while True:
                header, body = unpack(self._connection.recv_bytes(MAX_ANSWER_BYTES))
                if header.get("op") == "bye":
                    left = True
                    break
                future = self._waiting.pop(header.get("n") or 0, None)
                if future is not None:
                    self.answered = self.answered or header.get("outcome") != "status"
                    future.set_result(Reply(header, body))
        except (EOFError, OSError, ValueError, TypeError):
            pass
        self.alive = False
        self.died = not left
        with self._sending:
            waiting, self._waiting = self._waiting, {}
            self._connection.close()
            if self._end is not None:
                self._end.close()
        for future in waiting.values():
            future.set_exception(
                WorkerLeft("the worker exited")
                if left
                else WorkerError("the worker died; the next request starts a new one")
            )

    def close(self) -> None:
        self.alive = False
        if self.is_ours:
            self._hang_up()

    def _hang_up(self) -> None:
        hang_up(self._connection, self._end)


def wait_for(ticket: RequestTicket, timeout: float) -> Reply:
    try:
        return ticket.future.result(timeout)
    except TimeoutError:
        ticket.cancel()
        raise WorkerError(f"the worker did not answer in {timeout:g} s") from None
