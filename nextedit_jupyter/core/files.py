"""Our files: read within bounds, replaced atomically, and locked across processes.

In a folder that others can write to, an entry need not be a regular file: a named pipe would block
its reader forever, a link leads elsewhere, a device has no end. `read_bytes` reads regular files
only.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

PRIVATE = 0o600


def open_plain(path: Path, limit: int, *, follow: bool = False) -> BufferedReader:
    """A regular file of at most `limit` bytes, opened for reading; never blocks.

    Links are refused unless `follow` is set. Raises OSError; its `strerror` says what is wrong.
    """
    # With O_NONBLOCK a named pipe opens at once, and is then recognised as one.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(22, "it is not a regular file", str(path))
        if found.st_size > limit:
            raise OSError(27, f"it has more than {limit} bytes", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_bytes(path: Path, limit: int, *, follow: bool = False) -> bytes:
    """The bytes of a regular file, at most `limit`. Raises OSError."""
    with open_plain(path, limit, follow=follow) as file:
        data = file.read(limit + 1)
    if len(data) > limit:  # it grew while it was read
        raise OSError(27, f"it has more than {limit} bytes", str(path))
    return data


def replace_file(
    path: Path,
    content: bytes,
    *,
    mode: int = PRIVATE,
    keep_mode: bool = False,
    durable: bool = False,
) -> None:
    """Replace a file atomically: a reader sees the old file or the new one, even after a power cut.

    `keep_mode` keeps the permissions of the file that it replaces, if there is one; `durable` waits
    until the data are on disk. Leaves nothing behind if it fails. Raises OSError.
    """
    if keep_mode:
        with contextlib.suppress(OSError):
            mode = stat.S_IMODE(path.stat().st_mode)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.chmod(beside, mode)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    if durable:
        sync_folder(path.parent)


@contextlib.contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """A path to write a large file to; at the end it replaces `path` atomically.

    It has the same extension. Leaves nothing behind if writing fails. Raises OSError.
    """
    beside = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield beside
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def sync_folder(folder: Path) -> None:
    """Wait until a folder's entries are on disk. Raises OSError."""
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_own_folder(path: Path) -> bool:
    """Whether it is a folder that belongs to the user, and not a link to one."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and (os.name == "nt" or found.st_uid == os.geteuid())


def writable_by_others(folder: Path) -> str | None:
    """Why other users could change the contents of a folder, and what to do; None if they cannot.

    The folders above count too, because whoever can rename an entry can replace it; but who owns
    them is the system administrator's choice, and so is a folder that one of the user's groups can
    write to.
    """
    if os.name == "nt":  # per-user folders are private by inherited permissions
        return None
    for path in (place := folder.resolve(), *place.parents):
        try:
            found = path.stat()
        except OSError:
            continue
        if path == place:
            if found.st_uid not in (os.geteuid(), 0):
                return f"{path} belongs to another user: name another with NEXTEDIT_DATA_DIR"
            if found.st_mode & stat.S_IWGRP and found.st_gid not in {os.getegid(), *os.getgroups()}:
                return f"{path} can be written by another group: chmod g-w {path}"
        elif found.st_mode & stat.S_ISVTX:  # as in /tmp, only owners may rename there
            continue
        if found.st_mode & stat.S_IWOTH:
            return f"{path} can be written by every user: chmod o-w {path}"
    return None


@contextlib.contextmanager
def locked(path: Path, timeout: float) -> Iterator[None]:
    """Hold an exclusive lock across processes and threads; it is released when the process ends.

    Waits up to `timeout` seconds. Raises TimeoutError after that, and OSError if the file cannot be
    opened. Not with `filelock`, because this runs in users' kernels: importing it takes 30 ms
    there, and it makes every later fork of the process wait for its own bookkeeping.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, PRIVATE)
    try:
        until = time.monotonic() + timeout
        pause = 0.005
        while not _try_lock(descriptor):
            if time.monotonic() >= until:
                raise TimeoutError(
                    f"{path} has been locked by another process for over {timeout:g} s"
                )
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
