"""How much memory the process takes, and giving back what it has freed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys


def resident_mb() -> float:
    """The process's resident memory in MB (2**20 bytes); 0 where it cannot be told."""
    if sys.platform == "linux":  # a fiftieth of psutil's time, for it is asked every 100 ms
        with (
            contextlib.suppress(OSError, ValueError, IndexError),
            open("/proc/self/statm", "rb") as f,
        ):
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        return 0.0
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        return float(psutil.Process().memory_info().rss / 2**20)
    return 0.0


def give_back_freed() -> None:
    """Return to the system what was freed but is kept by the C library; glibc does it if asked.

    It keeps most of what lies between blocks that are still in use: some 200 MB after a session of
    the larger model was closed. Takes milliseconds. Other systems do so by themselves.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # musl has no such function
            ctypes.CDLL(None).malloc_trim(0)
