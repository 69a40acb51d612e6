from __future__ import annotations

import json
from pathlib import Path

import pytest

from nextedit_jupyter.cli import main
from nextedit_jupyter.worker.statistics import Statistics


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    statistics = Statistics(tmp_path / "statistics")
    for outcome in ("shown", "shown", "accepted", "rejected"):
        statistics.record(outcome, "inline", "model")
    statistics.record("latency", "inline", "model", 12.5)
    statistics.close()
    return tmp_path


def test_the_owner_sees_counts_and_latency(
    counted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stats"]) == 0
    shown = capsys.readouterr().out
    assert "inline" in shown
    assert "50%" in shown
    assert "median 12.5 ms" in shown
    assert main(["stats", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kinds"]["inline"]["accepted"] == 1


def test_where_nothing_is_counted_it_says_how_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path))
    assert main(["stats"]) == 0
    assert "c.NextEdit.statistics" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_an_export_is_seen_before_it_is_written(
    counted: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = counted / "export.json"
    assert main(["stats", "--export", str(target)]) == 0
    preview = capsys.readouterr().out
    assert "inline.model.accepted" in preview
    assert not target.exists()
    assert main(["stats", "--export", str(target), "--yes"]) == 0
    assert json.loads(target.read_text())["counts"]["inline.model.accepted"] == 1
    target.unlink()
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    assert main(["stats", "--export", str(target), "--yes"]) == 1
    assert not target.exists()


def test_the_plot_is_drawn(counted: Path) -> None:
    assert main(["stats", "--plot", str(counted / "plot.png")]) == 0
    assert (counted / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_purging_deletes_the_counts(counted: Path) -> None:
    assert main(["stats", "--purge"]) == 0
    assert not list((counted / "statistics").iterdir())


def test_what_was_kept_is_shown_under_readable_names(
    counted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    statistics = Statistics(counted / "statistics")
    statistics.record("kept_30s", "inline", "model")
    statistics.record("typed_through", "inline", "model")
    statistics.close()
    assert main(["stats"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    for name in ("shown", "accepted", "partial", "rejected", "typed through", "kept 30 s"):
        assert name in header
    assert "kept 5 min" in header
    assert [row.split()[1:] for row in rows if row.startswith("inline")] == [
        ["2", "1", "0", "1", "1", "1", "0", "50%"]
    ]


@pytest.mark.parametrize("option", ["--plot", "--export"])
def test_a_file_that_cannot_be_written_is_said_so(
    counted: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stats", option, str(counted / "none" / "x.png"), "--yes"]) == 1
    assert "x.png cannot be" in capsys.readouterr().err


def test_a_plot_of_an_unknown_kind_says_which_there_are(
    counted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stats", "--plot", str(counted / "x.doc")]) == 1
    assert ".png, .svg or .pdf" in capsys.readouterr().err
