"""The pages on privacy, the terminal and the magics: each command runs, each name is right."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from larger_model import pretend_to_bring

from nextedit_jupyter.cli import main
from nextedit_jupyter.core.pacing import OUTCOMES
from nextedit_jupyter.kernel.magic_commands import Magic, UsageError
from nextedit_jupyter.kernel.session import Session
from nextedit_jupyter.kernel.session_settings import SessionSettings
from nextedit_jupyter.server.config import NextEdit
from nextedit_jupyter.worker.runtime import RuntimeFolder
from nextedit_jupyter.worker.statistics import Statistics

DOCS = Path(__file__).parent.parent.parent / "docs"
GUIDES = ("privacy.md", "terminal.md", "magics.md")


def text_of(guide: str) -> str:
    return (DOCS / guide).read_text(encoding="utf-8")


def shell_commands(guide: str) -> list[str]:
    """In blocks and in running text, in the order in which they stand there."""
    found = re.findall(r"^(jupyter nextedit .*)$|`(jupyter nextedit [^`]*)`", text_of(guide), re.M)
    return ["".join(each) for each in found]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, an environment of one's own, and someone who answers `y`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    for name, folder in {
        "HOME": "home",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "config",
        "NEXTEDIT_DATA_DIR": "data",
        "NEXTEDIT_RUNTIME_DIR": "run",
    }.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    pretend_to_bring(monkeypatch)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt="": "y")
    runtime = RuntimeFolder.find()
    runtime.ensure_key()
    statistics = Statistics(tmp_path / "data" / "statistics")
    statistics.record("shown", "inline", "model")
    statistics.close()
    return tmp_path


@pytest.mark.parametrize("guide", GUIDES)
def test_every_shell_command_runs(guide: str, home: Path) -> None:
    commands = shell_commands(guide)
    assert commands
    notebook = {"cells": [{"cell_type": "code", "source": "x = 1"}], "nbformat": 4}
    (home / "notebook.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    for command in commands:
        words = shlex.split(command)[2:]
        if words == ["enable"]:
            words.append("--user")
        assert main(words) == 0, command


def test_what_the_privacy_page_says_of_purge_holds(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (home / "data" / "statistics" / "statistics.sqlite").exists()
    assert main(["purge"]) == 0
    left = [path for path in home.rglob("*") if path.is_file()]
    assert left == []


def test_the_privacy_page_names_every_file_that_enable_writes(home: Path) -> None:
    before = {path for path in home.rglob("*") if path.is_file()}
    for words in (["--user"], ["--kernel"], ["--terminal", "--user"]):
        assert main(["enable", *words]) == 0
    written = {path.name for path in home.rglob("*") if path.is_file() and path not in before}
    assert len(written) >= 3
    page = text_of("privacy.md")
    assert [name for name in sorted(written) if f"`{name.removeprefix('.')}`" not in page] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_magic_that_a_page_names_can_be_called_so(guide: str) -> None:
    class Nothing:
        pass

    magic = Magic(Session(Nothing()))
    lines = re.findall(r"^(%nextedit\b[^\n#]*)|`(%nextedit\b[^`]*)`", text_of(guide), re.M)
    assert lines
    for line in ("".join(each) for each in lines):
        words = shlex.split(line.replace("ID VERSION", "a 1.0"))[1:]
        try:
            magic.parser.parse_args(words)
        except UsageError as error:
            raise AssertionError(f"{line}: {error}") from None


def test_the_table_of_settings_is_the_settings() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", text_of("magics.md"), re.M)
    table = {name: (default, meaning) for name, default, meaning in rows}
    settings = SessionSettings()
    assert list(table) == settings.names()
    for name, (default, _) in table.items():
        given = SessionSettings()
        given.set(name, default)
        assert getattr(given, name) == getattr(settings, name), name


def test_the_settings_that_the_pages_name_exist() -> None:
    named = {name for guide in GUIDES for name in re.findall(r"c\.NextEdit\.(\w+)", text_of(guide))}
    ours = set(SessionSettings.names())
    assert named
    assert named <= ours | set(NextEdit.class_trait_names(config=True))
    # One name, one meaning: what both have is read from both configurations.
    assert {"store_history", "mains_ms", "battery_ms"} <= ours & set(
        NextEdit.class_trait_names(config=True)
    )


def test_a_kernel_counts_each_outcome() -> None:
    counts = Session(object()).counts
    assert all(getattr(counts, outcome) == 0 for outcome in OUTCOMES)
