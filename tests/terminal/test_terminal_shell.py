from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from shell_fixtures import NO_HISTORY, close
from terminal_fixtures import ENTER, Terminal

from nextedit_jupyter.terminal.ghost import GhostText


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A plain terminal shell."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    TerminalInteractiveShell.clear_instance()
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        made: Any = TerminalInteractiveShell.instance(
            simple_prompt=False, colors="nocolor", config=NO_HISTORY
        )
        yield made
        close(made)
    TerminalInteractiveShell.clear_instance()


def state(shell: Any) -> Any:
    return (
        shell.auto_suggest,
        shell.pt_app.auto_suggest,
        list(shell.auto_suggest._connected_apps) if shell.auto_suggest else [],
        len(shell.pt_app.app.on_reset._handlers),
        len(shell.pt_app.default_buffer.on_text_insert._handlers),
        len(shell.pt_app.default_buffer.on_cursor_position_changed._handlers),
        {event: list(found) for event, found in shell.events.callbacks.items()},
        list(shell.Completer.custom_matchers),
        set(shell.user_ns),
    )


@pytest.mark.parametrize("extension", ["nextedit_jupyter", "nextedit_jupyter.terminal"])
def test_loading_puts_ghost_text_in_and_unloading_takes_all_back(
    shell: Any, extension: str
) -> None:
    before = state(shell)
    waits = shell.pt_app.app.ttimeoutlen
    shell.run_cell(f"%load_ext {extension}")
    assert shell.pt_app.app.ttimeoutlen <= 0.1
    assert isinstance(shell.auto_suggest, GhostText)
    assert shell.pt_app.auto_suggest is shell.auto_suggest
    shell.run_cell("%unload_ext nextedit_jupyter")
    assert state(shell) == before
    assert shell.pt_app.app.ttimeoutlen == waits


def test_reloading_leaves_one_of_each(shell: Any) -> None:
    shell.run_cell("%load_ext nextedit_jupyter")
    once = [len(part) for part in state(shell)[6].values()]
    shell.run_cell("%reload_ext nextedit_jupyter")
    assert [len(part) for part in state(shell)[6].values()] == once
    shell.run_cell("%unload_ext nextedit_jupyter")


def test_who_wants_no_suggestions_of_history_gets_none(shell: Any) -> None:
    shell.autosuggestions_provider = None
    shell.run_cell("%load_ext nextedit_jupyter")
    shell.pt_app.default_buffer.history.get_strings = lambda: ["print('from history')"]
    document = shell.pt_app.default_buffer.document.insert_before("pri")
    assert shell.auto_suggest.get_suggestion(shell.pt_app.default_buffer, document) is None
    shell.run_cell("%unload_ext nextedit_jupyter")
    assert shell.auto_suggest is None


def test_a_kernel_that_reads_the_terminals_configuration_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    plain: Any = InteractiveShell.instance(config=NO_HISTORY)
    plain.run_cell("%load_ext nextedit_jupyter.terminal")
    assert "nextedit" not in plain.magics_manager.magics["line"]
    close(plain)
    InteractiveShell.clear_instance()


def test_with_a_simple_prompt_it_is_plain_ipython(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=nocolor"],
        input="%load_ext nextedit_jupyter\n1 + 1\nprin(1)\n%unload_ext nextedit_jupyter\n",
        env={**environment, "IPYTHONDIR": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Out[2]: 2" in done.stdout
    assert "NameError: name 'prin' is not defined" in done.stdout
    assert done.stderr == ""


def test_a_fault_in_our_thread_never_shows_in_the_prompt(
    someone: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(someone.session, "cached_facts", fail)
    someone.run("x = 1")
    someone.until_looked()

    async def typing() -> None:
        await someone.type("x")
        await someone.type(ENTER)

    assert someone.prompt(typing) == "x"
    shown = capsys.readouterr()
    assert "ours" not in shown.out + shown.err


def test_the_documented_shell_commands_switch_every_new_terminal_on_and_off(tmp_path: Path) -> None:
    doc = Path(__file__).parents[2] / "docs" / "terminal.md"
    text = doc.read_text("utf-8")
    commands = re.findall(r"```sh\n(.*?)\n```", text, re.S) + re.findall(r"`(jupyter .*?)`", text)
    assert [command.split()[2] for command in commands] == ["enable", "disable"]
    env = {
        **os.environ,
        "HOME": str(tmp_path),
        "IPYTHONDIR": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    code = "print('nextedit_jupyter' in get_ipython().extension_manager.loaded)"
    ipython = [sys.executable, "-m", "IPython", "--no-banner", "--simple-prompt", "-c", code]
    for command, loaded in zip(commands, ("nextedit_jupyter", None), strict=True):
        subprocess.run(command.split(), env=env, check=True, timeout=60, capture_output=True)
        config = tmp_path / "profile_default"
        said = "".join(file.read_text() for file in config.glob("ipython_config.*"))
        assert (loaded is not None) == ("nextedit_jupyter" in said)
        subprocess.run(ipython, env=env, check=True, timeout=60, capture_output=True)
