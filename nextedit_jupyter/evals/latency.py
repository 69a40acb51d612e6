"""The latencies that the product promises, measured as an editor would see them.

Everything about suggestions goes through a real worker, in a runtime folder of its own, so that
the user's worker is neither disturbed nor of help: a time is the client's round trip, from a
request's bytes, as the browser sends them, to the answer's. What the worker itself counted is given
beside it.
The kernel's part is timed in real kernels.

Requests follow each other without a pause, which a person never types: nothing is prefilled while
idle, so the times are on the safe side.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol, cast

from nextedit_jupyter import __version__
from nextedit_jupyter.core.errors import NextEditError, WorkerError
from nextedit_jupyter.core.facts import CellRun, KernelFacts, NamedObject
from nextedit_jupyter.core.history import EditEvent, EditHistory
from nextedit_jupyter.core.notebook import Caret, Cell, Notebook, text_hash
from nextedit_jupyter.core.request import SuggestRequest
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.core.wire import dump_line, encode_request
from nextedit_jupyter.evals.machine import machine, today, versions
from nextedit_jupyter.evals.notebooks import example_path, generated_notebook, read_notebook

# What must hold on two cores with the default bundle: the most that each may be.
PROMISES: Mapping[str, float] = {
    "warm_p50_ms": 15.0,
    "warm_p95_ms": 40.0,
    "cold512_p95_ms": 100.0,
    "symbols_200_warm_ms": 10.0,
    "symbols_200_cold_ms": 80.0,
    "ratio_1000_to_10_cells": 1.3,
    "worker_rss_mb": 400.0,
    "load_ext_ms": 30.0,
    "cell_overhead_ms": 2.0,
}
COLD_TOKENS = 512
# What the editor asks for with each keystroke, and once the typing rests.
KEYSTROKE: tuple[Kind, ...] = ("inline",)
REST: tuple[Kind, ...] = ("next_edit", "rename")


class Client(Protocol):
    """What measuring needs of `worker.client.WorkerClient`."""

    def exchange(self, body: bytes, timeout: float) -> Reply: ...
    def status(self) -> Mapping[str, Any]: ...


class Reply(Protocol):
    """An answer as it came from the worker."""

    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each are measured; `quick` is for trying that measuring works."""

    keys_per_cell: int = 120
    cold_cells: int = 30
    keys_per_size: int = 80
    renames_warm: int = 40
    renames_cold: int = 10
    kernels: int = 5
    cells_run: int = 200

    @classmethod
    def quick(cls) -> Counts:
        return cls(12, 3, 8, 4, 2, 1, 20)


@dataclass(slots=True)
class Series:
    """Milliseconds of like things: as the client saw them, and as the worker counted them."""

    round_trip: list[float] = field(default_factory=list)
    worker: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=dict)
    prompt_tokens: list[int] = field(default_factory=list)
    reused_tokens: list[int] = field(default_factory=list)
    generated_tokens: list[int] = field(default_factory=list)
    suggested: int = 0
    errors: int = 0

    def add(self, answer: Mapping[str, Any], milliseconds: float) -> None:
        if "error" in answer:
            self.errors += 1
            return
        self.round_trip.append(milliseconds)
        self.worker.append(float(answer["timing_ms"]["total"]))
        for part in ("queue", "analysis", "prefill", "decode"):
            self.parts.setdefault(part, []).append(float(answer["timing_ms"][part]))
        tokens = answer["tokens"]
        self.prompt_tokens.append(tokens["prompt"])
        self.reused_tokens.append(tokens["reused"])
        self.generated_tokens.append(tokens["generated"])
        self.suggested += bool(answer["suggestions"])

    def summary(self) -> dict[str, float | int | None]:
        """Counts and quantiles for people who want to know how a promise's number came about."""
        return {
            "n": len(self.round_trip),
            "errors": self.errors,
            "with_suggestion": self.suggested,
            "p50_ms": _rounded(quantile(self.round_trip, 0.5)),
            "p95_ms": _rounded(quantile(self.round_trip, 0.95)),
            "max_ms": _rounded(quantile(self.round_trip, 1.0)),
            "mean_ms": _rounded(fmean(self.round_trip) if self.round_trip else None),
            "worker_p50_ms": _rounded(quantile(self.worker, 0.5)),
            "worker_p95_ms": _rounded(quantile(self.worker, 0.95)),
            **{
                f"{part}_p50_ms": _rounded(quantile(times, 0.5))
                for part, times in self.parts.items()
            },
            "prompt_tokens_p50": quantile(self.prompt_tokens, 0.5),
            "reused_tokens_p50": quantile(self.reused_tokens, 0.5),
            "generated_tokens_p50": quantile(self.generated_tokens, 0.5),
        }


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that `share` of the values don't exceed; None without values."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def measure(
    client: Client, *, counts: Counts | None = None, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Everything, as one JSON object: the promises' numbers flat, what they came from beneath.

    A number that cannot be had is None (no model: nothing is generated; no ipykernel: no kernel),
    and `problems` says why. Raises WorkerError if there is no worker at all.
    """
    counts = counts or Counts()
    problems: list[str] = []
    found = machine()
    load, cores = found["load_1min"], found["cores"]
    if isinstance(load, float) and isinstance(cores, int) and load > cores / 2:
        problems.append(f"the machine is busy (load {load} on {cores} cores): times say little")
    say("starting the worker")
    started = time.perf_counter()
    ask_idle(client)
    start_ms = (time.perf_counter() - started) * 1000
    status = client.status()
    if status.get("problem"):
        problems.append(str(status["problem"]))
    has_model = bool(status.get("bundle"))

    say("typing in a notebook")
    warm, entering, resting = Series(), Series(), Series()
    for key, request in warm_requests(counts.keys_per_cell):
        ask(client, request, entering if key == 0 else warm)
        if key % 20 == 10:  # a rest now and then, with its own question
            ask(client, replace(request, want=REST), resting)
    cold = Series()
    if has_model:
        say(f"entering cells with {COLD_TOKENS} tokens of context")
        characters = characters_for_tokens(client, COLD_TOKENS)
        for seed in range(counts.cold_cells):
            ask(client, cold_request(characters, seed), cold)
    say("typing in 10 and in 1,000 cells")
    small, large = cells_10_and_1000(client, counts.keys_per_size)
    say("renaming over 200 cells")
    renames_warm, renames_cold = Series(), Series()
    for request in rename_requests_warm(counts.renames_warm):
        ask(client, request, renames_warm)
    for seed in range(counts.renames_cold):
        ask(
            client,
            rename_request(generated_notebook(200, 7_000 + seed, lines=4), "renamed"),
            renames_cold,
        )
    rss = client.status().get("rss_mb")

    say("running cells in kernels")
    kernel: dict[str, Any] = {}
    try:
        kernel = measure_kernel(counts.kernels, counts.cells_run)
    except NextEditError as error:
        problems.append(str(error))
    ratio = None
    if small.round_trip and large.round_trip:
        # Of the means: the same keys are typed in both. A key costs either next to nothing (typed
        # through) or a pass of the model, and the median, between the two, jumps from run to run.
        ratio = fmean(large.round_trip) / fmean(small.round_trip)
    numbers: dict[str, float | None] = {
        "warm_p50_ms": quantile(warm.round_trip, 0.5) if has_model else None,
        "warm_p95_ms": quantile(warm.round_trip, 0.95) if has_model else None,
        "cold512_p95_ms": quantile(cold.round_trip, 0.95),
        "symbols_200_warm_ms": quantile(renames_warm.round_trip[1:], 0.5),
        "symbols_200_cold_ms": quantile(renames_cold.round_trip, 0.5),
        "ratio_1000_to_10_cells": ratio,
        "worker_rss_mb": rss,
        "load_ext_ms": kernel.get("load_ext_ms"),
        "cell_overhead_ms": kernel.get("cell_overhead_ms"),
    }
    if not has_model:
        problems.append("without a model the keystrokes' promises are not measured")
    return {
        **{key: _rounded(value) for key, value in numbers.items()},
        "next_edit_p50_ms": _rounded(quantile(resting.round_trip, 0.5)) if has_model else None,
        "worker_start_ms": _rounded(start_ms),
        "promises": dict(PROMISES),
        "kept": {
            key: None if (value := numbers[key]) is None else value <= limit
            for key, limit in PROMISES.items()
        },
        "detail": {
            "warm": warm.summary(),
            "entering": entering.summary(),
            "resting": resting.summary(),
            "cold512": cold.summary(),
            "cells_10": small.summary(),
            "cells_1000": large.summary(),
            "symbols_200_warm": renames_warm.summary(),
            "symbols_200_cold": renames_cold.summary(),
            "kernel": kernel,
        },
        "problems": problems,
        "bundle": status.get("bundle"),
        "version": __version__,
        "machine": found,
        "packages": versions("onnxruntime", "tokenizers", "tree-sitter", "ipykernel"),
        "date": today(),
    }


def ask(client: Client, request: SuggestRequest, into: Series) -> Mapping[str, Any]:
    """One request through the worker, its time added to a series."""
    body = dump_line(cast(Mapping[str, Any], encode_request(request)))
    started = time.perf_counter()
    reply = client.exchange(body, 30.0)
    milliseconds = (time.perf_counter() - started) * 1000
    answer: dict[str, Any] = json.loads(reply.body)
    into.add(answer, milliseconds)
    return answer


def ask_idle(client: Client) -> Mapping[str, Any]:
    """A first small request, which starts the worker and loads the model; it may be slow."""
    cell = Cell("idle", "code", "x = 1\n")
    request = SuggestRequest(Notebook("python", (cell,)), Caret("idle", 6), id="idle")
    answer = ask(client, request, Series())
    if "error" in answer:
        raise WorkerError(f"the worker answers with an error: {answer['error'].get('message')}")
    return answer


def typing(
    notebook: Notebook,
    cell: str,
    keys: int,
    facts: KernelFacts | None = None,
    want: tuple[Kind, ...] = KEYSTROKE,
) -> Iterator[SuggestRequest]:
    """Typing a cell's text key by key, from empty, the other cells as they are.

    The history is kept as the editor keeps it: five keys a second, bursts merged.
    """
    place = notebook.index(cell)
    assert place is not None
    target = notebook.cells[place]
    history, text = EditHistory(), ""
    for key, char in enumerate(target.source[:keys]):
        before, text = text, text + char
        history.append(EditEvent(cell, before, text, "typed", key * 0.2))
        cells = list(notebook.cells)
        cells[place] = replace(target, source=text, execution_count=None)
        yield SuggestRequest(
            notebook=Notebook(notebook.language, tuple(cells)),
            caret=Caret(cell, len(text)),
            history=history.events,
            facts=facts or KernelFacts(),
            want=want,
            id=key,
        )


def warm_requests(keys_per_cell: int) -> Iterator[tuple[int, SuggestRequest]]:
    """Key and request of typing in three cells of the packaged examples."""
    for name, cells in (("tour", ["summary"]), ("store_sales", ["products", "bootstrap"])):
        notebook = read_notebook(example_path(name))
        for cell in cells:
            facts = plausible_facts(notebook)
            yield from enumerate(typing(notebook, cell, keys_per_cell, facts))


def plausible_facts(notebook: Notebook) -> KernelFacts:
    """Facts of the size that a kernel sends: two modules' members, a table's columns, the runs."""
    columns = ("date", "store", "product", "units", "price", "revenue", "month", "weekday")
    return KernelFacts(
        runs=tuple(
            CellRun(cell.id, text_hash(cell.source), count)
            for count, cell in enumerate(notebook.code_cells, 1)
        ),
        names=(
            NamedObject("np", "module", members=_members("np", 500), module="numpy"),
            NamedObject("pd", "module", members=_members("pd", 120), module="pandas"),
            NamedObject(
                "sales", "pandas.DataFrame", members=_members("df", 200), subscripts=columns
            ),
            NamedObject("top_days", "function", keywords=("table", "count")),
        ),
    )


def cold_request(characters: int, seed: int) -> SuggestRequest:
    """Entering, in mid-line, the last cell of a notebook that was never seen.

    The notebook has the fewest cells that together have `characters`.
    """
    cells = list(generated_notebook(64, 1_000 + seed, lines=4).cells)
    sizes = itertools.accumulate(len(cell.source) for cell in cells)
    enough = next((i for i, size in enumerate(sizes, 1) if size >= characters), len(cells))
    *above, last = cells[:enough]
    source = last.source[: max(1, len(last.source) * 2 // 3)]
    above.append(replace(last, source=source, execution_count=None))
    return SuggestRequest(
        notebook=Notebook("python", tuple(above)),
        caret=Caret(last.id, len(source)),
        want=KEYSTROKE,
        id=seed,
    )


def characters_for_tokens(client: Client, tokens: int) -> int:
    """How many characters of such notebooks make a prompt of `tokens`, by a sample of four."""
    characters = prompt = 0
    for seed in range(4):
        request = cold_request(1_500, 90_000 + seed)
        answer = ask(client, request, Series())
        if "error" not in answer:
            characters += sum(len(cell.source) for cell in request.notebook.cells)
            prompt += int(answer["tokens"]["prompt"])
    return tokens * characters // prompt if prompt else 4 * tokens


def cells_10_and_1000(client: Client, keys: int) -> tuple[Series, Series]:
    """The same keys typed at the end of 10 and of 1,000 cells, by turns against a noisy machine."""
    large = generated_notebook(1_000, 42, lines=6)
    # The same neighbourhood: what lies near the caret is what reaches the prompt.
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


def rename_requests_warm(count: int) -> Iterator[SuggestRequest]:
    """A name in the first of 200 cells retyped, key by key."""
    notebook = generated_notebook(200, 4_242, lines=4)
    for key in range(count):
        yield rename_request(notebook, "table_" + "abcdefghijklmnopqrstuvwxyz"[: 1 + key % 26])


def rename_request(notebook: Notebook, new: str) -> SuggestRequest:
    """The table that the first generated cell reads, renamed there."""
    first = notebook.cells[0]
    start = first.source.rindex("\n", 0, first.source.index(" = pd.read_csv")) + 1
    end = first.source.index(" = pd.read_csv")
    after = first.source[:start] + new + first.source[end:]
    return SuggestRequest(
        notebook=Notebook("python", (replace(first, source=after), *notebook.cells[1:])),
        caret=Caret(first.id, start + len(new)),
        history=(EditEvent(first.id, first.source, after, "typed", 0.0),),
        want=("rename",),
        id=new,
    )


# Runs in a kernel; prints one JSON object. `{cells}` is how many cells are run for each median.
_IN_KERNEL = """
import json, sys, time
shell = get_ipython()
before = set(sys.modules)
started = time.perf_counter()
shell.run_line_magic("load_ext", "nextedit_jupyter")
load = (time.perf_counter() - started) * 1000
heavy = sorted({{name.partition(".")[0] for name in set(sys.modules) - before}}
               & {{"onnxruntime", "numpy", "torch", "tornado", "tokenizers"}})
shell.run_line_magic("unload_ext", "nextedit_jupyter")
if {cells}:
    shell.run_cell({setup!r})
def cells(count):
    times = []
    for i in range(count):
        started = time.perf_counter()
        code = f"value = {{i}}\\ntotal_{{i % 50}} = value + 1"
        shell.run_cell(code, store_history=True, cell_id=f"cell-{{i % 50}}")
        times.append((time.perf_counter() - started) * 1000)
    return times
cells({cells} // 4)
without, having = [], []
for _ in range(4 if {cells} else 0):
    without += cells({cells} // 4)
    shell.run_line_magic("load_ext", "nextedit_jupyter")
    having += cells({cells} // 4)
    shell.run_line_magic("unload_ext", "nextedit_jupyter")
result = {{"load": load, "heavy": heavy, "without": without, "having": having}}
print("NEXTEDIT" + json.dumps(result))
"""
_SETUP = """
import math, json, re, collections
try:
    import numpy as np, pandas as pd
    for i in range(5):
        columns = {f"column_{j}": range(10) for j in range(20)}
        globals()[f"table_{i}"] = pd.DataFrame(columns)
except ImportError:
    pass
globals().update({f"name_{i}": i for i in range(200)})
def helper(first, second=2): return first
"""


def measure_kernel(kernels: int, cells: int) -> dict[str, Any]:
    """`%load_ext` in fresh kernels, and what the extension adds to a cell in one of them, in ms.

    The overhead is the difference of two medians over the same cells, with the extension and
    without, by turns. Raises NextEditError if no kernel starts.
    """
    loads: list[float] = []
    heavy: set[str] = set()
    overhead = p95 = None
    _run_in_kernel(_IN_KERNEL.format(cells=0, setup=_SETUP))  # not counted: bytecode may be missing
    for number in range(max(1, kernels)):
        last = number == kernels - 1
        result = _run_in_kernel(_IN_KERNEL.format(cells=cells if last else 0, setup=_SETUP))
        loads.append(result["load"])
        heavy.update(result["heavy"])
        if last:
            without, having = result["without"], result["having"]
            overhead = (quantile(having, 0.5) or 0.0) - (quantile(without, 0.5) or 0.0)
            p95 = (quantile(having, 0.95) or 0.0) - (quantile(without, 0.95) or 0.0)
    return {
        "load_ext_ms": _rounded(quantile(loads, 0.5)),
        "load_ext_all_ms": [_rounded(load) for load in loads],
        "load_ext_newly_loads": sorted(heavy),
        "cell_overhead_ms": _rounded(None if overhead is None else max(0.0, overhead)),
        "cell_overhead_p95_ms": _rounded(None if p95 is None else max(0.0, p95)),
        "cells": cells,
    }


def _run_in_kernel(code: str) -> dict[str, Any]:
    try:
        from jupyter_client.manager import start_new_kernel
    except ImportError:
        raise NextEditError("no kernel is timed: pip install ipykernel jupyter-client") from None
    with tempfile.TemporaryDirectory(prefix="nextedit-") as folder:
        env = {**os.environ, "IPYTHONDIR": folder}
        # An installed package has its bytecode; a source tree needs leave to write it.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        try:
            manager, client = start_new_kernel(
                kernel_name="python3", env=env, startup_timeout=60, stderr=subprocess.DEVNULL
            )
        except Exception as error:
            raise NextEditError(f"no kernel is timed: it does not start ({error})") from None
        printed: list[str] = []
        try:
            reply = client.execute_interactive(
                code,
                timeout=120,
                store_history=False,
                output_hook=lambda message: printed.append(message["content"].get("text", "")),
            )
        except TimeoutError:
            raise NextEditError("no kernel is timed: it does not answer") from None
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
        found = next(
            (line[8:] for line in "".join(printed).splitlines() if line.startswith("NEXTEDIT")),
            None,
        )
        if found is None:
            problem = reply["content"].get("evalue", "no output")
            raise NextEditError(f"no kernel is timed: {problem}")
        return cast(dict[str, Any], json.loads(found))


@contextlib.contextmanager
def private_runtime() -> Iterator[str]:
    """A folder for a worker of the measurement's own: short, since sockets' paths are bounded.

    A worker that is just leaving may still write there: it is removed until it is gone.
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


def default_report_path() -> Path:
    return Path(f"latency-{today()[:10]}.json")


def _members(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}_member_{i}" for i in range(count))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)
