"""The way to the worker, for server, kernel, terminal and command line.

Standard library only, and what costs to import (multiprocessing, subprocess, futures) is imported
when a worker is first reached: a kernel that never asks for a suggestion never pays for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.worker.frames import ENVELOPE_BYTES, pack, unpack
from nextedit_jupyter.worker.runtime import RuntimeFolder, held

if TYPE_CHECKING:
    import socket
    from concurrent.futures import Future
    from multiprocessing.connection import Connection
    from subprocess import Popen

    from nextedit_jupyter.core.pacing import PacingSettings

# An answer with a rename in each of a 4 MB notebook's cells; the worker is ours, so this is a bound
# on accidents.
MAX_ANSWER_BYTES = 16_000_000
MAX_BACKOFF_SECONDS = 60.0
# A live worker answers a handshake in milliseconds; one that takes this long hangs.
HANDSHAKE_SECONDS = 5.0
# What a worker does not need and had better not hold.
_SECRETS_OF_THE_SERVER = (
    "JUPYTER_TOKEN",
    "JUPYTERHUB_API_TOKEN",
    "JPY_API_TOKEN",
    "JPY_SESSION_NAME",
)


@dataclass(frozen=True, slots=True, eq=False)  # each generated method costs import time
class WorkerSettings:
    """How a worker is started, if this client is the one to start it.

    `runtime_dir` and `bundle` are None for the default ones; a client that names a bundle
    (or has NEXTEDIT_BUNDLE set) replaces a worker that runs with another. `threads` is for
    inference, `memory_mb` the resident size above which a worker leaves, `idle_seconds` how long
    it waits for a request before it leaves, `hang_seconds` how long one request may take before it
    is ended by force. `request_bytes` bounds a request. `start_seconds` bounds the wait for a new
    worker, `backoff_seconds` is the first wait after one that died at its start. `suggester` is a
    `module:factory` in place of the real one, for tests. `pacing` says how long to wait between
    inferences. `statistics` keeps counts of what became
    of suggestions, `store_history` the edits themselves, for training on them. `repository` is
    where newer bundles come from (NEXTEDIT_REPOSITORY if None), `root` the file that vouches for
    it, `updates` whether to look there at all; `quiet_seconds` is how long nobody must have asked
    before another bundle is taken up. `providers` may run the model beside the processor. `remote`
    is a team's server (`core.remote.RemoteSettings` as JSON); a client that names one replaces a
    worker that asks none or another.
    """

    runtime_dir: Path | None = None
    bundle: str | None = None
    threads: int = 2
    memory_mb: int = 1_024
    idle_seconds: float = 600.0
    hang_seconds: float = 15.0
    request_bytes: int = 1_000_000
    start_seconds: float = 20.0
    backoff_seconds: float = 0.5
    suggester: str | None = None
    pacing: PacingSettings | None = None
    statistics: bool = False
    store_history: bool = False
    repository: str | None = None
    root: str | None = None
    updates: bool = True
    quiet_seconds: float = 5.0
    providers: tuple[str, ...] = ()
    remote: str | None = None

    def __post_init__(self) -> None:
        if min(self.threads, self.memory_mb, self.request_bytes) < 1:
            raise ValueError("threads, memory_mb and request_bytes are at least 1")
        if min(self.idle_seconds, self.hang_seconds, self.start_seconds) <= 0:
            raise ValueError("idle_seconds, hang_seconds and start_seconds are above 0")

    @property
    def bundle_path(self) -> str | None:
        """The bundle's absolute path if one was named."""
        named = self.bundle or os.environ.get("NEXTEDIT_BUNDLE")
        return os.path.abspath(os.path.expanduser(named)) if named else None


class Reply(NamedTuple):
    """The transport's header and the answer's JSON, as they came from the worker."""

    header: Mapping[str, Any]
    body: bytes

    @property
    def outcome(self) -> str:
        """suggested, silent, superseded, error, or status."""
        return str(self.header.get("outcome", "error"))


class WorkerLeft(WorkerError):
    """The worker left in good order before it answered: the request may be sent again."""


class Ticket:
    """A request under way."""

    __slots__ = ("_link", "future", "n")

    def __init__(self, link: _Link, n: int, future: Future[Reply]) -> None:
        self._link, self.n, self.future = link, n, future

    def cancel(self) -> None:
        """Tell the worker that no one waits for the answer any more; the future gets one still."""
        with contextlib.suppress(WorkerError):
            self._link.send({"op": "cancel", "n": self.n})


class WorkerClient:
    """A connection to the user's worker, which is started when it is first needed.

    Safe to use from several threads. `client` names whoever types: of two requests under one
    name the newer wins, and the older is answered at once, silent with the reason "stale". One
    WorkerClient may carry many names (`suggest(..., client=)`).
    """

    def __init__(self, client: str = "default", settings: WorkerSettings | None = None) -> None:
        self.client = client
        self.settings = settings or WorkerSettings()
        self._folder: RuntimeFolder | None = None
        self._link: _Link | None = None
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._failures = 0
        self._not_before = 0.0
        self._last_failure = ""
        self.starts = 0

    # -- what callers ask for ------------------------------------------------------------------

    def suggest(
        self, request: Mapping[str, Any], timeout: float = 5.0, *, client: str | None = None
    ) -> dict[str, Any]:
        """Answer a `core.wire.RequestWire` with an AnswerWire or an ErrorAnswerWire.

        A request that wants nothing (`"want": []`) makes the worker read ahead what a request at
        this caret will need.

        Waits up to `timeout` seconds for the answer, and the start of a worker on top if there is
        none. Raises WorkerError if the worker cannot be started, dies under the request or is too
        late; the next call starts anew.
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
        """`suggest` for a request that is JSON already, and an answer that stays JSON."""
        for attempt in (1, 2):
            ticket = self.submit(body, client=client)
            try:
                return _wait(ticket, timeout)
            except WorkerLeft:
                if attempt == 2:
                    raise
        raise AssertionError

    def submit(self, body: bytes, *, client: str | None = None) -> Ticket:
        """Send a request and return at once; starts a worker if there is none, which may block.

        The ticket's future ends with a Reply, a WorkerError, or WorkerLeft, after which the
        request may be submitted again. Raises WorkerError.
        """
        if len(body) > self.settings.request_bytes:
            raise WorkerError(f"a request has at most {self.settings.request_bytes} bytes")
        header = {"op": "suggest", "client": self.client if client is None else client}
        for attempt in (1, 2):
            link = self._connected()
            try:
                return link.request(header, body)
            except WorkerLeft:  # it left since the last request: not our failure
                if attempt == 2:
                    raise
        raise AssertionError

    def cancel(self, *, client: str | None = None) -> None:
        """Cancel what is under way under this name; it is answered as stale. Starts nothing."""
        link = self._link
        if link is not None and link.alive:
            with contextlib.suppress(WorkerError):
                link.send({"op": "cancel", "client": self.client if client is None else client})

    def status(self, timeout: float = 5.0, *, start: bool = True) -> dict[str, Any]:
        """What the worker says of itself; with `start` false, `{"state": "stopped", "pid": null}`
        if there is none.

        Keys: state (starting, ready, busy), pid, version, bundle, bundle_path, problem, lanes,
        rss_mb, served, uptime_s, idle_s, idle_cpu_s (processor time since the last answer),
        last_ms, deaths, clients, statistics, history, update, pause_ms, quiet_ms, may_infer,
        power. Raises WorkerError.
        """
        for attempt in (1, 2):
            if not start and not self._connect_if_running():
                return {"state": "stopped", "pid": None, "bundle": None, "problem": None}
            link = self._connected()
            try:
                ticket = link.request({"op": "status"}, b"")
                status: dict[str, Any] = json.loads(_wait(ticket, timeout).body)
                return status
            except WorkerLeft:
                if attempt == 2:
                    raise
        raise AssertionError

    def report(
        self, outcome: str, kind: str, lane: str, timeout: float = 2.0
    ) -> dict[str, Any] | None:
        """Tell the worker what became of a suggestion: one of `core.pacing.OUTCOMES`.

        Returns the pace from now on: pause_ms, quiet_ms, may_infer, power. None if no worker runs:
        none is started for this. Raises WorkerError.
        """
        if not self._connect_if_running():
            return None
        link = self._connected()
        header = {"op": "outcome", "said": outcome, "kind": kind, "lane": lane}
        pace: dict[str, Any] = json.loads(_wait(link.request(header, b""), timeout).body)
        return pace

    def reload(self, timeout: float = 5.0) -> bool:
        """Have a running worker take up the bundle that the store now holds; False if none runs.

        It does so when nobody waits for an answer. Raises WorkerError.
        """
        if not self._connect_if_running():
            return False
        _wait(self._connected().request({"op": "reload"}, b""), timeout)
        return True

    def stop_worker(self, timeout: float = 5.0, *, if_unused: bool = False) -> bool:
        """Ask a running worker to leave; whether it does. Starts nothing, raises WorkerError."""
        if not self._connect_if_running():
            return False
        link = self._connected()
        with contextlib.suppress(WorkerLeft):
            ticket = link.request({"op": "leave", "if_unused": if_unused}, b"")
            return bool(_wait(ticket, timeout).header.get("leaving"))
        return True

    def close(self) -> None:
        """Let go of the worker, which goes on for others. The client may be used again."""
        with self._lock:
            link, self._link = self._link, None
        if link is not None:
            link.close()

    def __enter__(self) -> WorkerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the connection ------------------------------------------------------------------------

    def _connected(self) -> _Link:
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
        """Drop a dead link; one that died before it answered anything counts as a failed start."""
        link, self._link = self._link, None
        if link is None:
            return
        if link.died and not link.answered:
            self._failed("the worker died before it answered")
        elif link.answered:
            self._failures = 0
        link.close()

    def _failed(self, reason: str) -> None:
        # The first death is followed by a start at once: it may well have been an accident.
        wait = self.settings.backoff_seconds * 2 ** (self._failures - 1) if self._failures else 0.0
        wait = min(wait, MAX_BACKOFF_SECONDS)
        self._failures += 1
        self._not_before = time.monotonic() + wait
        self._last_failure = reason

    def _join(self, folder: RuntimeFolder) -> _Link | None:
        """A link to the running worker; None if there is none, or it had to be sent away."""
        link = _Link.open(folder, HANDSHAKE_SECONDS)
        wanted = self.settings.bundle_path
        if link is not None and (
            (wanted is not None and link.bundle_path != wanted)
            or (self.settings.remote is not None and link.remote != self.settings.remote)
        ):
            with contextlib.suppress(WorkerError):
                _wait(link.request({"op": "leave"}, b""), 2.0)
            link.close()
            return None
        return link

    def _start(self, folder: RuntimeFolder) -> _Link:
        wait = self._not_before - time.monotonic()
        if wait > 0:
            raise WorkerError(
                f"{self._last_failure}; the next try is in {wait:.0f} s. The reason is in "
                f"{folder.log}"
            )
        with held(folder.start_lock, self.settings.start_seconds):
            try:
                folder.ensure_key()
                # Another client may have started one while this one waited for the lock.
                link = self._join(folder)
                if link is not None:
                    return link
                _dismiss_other_versions(folder)
                _spawn(folder, self.settings)
            except WorkerError as error:
                self._failed(str(error))
                raise
            except OSError as error:
                self._failed(f"the worker cannot be started: {error.strerror}")
                raise WorkerError(self._last_failure) from None
            self.starts += 1
            link = _Link.open(folder, HANDSHAKE_SECONDS)
            if link is None:
                self._failed("the worker died at its start")
                raise WorkerError(f"{self._last_failure}. The reason is in {folder.log}")
            return link


class _Link:
    """One live connection: a thread reads replies and hands them to those who wait."""

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
    def open(cls, folder: RuntimeFolder, timeout: float) -> _Link | None:
        """Connect and prove to each other that both know the key; None if no worker listens.

        Raises WorkerError if what listens there is not ours, or does not answer; one that does
        not answer is ended first, so that the next try starts another.
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
        end = _socket_of(connection)
        try:
            _limit(end, receive=timeout, send=timeout)
            answer_challenge(connection, key)
            deliver_challenge(connection, key)
            connection.send_bytes(pack({"op": "hello", "version": folder.version}))
            hello, _ = unpack(connection.recv_bytes(ENVELOPE_BYTES))
            # From here on a thread waits for replies; a worker that stops reading must not stop
            # its clients, and an answer is waited for with a timeout of its own.
            _limit(end, receive=0.0, send=2.0)
            return cls(connection, end, hello)
        except AuthenticationError:
            refusal: str | None = (
                f"what listens in {folder.path} does not know our key: end it and try again"
            )
        except BlockingIOError:
            _end_process(end)
            refusal = "the worker hung and was ended; the next request starts another"
        except (EOFError, OSError, ValueError, AssertionError):
            refusal = None
        connection.close()
        if end is not None:
            end.close()
        if refusal:
            raise WorkerError(refusal)
        return None

    def request(self, header: Mapping[str, Any], body: bytes) -> Ticket:
        from concurrent.futures import Future

        future: Future[Reply] = Future()
        future.set_running_or_notify_cancel()
        with self._sending:
            if not (self.alive and self.is_ours):
                raise WorkerLeft("the worker left")
            self._count += 1
            n = self._count
            self._waiting[n] = future
            self._send({**header, "n": n}, body)
        return Ticket(self, n, future)

    def send(self, header: Mapping[str, Any]) -> None:
        with self._sending:
            if self.alive and self.is_ours:
                self._send(header, b"")

    def _send(self, header: Mapping[str, Any], body: bytes) -> None:
        try:
            self._connection.send_bytes(pack(header, body))
        except (OSError, ValueError):
            # Half a message may be on its way: the reader sees the end and tells all who wait.
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
                WorkerLeft("the worker left")
                if left
                else WorkerError("the worker died; the next request starts another")
            )

    def close(self) -> None:
        self.alive = False
        if self.is_ours:
            self._hang_up()

    def _hang_up(self) -> None:
        """Wake the reader, which closes: closing under a blocked read would not wake it."""
        if self._end is not None:
            with contextlib.suppress(OSError, ValueError):
                import socket

                self._end.shutdown(socket.SHUT_RDWR)
        else:
            with contextlib.suppress(OSError):
                self._connection.close()


def _wait(ticket: Ticket, timeout: float) -> Reply:
    try:
        return ticket.future.result(timeout)
    except TimeoutError:
        ticket.cancel()
        raise WorkerError(f"the worker did not answer in {timeout:g} s") from None


def _error_answer(request: Mapping[str, Any], code: str, message: str) -> dict[str, Any]:
    id = request.get("id")
    known = id if isinstance(id, int | str) and not isinstance(id, bool) else None
    return {"id": known, "error": {"code": code, "message": message}}


def _socket_of(connection: Connection[bytes, bytes]) -> socket.socket | None:
    """A second handle of the connection's socket, for its options; None for a Windows pipe."""
    if sys.platform == "win32":
        return None
    import socket

    return socket.socket(fileno=os.dup(connection.fileno()))


def _limit(end: socket.socket | None, *, receive: float, send: float) -> None:
    """Bound how long a read or a write on the connection may block; 0 is for ever."""
    if end is None:
        return
    import socket
    import struct

    for option, seconds in ((socket.SO_RCVTIMEO, receive), (socket.SO_SNDTIMEO, send)):
        value = struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))
        end.setsockopt(socket.SOL_SOCKET, option, value)


def _end_process(end: socket.socket | None) -> None:
    """Kill the process that listens at the other end, where the system tells which it is."""
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


def _dismiss_other_versions(folder: RuntimeFolder) -> None:
    """Workers of other versions that no one uses any more (after an upgrade) are asked to leave."""
    for other in folder.other_versions():
        with contextlib.suppress(WorkerError, OSError):
            link = _Link.open(other, 1.0)
            if link is not None:
                with contextlib.suppress(WorkerError):
                    _wait(link.request({"op": "leave", "if_unused": True}, b""), 1.0)
                link.close()


def _spawn(folder: RuntimeFolder, settings: WorkerSettings) -> None:
    """Start a worker that outlives this process, and wait until it listens. Raises WorkerError."""
    import subprocess

    command = [
        sys.executable,
        "-P",  # the notebook's folder must not stand in for the standard library
        "-m",
        "nextedit_jupyter.worker",
        "--detach",
        f"--expect-version={folder.version}",
        f"--runtime-dir={folder.path}",
        f"--threads={settings.threads}",
        f"--memory-mb={settings.memory_mb}",
        f"--idle-seconds={settings.idle_seconds}",
        f"--hang-seconds={settings.hang_seconds}",
        f"--request-bytes={settings.request_bytes}",
        f"--quiet-seconds={settings.quiet_seconds}",
    ]
    if settings.bundle_path:
        command.append(f"--bundle={settings.bundle_path}")
    if settings.providers:
        command.append(f"--providers={','.join(settings.providers)}")
    if settings.remote:
        command.append(f"--remote={settings.remote}")
    if settings.suggester:
        command.append(f"--suggester={settings.suggester}")
    if settings.pacing is not None:
        command.append(f"--pacing={settings.pacing.to_json()}")
    if settings.statistics:
        command.append("--statistics")
    if settings.store_history:
        command.append("--store-history")
    if settings.repository:
        command.append(f"--repository={settings.repository}")
    if settings.root:
        command.append(f"--root={os.path.abspath(os.path.expanduser(settings.root))}")
    if not settings.updates:
        command.append("--no-updates")
    environ = {k: v for k, v in os.environ.items() if k not in _SECRETS_OF_THE_SERVER}
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    log = os.open(folder.log, flags, 0o600)
    detached: dict[str, Any] = {}
    if sys.platform == "win32":
        detached["creationflags"] = (
            subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
        )
    else:
        detached["start_new_session"] = True
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder.path,
            env=environ,
            **detached,
        )
    finally:
        os.close(log)
    said = _first_line(process, settings.start_seconds)
    if said == b"ready\n":
        return
    with contextlib.suppress(OSError):
        process.kill()
    if said is None:
        raise WorkerError(f"the worker did not start in {settings.start_seconds:g} s")
    reason = said.decode("utf-8", "replace").strip() or "the worker died at its start"
    raise WorkerError(f"{reason}. More is in {folder.log}")


def _first_line(process: Popen[bytes], timeout: float) -> bytes | None:
    """The first line the process writes, empty if it ends without; None after `timeout` seconds."""
    assert process.stdout is not None
    stdout = process.stdout
    lines: list[bytes] = []
    read_one = threading.Event()

    def read() -> None:
        with contextlib.suppress(OSError, ValueError):
            lines.append(stdout.readline(512))
        read_one.set()
        with contextlib.suppress(OSError):
            stdout.close()
        if sys.platform != "win32":
            process.wait()  # it has forked off the worker and is gone

    threading.Thread(target=read, name="nextedit-start", daemon=True).start()
    read_one.wait(timeout)
    return lines[0] if lines else None
