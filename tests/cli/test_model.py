"""`jupyter nextedit model`: which bundle answers, what it is, and whether it is whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from nextedit_jupyter.bundles.bundle import packaged_bundle_path
from nextedit_jupyter.cli import main

PACKAGED = packaged_bundle_path()


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("NEXTEDIT_BUNDLE", raising=False)


def test_info_and_list_name_the_bundle_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "info", "--json"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info["path"] == str(PACKAGED)
    assert info["size_mb"] > 1
    assert set(info["thresholds"]) >= {"inline"}
    assert main(["model", "list", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["used"]
    assert entry["bundle"] == info["bundle"]
    assert main(["model", "list"]) == 0
    assert f"* {info['bundle']}" in capsys.readouterr().out


def test_the_card_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "info", "--card"]) == 0
    assert capsys.readouterr().out.strip() == (PACKAGED / "CARD.md").read_text().strip()


def test_verify_finds_a_changed_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(PACKAGED, folder)
    assert main(["model", "verify", str(folder)]) == 0
    with open(folder / "model.onnx", "r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    capsys.readouterr()
    assert main(["model", "verify", str(folder)]) == 1
    assert "model.onnx" in capsys.readouterr().err


def test_a_folder_that_is_no_bundle_is_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["model", "info", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("jupyter nextedit: ")
    assert "Traceback" not in said
