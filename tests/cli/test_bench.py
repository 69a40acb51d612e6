"""`jupyter nextedit bench`: what it prints, what it writes, how it ends."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nextedit_jupyter.cli import bench, main
from nextedit_jupyter.evals import latency, latency_series


def model(size: str, *, busy: bool = False, **numbers: float | None) -> dict[str, Any]:
    """A model's report in which every promise is just kept, but for `numbers`."""
    promises = dict((latency.BUSY_PROMISES if busy else latency.MODEL_PROMISES)[size])
    kept: dict[str, bool | None] = {
        key: None if (value := numbers.get(key, limit)) is None else value <= limit
        for key, limit in promises.items()
    }
    if not busy:
        promises |= latency.MINIMA
        kept |= dict.fromkeys(latency.MINIMA, True)
    return {
        "bundle": f"a-{size}-model/0.0.1",
        "size": size,
        **promises,
        **numbers,
        "promises": promises,
        "kept": kept,
        "memory_mb": {"before": 100.0, "under": 200.0, "after": 150.0},
        "detail": {"warm": latency_series.Series().summary()},
        "problem": None,
    }


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> dict[str, float | None]:
    """What keystrokes take in place of what is promised; tests change it."""
    changed: dict[str, float | None] = {}
    cells = {
        **latency.PROMISES,
        "promises": dict(latency.PROMISES),
        "kept": dict.fromkeys(latency.PROMISES, True),
        "detail": {"kernel": {}},
        "problems": ["no kernel is timed"],
    }

    @contextlib.contextmanager
    def worker(bundle: Path | None) -> Iterator[object]:
        yield object()

    @contextlib.contextmanager
    def busy(count: int) -> Iterator[list[int]]:
        yield [1] * count

    def measure(client: object, size: str, **options: Any) -> dict[str, Any]:
        return model(size, busy=options.get("busy", False), **changed)

    where = {**latency.where(), "problems": ["the machine is busy"]}
    where["machine"] = {"cpu": "a processor", "cores": 2, "load_1min": 0.1}
    monkeypatch.setattr(bench, "_worker", worker)
    monkeypatch.setattr(
        bench, "_bundles", lambda named: [(Path("large"), "large"), (Path("small"), "small")]
    )
    monkeypatch.setattr(latency, "measure_model", measure)
    monkeypatch.setattr(latency, "measure_cells", lambda *_, **__: copy.deepcopy(cells))
    monkeypatch.setattr(latency, "where", lambda: copy.deepcopy(where))
    monkeypatch.setattr("nextedit_jupyter.evals.busy.busy_processes", busy)
    return changed


@pytest.mark.usefixtures("numbers")
def test_both_models_have_a_table_and_kept_promises_end_with_0(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench"]) == 0
    said = capsys.readouterr().out
    assert "a processor, 2 cores, load 0.1" in said
    assert said.count("keystroke, median") == 2
    assert "a-large-model" in said
    assert "a-small-model" in said
    assert "100 before, 200 under, 150 after" in said
    promises = latency.MODEL_PROMISES["small"].keys() | latency.MINIMA.keys()
    assert said.count(" kept") == 2 * len(promises) + len(latency.PROMISES)
    assert "the machine is busy" in said
    assert "no kernel is timed" in said


@pytest.mark.usefixtures("numbers")
def test_busy_adds_a_table_of_each_model_beside_processes_that_compute(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "--busy"]) == 0
    said = capsys.readouterr().out
    assert said.count("keystroke, median") == 4
    assert said.count("beside 2 busy processes") == 2


def test_a_broken_promise_ends_with_1_and_one_that_was_not_measured_does_not(
    numbers: dict[str, float | None], capsys: pytest.CaptureFixture[str]
) -> None:
    numbers["warm_p50_ms"] = None
    assert main(["bench"]) == 0
    assert "not measured" in capsys.readouterr().out
    numbers["warm_p50_ms"] = 99.0
    assert main(["bench"]) == 1
    assert "NOT KEPT" in capsys.readouterr().out


@pytest.mark.usefixtures("numbers")
def test_json_is_one_object_alone_on_stdout_and_the_same_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--busy", "--json", "-o", str(tmp_path / "report.json")]) == 0
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    report = json.loads(said)
    assert report == json.loads((tmp_path / "report.json").read_text())
    assert [found["size"] for found in report["models"]] == ["large", "small"]
    assert [found["size"] for found in report["busy"]] == ["large", "small"]


def test_a_named_model_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--bundle", str(tmp_path / "missing")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "there is no bundle at" in said.err


def test_a_model_is_large_by_its_parameters(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"parameters": 115_000_000}))
    assert bench._size(tmp_path) == "large"
    (tmp_path / "manifest.json").write_text(json.dumps({"parameters": 15_000_000}))
    assert bench._size(tmp_path) == "small"
    assert bench._size(tmp_path / "missing") == "small"


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
