"""The worker's priority, each time in a process of its own: it can't be taken back."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from nextedit_jupyter.worker.priority import RAISED, raise_priority

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows counts in classes")

RAISE = """
import os
os.nice({begun})
from nextedit_jupyter.worker.priority import raise_priority
print(raise_priority(), os.nice(0))
"""


def raised_from(begun: int) -> list[str]:
    code = RAISE.format(begun=begun)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_it_is_raised_where_the_system_allows_it_and_else_left() -> None:
    assert raised_from(0) in (["True", str(RAISED)], ["False", "0"])


def test_a_priority_that_was_chosen_stays() -> None:
    assert raised_from(7) == ["False", "7"]


def test_a_system_that_refuses_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int | None] = []

    def nice(_: psutil.Process, value: int | None = None) -> int:
        asked.append(value)
        if value is None:
            return 0
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "nice", nice)
    assert not raise_priority()
    assert asked == [None, RAISED]
