"""Starting the worker's process, which outlives the process that starts it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from nextedit_jupyter.core.errors import WorkerError

if TYPE_CHECKING:
    from subprocess import Popen

    from nextedit_jupyter.worker.runtime import RuntimeFolder
    from nextedit_jupyter.worker.settings import WorkerSettings

# Variables that a worker does not need and should not have.
_SECRETS_OF_THE_SERVER = (
    "JUPYTER_TOKEN",
    "JUPYTERHUB_API_TOKEN",
    "JPY_API_TOKEN",
    "JPY_SESSION_NAME",
)

# Otherwise each thread that loads a model keeps its freed memory: after some changes of the thread
# count under load a worker used 195 MB instead of 139. glibc reads these only at the start.
_MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": str(8 * 2**20)}


def spawn(folder: RuntimeFolder, settings: WorkerSettings) -> None:
    """Start a worker that outlives this process, and wait until it listens. Raises WorkerError."""
    import subprocess

    command = [
        sys.executable,
        "-P",  # modules in the notebook's folder must not shadow the standard library
        "-m",
        "nextedit_jupyter.worker",
        "--detach",
        f"--expect-version={folder.version}",
        f"--runtime-dir={folder.path}",
        f"--settings={settings.to_json()}",
    ]
    environ = {k: v for k, v in os.environ.items() if k not in _SECRETS_OF_THE_SERVER}
    environ = {**_MEMORY, **environ}
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
    reason = said.decode("utf-8", "replace").strip() or "the worker died while starting"
    raise WorkerError(f"{reason}. More is in {folder.log}")


def _first_line(process: Popen[bytes], timeout: float) -> bytes | None:
    """The first line that the process writes, empty if it exits without one; None after `timeout`
    seconds."""
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
            process.wait()  # it has forked the worker and exited

    threading.Thread(target=read, name="nextedit-start", daemon=True).start()
    read_one.wait(timeout)
    return lines[0] if lines else None
