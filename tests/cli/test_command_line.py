"""The command line as a whole: help, exit codes, what it loads."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nextedit_jupyter.cli import _COMMANDS, main


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    for command in _COMMANDS:
        assert re.search(rf"\n    {command}\s", said)  # what a long one does stands below it


@pytest.mark.parametrize("command", [c for c in _COMMANDS if c not in ("eval", "train")])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: jupyter nextedit {command}")
    assert len(said.split("\n\n")[1]) > 60


@pytest.mark.parametrize(
    "arguments", [[], ["frobnicate"], ["bench", "--frobnicate"], ["model"], ["bench", "speed"]]
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: jupyter nextedit" in capsys.readouterr().err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from nextedit_jupyter import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("statement", ["import nextedit_jupyter.cli", "main(['--help'])"])
def test_the_command_line_and_its_help_load_no_model_and_no_server(statement: str) -> None:
    code = (
        "import sys, json, contextlib, io\nfrom nextedit_jupyter.cli import main\n"
        f"with contextlib.redirect_stdout(io.StringIO()):\n    {statement}\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    heavy = {"onnxruntime", "numpy", "torch", "tokenizers", "tree_sitter", "jupyter_server"}
    assert not set(json.loads(result.stdout)) & (heavy | {"IPython", "pandas", "tornado"})


def test_training_without_torch_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    from nextedit_jupyter.training.commands import sft

    def run(arguments: object) -> int:
        import torch

        return int(torch.ones(1))

    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(sft, "run", run)
    assert main(["train", "sft", "--work", "x", "--stage", "s1"]) == 1
    said = capsys.readouterr().err
    assert said == ("jupyter nextedit: train needs torch: pip install 'nextedit-jupyter[train]'\n")


def test_a_file_that_cannot_be_written_is_a_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from nextedit_jupyter.evals import typing

    monkeypatch.setattr(typing, "run", lambda arguments: {})
    assert main(["eval", "typing", "-o", str(tmp_path / "missing" / "report.json")]) == 1
    assert "report.json: No such file" in capsys.readouterr().err


def test_an_evaluation_s_report_is_printed_and_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from nextedit_jupyter.evals import typing

    monkeypatch.setattr(typing, "run", lambda arguments: {"saved": 0.3})
    monkeypatch.setattr(typing, "format_report", lambda report: f"saved {report['saved']}")
    file = tmp_path / "report.json"
    assert main(["eval", "typing", "--output", str(file)]) == 0
    assert capsys.readouterr().out == "saved 0.3\n"
    assert main(["eval", "typing", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(file.read_text()) == {"saved": 0.3}
