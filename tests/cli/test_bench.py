"""`jupyter nextedit bench`: what it prints, what it writes, how it ends."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nextedit_jupyter.cli import bench, main
from nextedit_jupyter.evals import latency


def report(**numbers: float | None) -> dict[str, Any]:
    """A report in which every promise is just kept, but for `numbers`."""
    values: dict[str, float | None] = {**latency.PROMISES, **numbers}
    series = latency.Series()
    return {
        **values,
        "promises": dict(latency.PROMISES),
        "kept": {
            key: None if value is None else value <= latency.PROMISES[key]
            for key, value in values.items()
        },
        "detail": {"warm": series.summary(), "kernel": {}},
        "problems": ["the machine was busy"],
        "bundle": "nextedit-python/0.0.1",
        "version": "0.1.0",
        "machine": {"cpu": "a processor", "cores": 2},
        "date": "2026-01-01T00:00:00Z",
    }


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The report that measuring gives; tests change it in place."""
    result = report()

    @contextlib.contextmanager
    def worker(bundle: Path | None) -> Iterator[object]:
        yield object()

    monkeypatch.setattr(bench, "_worker", worker)
    monkeypatch.setattr(latency, "measure", lambda client, counts, say: result)
    return result


def test_kept_promises_end_with_0_and_a_table(
    measured: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench"]) == 0
    said = capsys.readouterr().out
    assert "a processor, 2 cores" in said
    assert "keystroke, warm, median" in said
    assert said.count(" kept") == len(latency.PROMISES)
    assert "the machine was busy" in said


def test_a_broken_promise_ends_with_1_and_one_that_was_not_measured_does_not(
    measured: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    measured.update(report(warm_p50_ms=None))
    assert main(["bench"]) == 0
    assert "not measured" in capsys.readouterr().out
    measured.update(report(warm_p50_ms=99.0))
    assert main(["bench"]) == 1
    assert "NOT KEPT" in capsys.readouterr().out


def test_json_is_one_object_alone_on_stdout_and_the_same_in_the_file(
    measured: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--json", "-o", str(tmp_path / "report.json")]) == 0
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert json.loads(said) == json.loads((tmp_path / "report.json").read_text()) == measured


def test_the_bench_of_propagation_says_on_which_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from nextedit_jupyter.evals import bench_propagation

    monkeypatch.setattr(bench_propagation, "measure", lambda quick: {"sizes": {"quick": quick}})
    monkeypatch.setattr(bench_propagation, "format_report", lambda report: "a table")
    assert main(["bench", "propagation", "--quick", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["sizes"] == {"quick": True}
    assert report["machine"]["cores"] >= 1
    assert report["date"]
    assert main(["bench", "propagation"]) == 0
    assert capsys.readouterr().out == "a table\n"
