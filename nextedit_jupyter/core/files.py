"""Our files: read within bounds, replaced as a whole, and locked across processes.

An entry in a folder that others may have filled need not be a file: a named pipe would block its
reader for ever, a link leads elsewhere, a device has no end. `read_bytes` reads regular files only.
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


def open_plain(path: Path, most: int, *, follow: bool = False) -> BufferedReader:
    """A plain file of at most `most` bytes, open for reading; never waits for anybody.

    Links are refused unless `follow` is set. Raises OSError; its `strerror` says what is wrong.
    """
    # A named pipe is opened at once with O_NONBLOCK, and then seen to be one.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(22, "it is not a regular file", str(path))
        if found.st_size > most:
            raise OSError(27, f"it has more than {most} bytes", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_bytes(path: Path, most: int, *, follow: bool = False) -> bytes:
    """A plain file's bytes, of which there are at most `most`. Raises OSError."""
    with open_plain(path, most, follow=follow) as file:
        data = file.read(most + 1)
    if len(data) > most:  # it grows while it is read
        raise OSError(27, f"it has more than {most} bytes", str(path))
    return data


def replace_file(
    path: Path,
    content: bytes,
    *,
    mode: int = PRIVATE,
    keep_mode: bool = False,
    durable: bool = False,
) -> None:
    """Put a file in place whole: a reader, and a power cut, find the old one or the new one.

    `keep_mode` gives it the rights of the file that it replaces, if there is one; `durable` waits
    until the disk has it. Leaves nothing behind when it fails. Raises OSError.
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
    """A path to write a large file to; at the end it takes the place of `path`, whole.

    It has the same ending. Leaves nothing behind when writing fails. Raises OSError.
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
    """Wait until the disk has a folder's names. Raises OSError."""
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_own_folder(path: Path) -> bool:
    """Whether it is a folder of the user's own, and no link to one."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and (os.name == "nt" or found.st_uid == os.geteuid())


def writable_by_others(folder: Path) -> str | None:
    """Why any other user could change what lies in a folder, and what to do; None if none could.

    The folders above count as well, for who may rename may replace; but whom they belong to is as
    the system's owner wants it. So is a folder that a group of the user's own may write to.
    """
    if os.name == "nt":  # per-user folders are closed by the rights that they inherit
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
    """Hold an exclusive lock across processes and threads; a process's end releases it.

    Waits up to `timeout` seconds. Raises TimeoutError after that, and OSError if the file cannot be
    opened. By hand, for it runs in users' kernels: `filelock` takes 30 ms to import there, and has
    every later fork of the process wait for its own bookkeeping.
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
