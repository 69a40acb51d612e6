"""What is measured, and how it is summed up; how fast the machine is decides no test."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import psutil
import pytest

from nextedit_jupyter.core.wire import decode_request, encode_request
from nextedit_jupyter.evals import latency, latency_kernel, latency_requests, latency_series
from nextedit_jupyter.evals.busy import busy_processes
from nextedit_jupyter.evals.notebooks import generated_notebook
from nextedit_jupyter.worker.client import Reply


class FakeClient:
    """Answers every request as a worker would, with as many tokens as the notebook has words."""

    def __init__(self, bundle: str | None = "nextedit-python/0.0.1") -> None:
        self.bundle = bundle
        self.requests: list[Any] = []

    def exchange(self, body: bytes, timeout: float) -> Reply:
        request = json.loads(body)
        self.requests.append(decode_request(request))
        words = sum(len(cell["source"].split()) for cell in request["notebook"]["cells"])
        answer = {
            "id": request["id"],
            "bundle": self.bundle,
            "suggestions": [],
            "silence": {"inline": "low_confidence"},
            "timing_ms": {"total": 1.0, "queue": 0, "analysis": 0, "prefill": 0, "decode": 0},
            "tokens": {"prompt": words, "reused": 0, "generated": 3, "drafted": 0, "accepted": 0},
        }
        return Reply({"outcome": "silent"}, json.dumps(answer).encode())

    def status(self) -> Mapping[str, Any]:
        return {"pid": 1, "bundle": self.bundle, "rss_mb": 123.0, "problem": None}


@pytest.fixture
def _no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        latency,
        "measure_kernel",
        lambda kernels, cells: {"load_ext_ms": 12.0, "cell_overhead_ms": 0.5},
    )


QUICK = latency.Counts.quick()


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_model_is_held_to_what_is_promised_of_its_size(size: str) -> None:
    report = latency.measure_model(FakeClient(), size, counts=QUICK)
    promised = latency.MODEL_PROMISES[size]
    assert report["promises"] == {**promised, **latency.MINIMA}
    for key in promised:
        assert isinstance(report[key], float), key
        assert report["kept"][key] == (report[key] <= promised[key])
    assert report["worker_rss_mb"] == 123.0
    assert set(report["memory_mb"]) == {"before", "under", "after"}
    assert report["detail"]["warm"]["n"] == 3 * (QUICK.keys_per_cell - 1)
    assert 480 <= report["detail"]["cold512"]["prompt_tokens_p50"] <= 600
    json.dumps(report, allow_nan=False)


def test_beside_busy_processes_keystrokes_alone_are_measured_and_promised() -> None:
    client = FakeClient()
    report = latency.measure_model(client, "large", counts=QUICK, busy=True)
    assert report["promises"] == latency.BUSY_PROMISES["large"]
    assert set(report["detail"]) == {"warm", "entering", "resting"}
    assert all(request.want for request in client.requests)


def test_a_cell_entered_cold_is_read_ahead_and_a_key_is_pressed_while_another_is() -> None:
    client = FakeClient()
    latency.measure_model(client, "small", counts=QUICK)
    read_ahead = [request for request in client.requests if not request.want]
    assert len(read_ahead) == 2 * QUICK.cold_cells
    keys = {request.notebook for request in client.requests if request.want == ("inline",)}
    assert {request.notebook for request in read_ahead} <= keys


def test_a_pass_gives_its_own_token_and_the_drafts_that_it_agrees_with() -> None:
    series = latency_series.Series()
    timing = {"total": 1.0, "queue": 0, "analysis": 0, "prefill": 0, "decode": 0}
    for generated, accepted in ((8, 6), (4, 0), (0, 0)):
        tokens = {"prompt": 9, "reused": 0, "generated": generated, "accepted": accepted}
        series.add({"timing_ms": timing, "tokens": tokens, "suggestions": []}, 1.0)
    assert series.tokens_a_pass == 12 / 6
    assert series.tokens_a_pass_of(more_than=4) == 8 / 2
    assert series.tokens_a_pass_of(more_than=8) is None
    assert latency_series.Series().tokens_a_pass is None


@pytest.mark.usefixtures("_no_kernel")
def test_cells_renames_and_kernels_are_measured_once_whatever_the_model() -> None:
    report = latency.measure_cells(FakeClient(bundle=None), counts=QUICK)
    assert set(report["kept"]) == set(latency.PROMISES)
    for key in latency.PROMISES:
        assert isinstance(report[key], float), key
    json.dumps(report, allow_nan=False)


def test_where_it_was_measured_is_told_with_the_load() -> None:
    told = latency.where()
    assert told["machine"]["cpu"]
    assert told["machine"]["cores"] >= 1
    assert "load_1min" in told["machine"]
    assert told["date"].endswith("Z")


def test_busy_processes_compute_and_are_gone_afterwards() -> None:
    with busy_processes(2, settle=0.0) as children:
        found = [psutil.Process(child) for child in children]
        assert all(process.is_running() for process in found)
        for process in found:
            before = process.cpu_times().user
            deadline = time.monotonic() + 30
            while process.cpu_times().user <= before + 0.05 and time.monotonic() < deadline:
                time.sleep(0.02)
            assert process.cpu_times().user > before
    assert not any(process.is_running() for process in found)


def test_an_edit_that_is_asked_about_is_the_last_one_and_its_cell_says_so() -> None:
    for request in latency_requests.edit_requests(8):
        assert request.want == ("next_edit",)
        (event,) = request.history
        assert event.before != event.after == request.cell.source
        assert decode_request(dict(encode_request(request))) == request


def test_typing_sends_each_prefix_of_the_cell_with_its_history() -> None:
    notebook = generated_notebook(3, 1)
    cell = notebook.cells[1]
    requests = list(latency_requests.typing(notebook, cell.id, 10))
    assert [r.cell.source for r in requests] == [cell.source[: i + 1] for i in range(10)]
    assert all(r.notebook.cells[2] == notebook.cells[2] for r in requests)
    assert all(r.caret.offset == len(r.cell.source) for r in requests)
    assert [(e.before, e.after) for e in requests[-1].history] == [("", cell.source[:10])]


def test_both_sizes_see_the_same_neighbours_and_keys() -> None:
    client = FakeClient()
    latency.cells_10_and_1000(client, 3)
    small, large = client.requests[::2], client.requests[1::2]
    assert {len(r.notebook.cells) for r in small} == {10}
    assert {len(r.notebook.cells) for r in large} == {1_000}
    for one, other in zip(small, large, strict=True):
        assert one.notebook.cells == other.notebook.cells[-10:]
        assert one.caret == other.caret


def test_a_cold_cell_shares_no_line_with_another_but_the_imports() -> None:
    def lines(seed: int) -> set[str]:
        request = latency_requests.cold_request(1_500, seed)
        return {line for c in request.notebook.cells for line in c.source.split("\n") if line}

    assert lines(1) & lines(2) <= {"import numpy as np", "import pandas as pd"}


def test_the_rename_that_is_measured_is_one() -> None:
    notebook = generated_notebook(200, 7, lines=4)
    request = latency_requests.rename_request(notebook, "table")
    old = notebook.cells[0].source.split(" = ")[0].rpartition("\n")[2]
    assert old.isidentifier()
    assert "table = pd.read_csv(" in request.cell.source
    assert any(old in cell.source for cell in request.notebook.cells[1:])
    assert decode_request(dict(encode_request(request))).history[0].before.count(old) == 1


def test_generated_notebooks_parse_and_repeat_by_seed() -> None:
    import ast

    notebook = generated_notebook(50, 3)
    for cell in notebook.cells:
        ast.parse(cell.source)
    assert notebook == generated_notebook(50, 3)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([3.0, 1.0, 2.0], 0.5, 2.0), ([1.0, 2.0], 0.5, 1.0), ([5.0], 0.95, 5.0)],
)
def test_a_quantile_is_a_value_that_was_measured(
    values: list[float], share: float, expected: float | None
) -> None:
    assert latency_series.quantile(values, share) == expected


def test_an_error_answer_is_counted_and_not_timed() -> None:
    series = latency_series.Series()
    series.add({"id": 1, "error": {"code": "x", "message": "y"}}, 5.0)
    assert series.summary()["errors"] == 1
    assert series.summary()["p50_ms"] is None


def test_a_kernel_is_timed_and_the_extension_loads_nothing_heavy_in_it() -> None:
    measured = latency_kernel.measure_kernel(1, 8)
    assert measured["load_ext_ms"] > 0
    assert measured["load_ext_newly_loads"] == []
    assert measured["cell_overhead_ms"] is not None
