"""The socket of a connection: time limits, handshake, and framing of messages.

Standard library only; expensive modules are imported when a connection is made.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from multiprocessing.connection import Connection

# A live worker completes a handshake in milliseconds; one that takes this long is hung.
HANDSHAKE_SECONDS = 5.0
# A message that is too large is read to its end and discarded, so that its sender can read the
# answer; one without an end is cut off.
MAX_DRAINED_BYTES = 16_000_000
_CHUNK_BYTES = 1 << 16


class TooLarge(Exception):
    """A message over the limit, of which `head` is the beginning; the rest was read and dropped."""

    def __init__(self, size: int, head: bytes) -> None:
        super().__init__(size)
        self.size, self.head = size, head


def socket_of(connection: Connection[bytes, bytes]) -> socket.socket | None:
    """A second handle of the connection's socket, to set its options; None for a Windows pipe."""
    if sys.platform == "win32":
        return None
    import socket

    return socket.socket(fileno=os.dup(connection.fileno()))


def limit_waits(end: socket.socket | None, *, receive: float, send: float) -> None:
    """Bound how long a read or a write on the connection may block; 0 means forever."""
    if end is None:
        return
    import socket
    import struct

    for option, seconds in ((socket.SO_RCVTIMEO, receive), (socket.SO_SNDTIMEO, send)):
        value = struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))
        end.setsockopt(socket.SOL_SOCKET, option, value)


def hang_up(connection: Connection[bytes, bytes], end: socket.socket | None) -> None:
    """Wake the reader: closing during a blocked read would not."""
    with contextlib.suppress(OSError, ValueError):
        if end is not None:
            import socket

            end.shutdown(socket.SHUT_RDWR)
        else:
            connection.close()


def end_peer(end: socket.socket | None) -> None:
    """Kill the process at the other end, if the system identifies it."""
    if end is None:
        return
    import signal
    import socket
    import struct

    with contextlib.suppress(OSError):
        if sys.platform == "linux":
            credentials = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            pid, user, _ = struct.unpack("3i", credentials)
            if user == os.geteuid() and pid not in (0, os.getpid()):
                os.kill(pid, signal.SIGKILL)


def receive(connection: Connection[bytes, bytes], limit: int) -> bytes:
    """One message of at most `limit` bytes.

    Raises TooLarge for a longer one, after which the next message may be read, and EOFError or
    OSError when the connection is gone.
    """
    if sys.platform == "win32":
        try:
            return connection.recv_bytes(limit)
        except OSError:  # closed, or the message was too large: a pipe does not say which
            raise TooLarge(limit + 1, b"") from None
    import struct

    descriptor = connection.fileno()
    # The format of `multiprocessing.connection`: four bytes, and eight more after a -1.
    (size,) = struct.unpack("!i", _exactly(descriptor, 4))
    if size == -1:
        (size,) = struct.unpack("!Q", _exactly(descriptor, 8))
    if size < 0:
        raise OSError("no length of a message")
    if size <= limit:
        return _exactly(descriptor, size)
    head = _exactly(descriptor, min(size, limit, _CHUNK_BYTES))
    left = size - len(head)
    if size > MAX_DRAINED_BYTES:
        left = MAX_DRAINED_BYTES
    while left > 0:
        chunk = os.read(descriptor, min(left, _CHUNK_BYTES))
        if not chunk:
            break
        left -= len(chunk)
    raise TooLarge(size, head)


def _exactly(descriptor: int, size: int) -> bytes:
    chunks = []
    while size > 0:
        chunk = os.read(descriptor, min(size, 1 << 20))
        if not chunk:
            raise EOFError
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)
