"""A bounded command ends in time, and leaves nothing running."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

BOUNDED = Path(__file__).resolve().parent.parent.parent / ".ci" / "bounded.py"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def bounded(minutes: float, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BOUNDED), str(minutes), *command],
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("code", [0, 3])
def test_a_command_that_ends_keeps_its_exit_code_and_output(code: int) -> None:
    done = bounded(1, sys.executable, "-c", f"print('said'); raise SystemExit({code})")
    assert (done.returncode, done.stdout, done.stderr) == (code, "said\n", "")


def test_a_command_that_hangs_is_ended_and_says_where_it_was(tmp_path: Path) -> None:
    script = tmp_path / "hanging.py"
    script.write_text(
        "import subprocess, sys, time\n"
        "def hang_in_here():\n"
        "    subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "hang_in_here()\n"
    )
    began = time.monotonic()
    done = bounded(0.05, sys.executable, str(script))
    assert done.returncode == 124
    assert time.monotonic() - began < 60
    assert "is not done after 0.05 minutes" in done.stderr
    assert "in hang_in_here" in done.stderr
    assert "time.sleep(600)" in done.stderr
    assert not [line for line in command_lines() if str(script) in line]


def test_what_a_command_leaves_running_is_named_and_killed(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    leave = (
        "import subprocess, sys; from pathlib import Path\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
        " start_new_session=True)\n"
        f"Path({str(started)!r}).write_text(str(child.pid))\n"
    )
    done = bounded(1, sys.executable, "-c", leave)
    assert done.returncode == 0
    pid = int(started.read_text())
    assert f"{pid} (" in done.stderr
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_bound_within_a_bound_ends_with_the_outer_one() -> None:
    sleeping = [sys.executable, "-c", f"import time; time.sleep(600)  # {os.getpid()}"]
    done = bounded(0.05, sys.executable, str(BOUNDED), "5", *sleeping)
    assert done.returncode == 124
    assert not [line for line in command_lines() if f"# {os.getpid()}" in line]


def command_lines() -> list[str]:
    """Those of all processes that run."""
    return [
        " ".join(process.info["cmdline"] or ())
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
    ]
