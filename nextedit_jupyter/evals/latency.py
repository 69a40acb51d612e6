"""Measures the promised latencies as seen by an editor.

Everything about suggestions goes through a real worker, in a separate runtime folder, so that the
user's worker is neither disturbed nor used: a time is the client's round trip, from a request's
bytes, as the browser sends them, to the answer's. The worker's own times are reported as well. The
kernel's part is timed in real kernels.

Requests follow each other without the pauses of a real user: nothing is prefilled while idle, so
the times are upper bounds.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Protocol, cast

from nextedit_jupyter import __version__
from nextedit_jupyter.core.errors import NextEditError, WorkerError
from nextedit_jupyter.core.notebook import Caret, Cell, Notebook
from nextedit_jupyter.core.request import SuggestRequest
from nextedit_jupyter.core.wire import dump_line, encode_request
from nextedit_jupyter.evals.latency_kernel import measure_kernel
from nextedit_jupyter.evals.latency_requests import (
    REST,
    cold_request,
    edit_requests,
    rename_request,
    rename_requests_warm,
    typing,
    warm_requests,
)
from nextedit_jupyter.evals.latency_series import Series, quantile, rounded
from nextedit_jupyter.evals.machine import machine, today, versions
from nextedit_jupyter.evals.notebooks import generated_notebook

# Upper bounds on two otherwise idle cores.
PROMISES: Mapping[str, float] = {
    "symbols_200_warm_ms": 10.0,
    "symbols_200_cold_ms": 80.0,
    "ratio_1000_to_10_cells": 1.2,
    "load_ext_ms": 30.0,
    "cell_overhead_ms": 2.0,
}
# By the model's size. `cold512`: reading a new cell ahead when it is entered; `key_behind`: how
# long a key waits that is pressed meanwhile.
MODEL_PROMISES: Mapping[str, Mapping[str, float]] = {
    "small": {
        "warm_p50_ms": 8.0,
        "warm_p95_ms": 20.0,
        "cold512_p95_ms": 100.0,
        "key_behind_p95_ms": 50.0,
        "worker_rss_mb": 300.0,
    },
    "large": {
        "warm_p50_ms": 25.0,
        "warm_p95_ms": 80.0,
        "cold512_p95_ms": 300.0,
        "key_behind_p95_ms": 50.0,
        "worker_rss_mb": 450.0,
    },
}
# The same while two other processes compute without pause.
BUSY_PROMISES: Mapping[str, Mapping[str, float]] = {
    "small": {"warm_p50_ms": 20.0, "warm_p95_ms": 60.0},
    "large": {"warm_p50_ms": 60.0, "warm_p95_ms": 150.0},
}
# Lower bounds.
MINIMA: Mapping[str, float] = {"typing_tokens_a_pass": 2.0, "edit_tokens_a_pass": 3.0}
LARGE_PARAMETERS = 60_000_000  # a model with more is a large one
COLD_TOKENS = 512


class Client(Protocol):
    """The part of `worker.client.WorkerClient` that is needed here."""

    def exchange(self, body: bytes, timeout: float) -> WorkerReply: ...
    def status(self) -> Mapping[str, Any]: ...


class WorkerReply(Protocol):
    """An answer as received from the worker."""

    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of measurements; `quick` is for testing the measurement itself."""

    keys_per_cell: int = 120
    cold_cells: int = 30
    edits: int = 20
    keys_per_size: int = 80
    renames_warm: int = 40
    renames_cold: int = 10
    kernels: int = 5
    cells_run: int = 200

    @classmethod
    def quick(cls) -> Counts:
        return cls(12, 3, 2, 8, 4, 2, 1, 20)


def measure_model(
    client: Client,
    size: str,
    *,
    counts: Counts | None = None,
    busy: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure one model through its worker: keystrokes, cold cells, tokens per pass, memory.

    `size` is small or large and determines the promises; with `busy` they are those beside
    computing processes, and only keystrokes are measured. A number that is not available is None.
    Raises WorkerError if there is no worker at all.
    """
    counts = counts or Counts()
    started = time.perf_counter()
    ask_idle(client)
    start_ms = (time.perf_counter() - started) * 1000
    status = client.status()
    memory = [status.get("rss_mb")]
    say("typing in a notebook")
    warm, entering, resting = _typing(client, counts.keys_per_cell)
    cold, behind, edits = Series(), Series(), Series()
    if not busy:
        say(f"entering cells with {COLD_TOKENS} tokens of context")
        characters = characters_for_tokens(client, COLD_TOKENS)
        for seed in range(counts.cold_cells):
            enter_cold(client, cold_request(characters, seed), cold)
            key_while_reading(client, cold_request(characters, 50_000 + seed), behind)
        say("changing a line and asking what is next")
        for request in edit_requests(counts.edits):
            ask(client, request, edits)
        memory.append(client.status().get("rss_mb"))
        time.sleep(1.0)
    memory.append(client.status().get("rss_mb"))
    series = {"warm": warm, "entering": entering, "resting": resting}
    series |= {} if busy else {"cold512": cold, "key_behind": behind, "edits": edits}
    numbers: dict[str, float | None] = {
        "warm_p50_ms": quantile(warm.round_trip, 0.5),
        "warm_p95_ms": quantile(warm.round_trip, 0.95),
        "cold512_p95_ms": quantile(cold.round_trip, 0.95),
        "key_behind_p95_ms": quantile(behind.parts.get("queue", ()), 0.95),
        "worker_rss_mb": max((mb for mb in memory if mb is not None), default=None),
    }
    reached: dict[str, float | None] = {
        "typing_tokens_a_pass": warm.tokens_a_pass,
        # A single token means that there is no edit: only longer answers show the effect of drafts.
        "edit_tokens_a_pass": edits.tokens_a_pass_of(more_than=1),
    }
    return {
        "bundle": status.get("bundle"),
        "size": size,
        **{key: rounded(value) for key, value in (numbers | reached).items()},
        "memory_mb": dict(zip(("before", "under", "after"), memory, strict=False)),
        "worker_start_ms": rounded(start_ms),
        **_promised(size, numbers, reached, busy=busy),
        "detail": {name: one.summary() for name, one in series.items()},
        "problem": status.get("problem"),
    }


def _typing(client: Client, keys_per_cell: int) -> tuple[Series, Series, Series]:
    """Keys within a cell, first keys in a cell, and pauses."""
    warm, entering, resting = Series(), Series(), Series()
    for key, request in warm_requests(keys_per_cell):
        ask(client, request, entering if key == 0 else warm)
        if key % 20 == 10:  # a pause now and then, with its own request
            ask(client, replace(request, want=REST), resting)
    return warm, entering, resting


def _promised(
    size: str,
    numbers: Mapping[str, float | None],
    reached: Mapping[str, float | None],
    *,
    busy: bool,
) -> dict[str, Any]:
    """The promises for a model of this size, and which of them were kept."""
    upper = (BUSY_PROMISES if busy else MODEL_PROMISES)[size]
    lower = {} if busy else MINIMA
    kept = {key: _within(numbers[key], bound) for key, bound in upper.items()}
    for key, bound in lower.items():
        value = reached[key]
        kept[key] = None if value is None else bool(value >= bound)
    return {"promises": {**upper, **lower}, "kept": kept}


def measure_cells(
    client: Client, *, counts: Counts | None = None, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Measure what does not depend on the model: many cells, renames, and the cost in a kernel."""
    counts = counts or Counts()
    problems: list[str] = []
    ask_idle(client)
    say("typing in 10 and in 1,000 cells")
    small, large = cells_10_and_1000(client, counts.keys_per_size)
    say("renaming over 200 cells")
    renames_warm, renames_cold = Series(), Series()
    for request in rename_requests_warm(counts.renames_warm):
        ask(client, request, renames_warm)
    for seed in range(counts.renames_cold):
        notebook = generated_notebook(200, 7_000 + seed, lines=4)
        ask(client, rename_request(notebook, "renamed"), renames_cold)
    say("running cells in kernels")
    kernel: dict[str, Any] = {}
    try:
        kernel = measure_kernel(counts.kernels, counts.cells_run)
    except NextEditError as error:
        problems.append(str(error))
    ratio = None
    if small.round_trip and large.round_trip:
        # The ratio of means, for the same keys. A key costs either almost nothing (typed along) or
        # a pass of the model, and the median, between the two, varies from run to run.
        ratio = fmean(large.round_trip) / fmean(small.round_trip)
    numbers: dict[str, float | None] = {
        "symbols_200_warm_ms": quantile(renames_warm.round_trip[1:], 0.5),
        "symbols_200_cold_ms": quantile(renames_cold.round_trip, 0.5),
        "ratio_1000_to_10_cells": ratio,
        "load_ext_ms": kernel.get("load_ext_ms"),
        "cell_overhead_ms": kernel.get("cell_overhead_ms"),
    }
    return {
        **{key: rounded(value) for key, value in numbers.items()},
        "promises": dict(PROMISES),
        "kept": {key: _within(numbers[key], limit) for key, limit in PROMISES.items()},
        "detail": {
            "cells_10": small.summary(),
            "cells_1000": large.summary(),
            "symbols_200_warm": renames_warm.summary(),
            "symbols_200_cold": renames_cold.summary(),
            "kernel": kernel,
        },
        "problems": problems,
    }


def where() -> dict[str, Any]:
    """The machine, date and load of a measurement."""
    found = machine()
    load, cores = found["load_1min"], found["cores"]
    problems = []
    if isinstance(load, float) and isinstance(cores, int) and load > cores / 2:
        problems.append(f"the machine is busy (load {load} on {cores} cores): times say little")
    return {
        "problems": problems,
        "version": __version__,
        "machine": found,
        "packages": versions("onnxruntime", "tokenizers", "tree-sitter", "ipykernel"),
        "date": today(),
    }


def _within(value: float | None, limit: float) -> bool | None:
    return None if value is None else value <= limit


def ask(client: Client, request: SuggestRequest, into: Series) -> Mapping[str, Any]:
    """Send a request through the worker, and add its time to a series."""
    body = dump_line(cast(Mapping[str, Any], encode_request(request)))
    started = time.perf_counter()
    reply = client.exchange(body, 30.0)
    milliseconds = (time.perf_counter() - started) * 1000
    answer: dict[str, Any] = json.loads(reply.body)
    into.add(answer, milliseconds)
    return answer


def ask_idle(client: Client) -> Mapping[str, Any]:
    """Send a first small request, which starts the worker and loads the model; it may be slow."""
    cell = Cell("idle", "code", "x = 1\n")
    request = SuggestRequest(Notebook("python", (cell,)), Caret("idle", 6), id="idle")
    answer = ask(client, request, Series())
    if "error" in answer:
        raise WorkerError(f"the worker answers with an error: {answer['error'].get('message')}")
    return answer


def enter_cold(client: Client, request: SuggestRequest, into: Series) -> None:
    """Enter a cell as the editor does; a key there shows how much had been read."""
    body = dump_line(cast(Mapping[str, Any], encode_request(replace(request, want=()))))
    started = time.perf_counter()
    client.exchange(body, 30.0)
    milliseconds = (time.perf_counter() - started) * 1000
    key = json.loads(
        client.exchange(dump_line(cast(Mapping[str, Any], encode_request(request))), 30.0).body
    )
    into.add(key, milliseconds)


def key_while_reading(client: Client, request: SuggestRequest, into: Series) -> None:
    """Press a key just after a cell was entered, while it is being read."""
    body = dump_line(cast(Mapping[str, Any], encode_request(replace(request, want=()))))
    reading = threading.Thread(target=client.exchange, args=(body, 30.0))
    reading.start()
    time.sleep(0.01)
    ask(client, request, into)
    reading.join()


def characters_for_tokens(client: Client, tokens: int) -> int:
    """How many characters of such notebooks make a prompt of `tokens`, estimated from a sample of
    four."""
    characters = prompt = 0
    for seed in range(4):
        request = cold_request(1_500, 90_000 + seed)
        answer = ask(client, request, Series())
        if "error" not in answer:
            characters += sum(len(cell.source) for cell in request.notebook.cells)
            prompt += int(answer["tokens"]["prompt"])
    return tokens * characters // prompt if prompt else 4 * tokens


def cells_10_and_1000(client: Client, keys: int) -> tuple[Series, Series]:
    """The same keys typed at the end of 10 and of 1,000 cells, alternating because the machine may
    be noisy."""
    large = generated_notebook(1_000, 42, lines=6)
    # The same surroundings: only what is near the caret gets into the prompt.
    small = Notebook("python", large.cells[-10:])
    target = large.cells[-1].id
    series = (Series(), Series())
    requests = zip(typing(small, target, keys), typing(large, target, keys), strict=True)
    for notebook in (small, large):  # as the editor does when a cell is entered
        entered = next(typing(notebook, target, 1))
        ask(client, replace(entered, want=()), Series())
    for key, pair in enumerate(requests):
        for request, into in zip(pair, series, strict=True):
            ask(client, request, Series() if key == 0 else into)
    return series


@contextlib.contextmanager
def private_runtime() -> Iterator[str]:
    """A runtime folder for a separate worker, with a short path because of the limit for sockets.

    A worker that is exiting may still write there, so removal is repeated until it is gone.
    """
    folder = tempfile.mkdtemp(prefix="nx-")
    try:
        yield folder
    finally:
        gone = 0
        for _ in range(100):
            shutil.rmtree(folder, ignore_errors=True)
            gone = 0 if os.path.exists(folder) else gone + 1
            if gone == 3:
                break
            time.sleep(0.05)
