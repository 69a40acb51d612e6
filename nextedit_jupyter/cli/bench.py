"""`bench`: measures the promised latencies through a real worker on this machine."""

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
Measures latency and memory and compares them with the targets, for each installed model:
keystrokes, entering a cell not seen before, tokens per pass with drafts, memory; then 1,000 cells
compared with 10, renames over 200 cells, `%load_ext`, and the time added to a kernel's cell.
Suggestions come from a separate worker, so yours is left alone; it takes about two minutes.
Exit code 1 if a target is missed here (the targets are for two otherwise idle cores)."""
_EPILOG = """\
warm        typing, key by key, in an example notebook; the client's round trip
resting     next edits and renames, which the editor requests after a pause in typing
cold512     a cell whose 512 tokens of context were not seen before, read ahead of a key
key_behind  a key pressed while such a cell is read: `queue` is how long it waits for its turn
edits       a name changed in one place: what the model writes as the next edit

--busy adds keystrokes while two other processes keep both cores busy.
`bench propagation` compares renames over cells with those of other tools."""

_LABELS = {
    "warm_p50_ms": ("keystroke, median", "ms"),
    "warm_p95_ms": ("keystroke, p95", "ms"),
    "cold512_p95_ms": ("cell not seen before, 512 tokens, p95", "ms"),
    "key_behind_p95_ms": ("a key's wait while a cell is read, p95", "ms"),
    "typing_tokens_a_pass": ("tokens per pass, typing", ""),
    "edit_tokens_a_pass": ("tokens per pass, next edits", ""),
    "worker_rss_mb": ("worker's memory, largest", "MB"),
    "symbols_200_warm_ms": ("rename over 200 cells, warm", "ms"),
    "symbols_200_cold_ms": ("rename over 200 cells, cold", "ms"),
    "ratio_1000_to_10_cells": ("1,000 cells compared with 10", "times"),
    "load_ext_ms": ("%load_ext nextedit_jupyter", "ms"),
    "cell_overhead_ms": ("added to a kernel's cell", "ms"),
}
BUSY_PROCESSES = 2


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "bench",
        help="measure latencies and compare them with the targets",
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
    parser.add_argument(
        "--busy",
        action="store_true",
        help=f"also measure keystrokes beside {BUSY_PROCESSES} busy processes",
    )
    parser.add_argument(
        "--quick", action="store_true", help="only a few of each, to check that it works"
    )
    parser.add_argument("--color", choices=COLOURS, default="auto", help="colours (auto)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    tolerate_any_encoding()
    if arguments.what == "propagation":
        return _propagation(arguments)
    report = _measured(arguments)
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps(report))
    else:
        _print(report, Paint(sys.stdout, arguments.color))
    tables = (*report["models"], *report["busy"], report["cells"])
    broken = any(kept is False for table in tables for kept in table["kept"].values())
    return 1 if broken and not arguments.quick else 0


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """`models` and, with busy processes, `busy`: one object for each model; `cells` for what does
    not depend on the model; machine, date, versions and `problems`."""
    from nextedit_jupyter.evals import latency
    from nextedit_jupyter.evals.busy import busy_processes

    counts = latency.Counts.quick() if arguments.quick else latency.Counts()
    report: dict[str, Any] = {**latency.where(), "models": [], "busy": [], "cells": {}}
    bundles = _bundles(arguments.bundle)
    for path, size in bundles:
        with _worker(path) as client:
            _say(f"the {size} model")
            found = latency.measure_model(client, size, counts=counts, say=_say)
            report["models"].append(found)
            if arguments.busy:
                _say(f"beside {BUSY_PROCESSES} busy processes")
                with busy_processes(BUSY_PROCESSES):
                    found = latency.measure_model(client, size, counts=counts, busy=True, say=_say)
                report["busy"].append(found)
            if not report["cells"]:
                report["cells"] = latency.measure_cells(client, counts=counts, say=_say)
    report["problems"] += report["cells"].pop("problems", [])
    told = (found["problem"] for found in report["models"])
    report["problems"] += [problem for problem in told if problem]
    return report


def _bundles(named: Path | None) -> list[tuple[Path | None, str]]:
    """The models to measure and their sizes: the named one, or the active one and the small one in
    the package. A None stands for whatever the worker finds, which may be nothing. Raises
    BundleError if the named one cannot be used."""
    from nextedit_jupyter.bundles.active import candidates
    from nextedit_jupyter.bundles.bundle import Bundle
    from nextedit_jupyter.core.errors import BundleError

    if named is not None:
        return [(Bundle.open(named).path, _size(named))]
    try:
        return [(one.path, _size(one.path)) for one in candidates()]
    except BundleError:
        return [(None, "small")]


def _size(path: Path) -> str:
    from nextedit_jupyter.evals.latency import LARGE_PARAMETERS

    try:
        parameters = json.loads((path / "manifest.json").read_bytes()).get("parameters", 0)
        return "large" if parameters > LARGE_PARAMETERS else "small"
    except (OSError, ValueError, AttributeError, TypeError):
        return "small"


@contextlib.contextmanager
def _worker(bundle: Path | None) -> Iterator[Any]:
    """A client of a worker in a separate folder, which is stopped afterwards."""
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
        f"nextedit-jupyter {report['version']} · {machine['cpu']}, {machine['cores']} cores, "
        f"load {machine['load_1min']} · {report['date']}"
    )
    for found in report["models"]:
        _print_promises(found["bundle"] or "no model", found, paint)
        told = ", ".join(
            f"{mb:.0f} {when}" for when, mb in found["memory_mb"].items() if mb is not None
        )
        print(f"worker's memory in MB: {told} the load")
        _print_series(found["detail"])
    for found in report["busy"]:
        title = f"{found['bundle'] or 'no model'}, beside {BUSY_PROCESSES} busy processes"
        _print_promises(title, found, paint)
        _print_series(found["detail"])
    _print_promises("whatever the model", report["cells"], paint)
    _print_series(report["cells"]["detail"])
    for problem in dict.fromkeys(report["problems"]):
        print(paint("yellow", f"note: {problem}"))


def _print_promises(title: str, found: Mapping[str, Any], paint: Paint) -> None:
    from nextedit_jupyter.evals.latency import MINIMA

    rows = []
    for key, limit in found["promises"].items():
        (label, unit), value = _LABELS[key], found[key]
        rows.append(
            (
                label,
                "-" if value is None else f"{value:.1f} {unit}".rstrip(),
                f"{'from ' if key in MINIMA else ''}{limit:g} {unit}".rstrip(),
                {True: "kept", False: "NOT KEPT", None: "not measured"}[found["kept"][key]],
            )
        )
    text = table((title, "measured", "promised", ""), rows)
    print("\n" + text.replace("NOT KEPT", paint("red", "NOT KEPT")) + "\n")


def _print_series(detail: Mapping[str, Any]) -> None:
    rows = [
        (
            name,
            str(series["n"]),
            *(_number(series[f"{quantile}_ms"]) for quantile in ("p50", "p95", "max")),
            *(_number(series[f"worker_{quantile}_ms"]) for quantile in ("p50", "p95")),
            _number(series["prompt_tokens_p50"]),
            _number(series["reused_tokens_p50"]),
            _number(series["tokens_a_pass"]),
            str(series["with_suggestion"]),
        )
        for name, series in detail.items()
        if name != "kernel"
    ]
    header = ("ms", "n", "p50", "p95", "max", "worker p50", "p95", "tokens", "reused", "a pass")
    print(table((*header, "suggested"), rows))


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
