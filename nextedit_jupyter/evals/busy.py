"""Processes that compute without pause, like a kernel that trains a model on all cores."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

# Until the engine has noticed them: it checks once a second, and then opens another session.
SETTLE_SECONDS = 4.0

# Sums of products in plain Python: no waiting, no library threads. It ends when the parent's end of
# the pipe closes, even if the parent is killed.
_WORK = """
import os, select, sys
while not select.select([sys.stdin], [], [], 0)[0]:
    sum(i * i for i in range(200_000))
"""


@contextlib.contextmanager
def busy_processes(count: int, settle: float = SETTLE_SECONDS) -> Iterator[list[int]]:
    """Run `count` processes that compute during the block; yields their ids."""
    children: list[subprocess.Popen[bytes]] = []
    try:
        while len(children) < count:
            command = [sys.executable, "-c", _WORK]
            children.append(subprocess.Popen(command, stdin=subprocess.PIPE))
        time.sleep(settle)
        yield [child.pid for child in children]
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.communicate()
