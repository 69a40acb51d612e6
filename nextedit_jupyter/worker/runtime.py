"""The folder in which a worker and its clients meet: its permissions and its files.

Standard library only, cheap to import. The folder belongs to the user and is closed to all others
(0700); on Windows the per-user application data folder is closed by its inherited rights. In it,
with one set for each version of this package:

    worker-<version>.sock      the socket
    worker-<version>.lock      held by the running worker, so that there is one
    worker-<version>.start     held by the client that is starting one
    worker-<version>.phase     what the worker is doing (`core.phases`)
    worker-<version>.json      how the last workers ended (`worker.crash_counter`)
    worker.log, key            shared by all versions
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from nextedit_jupyter import __version__
from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.core.files import locked, replace_file

KEY_BYTES = 32
# sun_path has 108 bytes on Linux and 104 on the BSDs and macOS, including the final NUL.
MAX_ADDRESS_BYTES = 107 if sys.platform == "linux" else 103


class RuntimeFolder:
    """A folder that was checked to belong to the user. `version` is the package's."""

    __slots__ = ("path", "version")

    def __init__(self, path: Path, version: str = __version__) -> None:
        self.path = path
        self.version = version

    @classmethod
    def find(
        cls, explicit: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> RuntimeFolder:
        """The first usable of: `explicit`, NEXTEDIT_RUNTIME_DIR, XDG_RUNTIME_DIR/nextedit,
        JUPYTER_RUNTIME_DIR/nextedit, the user's data folder, one in the system's temporary folder.

        A folder that was named (`explicit`, NEXTEDIT_RUNTIME_DIR) is taken or refused, never
        passed over. Raises WorkerError.
        """
        environ = os.environ if environ is None else environ
        named = str(explicit) if explicit is not None else environ.get("NEXTEDIT_RUNTIME_DIR")
        if named:
            return cls(make_private(Path(named)))
        refusals = []
        for path in _candidates(environ):
            try:
                return cls(make_private(path))
            except WorkerError as refusal:
                refusals.append(str(refusal))
        raise WorkerError(
            "no folder for the worker's socket: "
            + "; ".join(refusals)
            + ". Set NEXTEDIT_RUNTIME_DIR to a folder of your own"
        )

    def _file(self, suffix: str) -> Path:
        return self.path / f"worker-{self.version}.{suffix}"

    @property
    def worker_lock(self) -> Path:
        return self._file("lock")

    @property
    def start_lock(self) -> Path:
        return self._file("start")

    @property
    def deaths(self) -> Path:
        return self._file("json")

    @property
    def log(self) -> Path:
        return self.path / "worker.log"

    @property
    def key(self) -> Path:
        return self.path / "key"

    @property
    def family(self) -> str:
        return "AF_PIPE" if sys.platform == "win32" else "AF_UNIX"

    @property
    def address(self) -> str:
        """Where the worker listens: a socket's path, or a pipe's name on Windows.

        A path that is too long for a socket is replaced by one in the temporary folder, which is
        made private as well. Raises WorkerError.
        """
        if sys.platform == "win32":
            return rf"\\.\pipe\nextedit-{_digest(str(self.path))}-{self.version}"
        path = self._file("sock")
        if len(os.fsencode(path)) <= MAX_ADDRESS_BYTES:
            return str(path)
        short = _temporary() / f"nextedit-{_user()}-{_digest(str(self.path))}"
        path = make_private(short) / f"{self.version}.sock"
        if len(os.fsencode(path)) <= MAX_ADDRESS_BYTES:
            return str(path)
        raise WorkerError(
            f"the path {self.path} is too long for a socket: "
            "set NEXTEDIT_RUNTIME_DIR to a shorter one"
        )

    def other_versions(self) -> list[RuntimeFolder]:
        """The same folder for each other version whose worker left a socket."""
        found = (path.name for path in self.path.glob("worker-*.sock"))
        versions = (name.removeprefix("worker-").removesuffix(".sock") for name in found)
        return [RuntimeFolder(self.path, v) for v in sorted(versions) if v != self.version]

    def read_key(self) -> bytes:
        """The key that both sides must know. Raises FileNotFoundError, or WorkerError if others can
        read the file."""
        descriptor = os.open(self.key, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        try:
            _refuse_shared(os.fstat(descriptor), self.key)
            return os.read(descriptor, 2 * KEY_BYTES)
        finally:
            os.close(descriptor)

    def ensure_key(self) -> bytes:
        """The key, created if there is none; call it while holding the start lock."""
        with contextlib.suppress(FileNotFoundError):
            key = self.read_key()
            if len(key) == KEY_BYTES:
                return key
        key = os.urandom(KEY_BYTES)
        replace_file(self.key, key)
        return key


def make_private(path: Path) -> Path:
    """Create the folder if it is missing, and check that nobody else can enter it. Raises
    WorkerError.

    A symbolic link, another user's folder, and a folder that others can enter are refused: someone
    else may have put files there.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise WorkerError(f"{path} cannot be made: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode):
        raise WorkerError(f"{path} is not a folder")
    _refuse_shared(found, path)
    if not os.access(path, os.W_OK | os.X_OK):
        raise WorkerError(f"{path} cannot be written")
    return path


def _refuse_shared(found: os.stat_result, path: Path) -> None:
    if sys.platform == "win32":
        return
    if found.st_uid != os.geteuid():
        raise WorkerError(f"{path} belongs to another user")
    if found.st_mode & 0o077:
        allowed = "700" if stat.S_ISDIR(found.st_mode) else "600"
        raise WorkerError(f"{path} is open to other users: chmod {allowed} {path}")


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if (xdg := environ.get("XDG_RUNTIME_DIR")) and Path(xdg).is_dir():
        yield Path(xdg, "nextedit")
    if jupyter := environ.get("JUPYTER_RUNTIME_DIR"):
        yield Path(jupyter, "nextedit")
    if sys.platform == "win32":
        if local := environ.get("LOCALAPPDATA"):
            yield Path(local, "nextedit", "run")
    elif sys.platform == "darwin":
        yield Path(os.path.expanduser("~/Library/Application Support/nextedit/run"))
    else:
        data = environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
        if os.path.isabs(data):
            yield Path(data, "nextedit", "run")
    yield _temporary() / f"nextedit-{_user()}"


def _temporary() -> Path:
    import tempfile

    return Path(tempfile.gettempdir())


def _user() -> str:
    if sys.platform == "win32":
        import getpass

        return _digest(getpass.getuser())
    return str(os.geteuid())


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]


@contextlib.contextmanager
def held(path: Path, timeout: float) -> Iterator[None]:
    """`core.files.locked`, but a timeout raises WorkerError."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(path, timeout))
        except TimeoutError as error:
            raise WorkerError(str(error)) from None
        yield
