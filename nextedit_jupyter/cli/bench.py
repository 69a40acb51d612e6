"""`bench`: the latencies that are promised, measured through a real worker on this machine."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nextedit_jupyter.cli.paint import COLOURS, Paint, table, tolerate_any_encoding

_DESCRIPTION = """\
Measures what the product promises and compares: keystrokes warm and cold, 1,000 cells against 10,
renames over 200 cells, memory, `%load_ext`, and what a kernel's cell costs more. Suggestions go
through a worker of the measurement's own, so yours is left alone; it takes about a minute. Exit
code 1 if a promise is not kept here (they are made for two cores that do nothing else)."""
_EPILOG = """\
warm       typing, key by key, in an example notebook; the client's round trip
resting    next edits and renames, which the editor asks for once the typing rests
cold       entering a cell whose 512 tokens of context were never seen
ratio      mean keystroke in 1,000 cells over the one in 10 cells

`bench propagation` compares renames over cells with other tools'."""

_LABELS = {
    "warm_p50_ms": ("keystroke, warm, median", "ms"),
    "warm_p95_ms": ("keystroke, warm, p95", "ms"),
    "cold512_p95_ms": ("cold cell, 512 tokens, p95", "ms"),
    "symbols_200_warm_ms": ("rename over 200 cells, warm", "ms"),
    "symbols_200_cold_ms": ("rename over 200 cells, cold", "ms"),
    "ratio_1000_to_10_cells": ("1,000 cells against 10", "times"),
    "worker_rss_mb": ("worker's memory", "MB"),
    "load_ext_ms": ("%load_ext nextedit_jupyter", "ms"),
    "cell_overhead_ms": ("added to a kernel's cell", "ms"),
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "bench",
        help="measure the latencies that are promised",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what",
        nargs="?",
        default="latency",
        choices=("latency", "propagation"),
        help="latency (default) or propagation",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--output", "-o", type=Path, metavar="FILE", help="write the JSON there")
    parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="the model to measure")
    parser.add_argument("--quick", action="store_true", help="a few of each, to see that it works")
    parser.add_argument("--color", choices=COLOURS, default="auto", help="colours (auto)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    tolerate_any_encoding()
    if arguments.what == "propagation":
        return _propagation(arguments)
    from nextedit_jupyter.evals import latency

    counts = latency.Counts.quick() if arguments.quick else latency.Counts()
    with _worker(arguments.bundle) as client:
        report = latency.measure(client, counts=counts, say=_say)
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps(report))
    else:
        _print(report, Paint(sys.stdout, arguments.color))
    broken = [key for key, kept in report["kept"].items() if kept is False]
    return 1 if broken and not arguments.quick else 0


@contextlib.contextmanager
def _worker(bundle: Path | None) -> Iterator[Any]:
    """A client of a worker in a folder of its own, which leaves afterwards."""
    from nextedit_jupyter.core.errors import WorkerError
    from nextedit_jupyter.evals.latency import private_runtime
    from nextedit_jupyter.worker.client import WorkerClient, WorkerSettings

    with private_runtime() as folder:
        os.chmod(folder, 0o700)
        settings = WorkerSettings(
            runtime_dir=Path(folder), bundle=str(bundle) if bundle else None, idle_seconds=120.0
        )
        with WorkerClient("bench", settings) as client:
            try:
                yield client
            finally:
                with contextlib.suppress(WorkerError):
                    client.stop_worker()


def _print(report: Mapping[str, Any], paint: Paint) -> None:
    machine = report["machine"]
    print(
        f"nextedit-jupyter {report['version']} · {report['bundle'] or 'no model'} · "
        f"{machine['cpu']}, {machine['cores']} cores · {report['date']}"
    )
    rows = []
    for key, (label, unit) in _LABELS.items():
        value, kept = report[key], report["kept"][key]
        rows.append(
            (
                label,
                "-" if value is None else f"{value:.1f} {unit}",
                f"{report['promises'][key]:g} {unit}",
                {True: "kept", False: "NOT KEPT", None: "not measured"}[kept],
            )
        )
    text = table(("", "measured", "promised", ""), rows)
    print("\n" + text.replace("NOT KEPT", paint("red", "NOT KEPT")))
    print()
    rows = [
        (
            name,
            str(series["n"]),
            *(_number(series[f"{quantile}_ms"]) for quantile in ("p50", "p95", "max")),
            *(_number(series[f"worker_{quantile}_ms"]) for quantile in ("p50", "p95")),
            _number(series["prompt_tokens_p50"]),
            _number(series["reused_tokens_p50"]),
            str(series["with_suggestion"]),
        )
        for name, series in report["detail"].items()
        if name != "kernel"
    ]
    print(
        table(
            ("ms", "n", "p50", "p95", "max", "worker p50", "p95", "tokens", "reused", "suggested"),
            rows,
        )
    )
    for problem in report["problems"]:
        print(paint("yellow", f"note: {problem}"))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)


def _propagation(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter import __version__
    from nextedit_jupyter.evals.machine import machine, today

    module = importlib.import_module("nextedit_jupyter.evals.bench_propagation")
    _say("renaming and repeating edits over 10 to 1,000 cells, beside other tools")
    report = {
        **module.measure(quick=arguments.quick),
        "version": __version__,
        "machine": machine(),
        "date": today(),
    }
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report) if arguments.json else module.format_report(report))
    return 0


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)
