"""`doctor --secrets` names cells, lines and rules, and never what it found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nextedit_jupyter.cli import main

PASSWORD = "Tr0ub4" + "dorX9"


def notebook(path: Path, *sources: str | list[str]) -> Path:
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "metadata": {}, "source": source} for source in sources
    ]
    path.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_it_says_where_and_what_but_not_the_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = notebook(
        tmp_path / "a.ipynb",
        "x = 1",
        ["import os\n", f"password = '{PASSWORD}'\n", "y = 2"],
        f"engine = create_engine('postgres://ann:{PASSWORD}@db/x')",
    )
    assert main(["doctor", "--secrets", str(file)]) == 1
    out = capsys.readouterr().out
    assert "cell 2, line 2" in out
    assert "cell 3, line 1" in out
    assert "password in an address" in out
    assert "2 of 3 cells" in out
    assert PASSWORD not in out


def test_its_json_can_be_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = notebook(tmp_path / "a.ipynb", f"pw = '{PASSWORD}'", "x = 1")
    assert main(["doctor", "--json", "--secrets", str(file)]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["cells"] == 2
    assert [(one["cell"], one["line"]) for one in said["refused"]] == [(1, 1)]


def test_a_notebook_without_one_is_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--secrets", str(notebook(tmp_path / "a.ipynb", "x = 1"))]) == 0
    assert "no secret was recognised in 1 cells" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content",
    ["", "x = 1", "[1, 2]", '{"cells": 3}', '{"cells": [1, {"source": [2]}]}', "[" * 9_000],
)
def test_a_file_that_is_no_notebook_is_read_as_text(tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.py"
    file.write_text(content)
    assert main(["doctor", "--secrets", str(file)]) == 0
    file.write_text(content + f"\npw = '{PASSWORD}'")
    assert main(["doctor", "--secrets", str(file)]) == 1


def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--secrets", str(tmp_path / "none.ipynb")]) != 0
    assert "none.ipynb cannot be read" in capsys.readouterr().err
