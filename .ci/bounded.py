"""Run a command with a time limit, and leave none of its processes behind.

    python .ci/bounded.py MINUTES COMMAND...

A command that takes longer is ended with all its processes; the exit code is 124. Before that, they
are listed, and each Python process prints the stacks of its threads. Processes that a finished
command has left running are listed and killed, so that nobody waits for them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence

import psutil

MARK = "NEXTEDIT_BOUNDED"  # in the environment of all that the command starts, detached or not
EXPIRED = 124  # as of coreutils' timeout
INTERRUPTED = 130  # as of a shell


def main(arguments: Sequence[str] | None = None) -> int:
    minutes, *command = sys.argv[1:] if arguments is None else arguments
    mark = f"{os.environ.get(MARK, '')}:{uuid.uuid4().hex}"
    # Python processes write their stacks on SIGABRT.
    environ = {**os.environ, MARK: mark, "PYTHONFAULTHANDLER": "1"}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with subprocess.Popen(command, env=environ) as process:
        try:
            code = process.wait(float(minutes) * 60)
            left_behind(command, mark)
        except subprocess.TimeoutExpired:
            say(f"{' '.join(command)} is not done after {minutes} minutes; what runs:")
            abort(started_under(mark))
            code = EXPIRED
        except KeyboardInterrupt:
            code = INTERRUPTED
        kill(started_under(mark))
        process.kill()
    return code if code >= 0 else 128 - code


def left_behind(command: Sequence[str], mark: str) -> None:
    """List the processes that do not end by themselves within a short time."""
    _, left = psutil.wait_procs(started_under(mark), timeout=2)
    if left:
        say(f"{' '.join(command)} left behind, killed now:")
        for process in left:
            describe(process)


def started_under(mark: str) -> list[psutil.Process]:
    """The processes whose environment begins with this mark."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK, "").startswith(mark):
                found.append(process)
    return found


def abort(processes: Sequence[psutil.Process]) -> None:
    """List the processes, the Python ones with their stacks.

    Until its turn each is stopped: the end of one would let those move on that wait for it.
    """
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.suspend()
    for process in processes:
        describe(process)
        with contextlib.suppress(psutil.Error):
            if hasattr(signal, "SIGABRT") and "python" in process.name().lower():
                process.send_signal(signal.SIGABRT)
                process.resume()
                process.wait(5)


def describe(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):
        say(f"  {process.pid} ({process.status()}): {' '.join(process.cmdline())[:300]}")


def kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


def say(line: str) -> None:
    print(f"bounded: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
