"""A real IPython shell with the extension and a fake worker, as fixtures."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_client import FakeClient
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nextedit_jupyter import kernel
from nextedit_jupyter.kernel import make_session


class Shell:
    """A real InteractiveShell with the extension, and what it printed."""

    def __init__(self, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
        self.shell = shell
        self.client = FakeClient(lambda request: [])
        self.session = make_session(shell, lambda name: self.client)
        self._capsys = capsys

    def run(self, text: str, *, cell: str | None = None) -> str:
        """Run a cell as a front end does; returns what it printed."""
        self._capsys.readouterr()
        self.shell.run_cell(text, store_history=True, cell_id=cell)
        return self._capsys.readouterr().out


# No history database: ending its thread takes two seconds.
NO_HISTORY = Config({"HistoryManager": {"enabled": False}})


def close(shell: Any) -> None:
    """End a shell's session now, while its folder exists."""
    shell.displayhook.flush = lambda: None  # collects garbage: slow with so many imports
    atexit.unregister(shell.atexit_operations)
    shell._atexit_once()


@pytest.fixture
def plain_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path / "data"))
    InteractiveShell.clear_instance()
    shell: Any = InteractiveShell.instance(colors="nocolor", config=NO_HISTORY)
    yield shell
    close(shell)
    InteractiveShell.clear_instance()


@pytest.fixture
def user(plain_shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """A user of a shell with the extension and a fake worker."""
    made = Shell(plain_shell, capsys)
    made.session.start()
    kernel._sessions[id(plain_shell)] = made.session  # so that %load_ext finds it there
    yield made
    made.session.stop()
    kernel._sessions.pop(id(plain_shell), None)
