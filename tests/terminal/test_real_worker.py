"""The prompt with the real worker process, without a model: what a user meets when it stops."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from terminal_fixtures import ENTER, RIGHT, Terminal

from nextedit_jupyter.kernel.worker_calls import WorkerCalls

pytestmark = pytest.mark.alone


@pytest.fixture
def served(
    someone: Terminal,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Terminal]:
    """Someone whose session reaches a real worker of their own."""
    folder = tmp_path_factory.mktemp("r")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("NEXTEDIT_BUNDLE", str(folder / "no-such-bundle"))
    someone.until_looked()
    someone.session.calls = WorkerCalls()
    yield someone
    client = someone.session.client
    client.stop_worker()  # type: ignore[attr-defined]


def pid(someone: Terminal) -> int:
    return int(someone.session.client.status(10.0, start=True)["pid"])


def test_a_fix_comes_from_the_real_worker_without_any_model(served: Terminal) -> None:
    pid(served)
    served.run("prin(1)")

    async def typing() -> None:
        await served.shows("print(1)")
        await served.type(RIGHT)
        await served.until(lambda: served.buffer.text == "print(1)")
        await served.type(ENTER)

    assert served.prompt(typing) == "print(1)"


def test_keys_go_on_while_the_worker_is_stopped_and_after_it_is_killed(served: Terminal) -> None:
    first = pid(served)
    served.run("print('from history')")
    os.kill(first, signal.SIGSTOP)
    asked = served.session.counts.requests

    async def typing() -> None:
        for key in "pri":
            await served.type(key)
        await served.until(lambda: served.session.counts.requests > asked)
        await served.shows("nt('from history')")
        for key in "xyz":
            await served.type(key)
        await served.type(ENTER)

    try:
        assert served.prompt(typing) == "prixyz"
    finally:
        os.kill(first, signal.SIGKILL)

    served.run("prin(2)")

    async def mended() -> None:
        await served.shows("print(2)")
        await served.type(ENTER)

    served.prompt(mended)
    assert pid(served) != first
