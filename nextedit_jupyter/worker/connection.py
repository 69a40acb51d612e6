"""The worker's side of one connection: one thread reads, another sends replies from any thread."""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Mapping
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from typing import Any, Protocol

from nextedit_jupyter.core.error_log import log_error
from nextedit_jupyter.core.errors import NextEditError, WireError
from nextedit_jupyter.core.wire import encode_error
from nextedit_jupyter.worker.frames import ENVELOPE_BYTES, pack, unpack
from nextedit_jupyter.worker.transport import (
    HANDSHAKE_SECONDS,
    TooLarge,
    hang_up,
    limit_waits,
    receive,
    socket_of,
)

log = logging.getLogger("nextedit.worker")

# Limits on the time in which a client must take an answer, and on unsent bytes.
SEND_SECONDS = 2.0
MAX_UNSENT_BYTES = 16_000_000


class Handler(Protocol):
    """Handles the messages of connections."""

    @property
    def message_bytes(self) -> int: ...

    def key(self) -> bytes: ...

    def hello(self) -> dict[str, Any]: ...

    def handle(self, client: ClientConnection, message: bytes) -> None: ...

    def forget(self, client: ClientConnection) -> None: ...


class ClientConnection:
    """One connection, identified by its `number`.

    A client that does not read its answers blocks its own sender, never the inference; it loses its
    connection after `SEND_SECONDS`, or when `MAX_UNSENT_BYTES` are waiting.
    """

    def __init__(self, handler: Handler, number: int, connection: Connection[bytes, bytes]) -> None:
        self.number = number
        self._handler = handler
        self._connection = connection
        self._end = socket_of(connection)
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._unsent = 0
        self._unsent_lock = threading.Lock()
        self._sender = threading.Thread(target=self._send, daemon=True)

    def serve(self) -> None:
        """Read messages until the client is gone. To be run in a thread of its own."""
        try:
            self._greet()
            while True:
                self._handler.handle(self, self._receive())
        except (EOFError, OSError, ValueError, AuthenticationError, AssertionError, TooLarge):
            pass
        except Exception as error:
            log_error(log, "a connection failed", error)
        finally:
            self._handler.forget(self)
            self._outbox.put(None)
            if self._sender.is_alive():
                self._sender.join(0.2)  # a last refusal may still be being sent
            self._hang_up()
            if self._sender.is_alive():
                self._sender.join()
            self._connection.close()
            if self._end is not None:
                self._end.close()

    def reply(self, header: Mapping[str, Any], body: bytes = b"") -> None:
        """Queue a message for sending; returns at once."""
        message = pack(header, body)
        with self._unsent_lock:
            self._unsent += len(message)
            too_much = self._unsent > MAX_UNSENT_BYTES
        if too_much:
            self._hang_up()
        else:
            self._outbox.put(message)

    def refuse(self, n: int, error: NextEditError, id: int | str | None = None) -> None:
        header = {"n": n, "outcome": "error", "code": error.code}
        self.reply(header, dump(encode_error(id, error)))

    def say_goodbye(self) -> None:
        """Send the last message; waits briefly for it to go out."""
        if self._sender.is_alive():
            self.reply({"op": "bye"})
            self._outbox.put(None)
            self._sender.join(0.2)

    def _greet(self) -> None:
        """Both sides prove that they know the key, within a time limit."""
        limit_waits(self._end, receive=HANDSHAKE_SECONDS, send=SEND_SECONDS)
        key = self._handler.key()
        deliver_challenge(self._connection, key)
        answer_challenge(self._connection, key)
        unpack(self._connection.recv_bytes(ENVELOPE_BYTES))
        limit_waits(self._end, receive=0.0, send=SEND_SECONDS)
        self._connection.send_bytes(pack(self._handler.hello()))
        self._sender.start()

    def _receive(self) -> bytes:
        """The next message; one that is too large is answered with an error and ends the
        connection."""
        limit = self._handler.message_bytes
        try:
            return receive(self._connection, limit)
        except TooLarge as error:
            try:
                n = unpack(error.head)[0].get("n")
            except ValueError:
                n = 0
            self.refuse(
                n if isinstance(n, int) else 0,
                WireError(
                    f"the message has {error.size} bytes, at most {limit} are read; "
                    "send fewer cells",
                    code="too_large",
                ),
            )
            raise

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
        hang_up(self._connection, self._end)


def dump(value: Mapping[str, Any]) -> bytes:
    """A body as ASCII JSON."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
