"""The time from a key press to painted ghost text, in a real JupyterLab, by the browser's clock.

Types in notebooks of several sizes and splits the time of each key that drew ghost text into its
stages: the page until it sends the request, the transfer to the server and back, the server, the
worker, and the page until the text is painted. The first and the last stage, and most of "drawing",
are JupyterLab's and the browser's own. Also counts the page's tasks of over 8 ms and measures the
time until the key itself is painted, both with suggestions on and off.

    python benchmarks/ui.py --size 10 --size 1000 --json
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "ui")]

from conftest import running_lab  # noqa: E402 (tests/ui)

from nextedit_jupyter.cli.paint import table  # noqa: E402
from nextedit_jupyter.evals.latency_series import quantile  # noqa: E402
from nextedit_jupyter.evals.machine import machine, today, versions  # noqa: E402
from nextedit_jupyter.evals.notebooks import generated_notebook  # noqa: E402

SIZES = (10, 200, 1_000)
PROMISED = {"p50": 35.0, "p95": 110.0}  # key to paint, 200 cells, the large model
RATIO = 1.2  # 1,000 cells against 10
LONG_MS = 8.0
DELAY_MS = 150  # between keys: a fast typist
TYPED = (
    "for row in range(len(sales)):\n    print(row, sales[row])\n",
    "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(8, 4))\nplt.show()\n",
    "def total_price(items, rate):\n    return sum(item.price for item in items) * rate\n",
)
HOPS = (
    "until the text contains the key",
    "until the page sends the request",
    "transfer",
    "server",
    "worker",
    "until the page reads the answer",
    "drawing",
    "painting",
)


def plan(sizes: Sequence[int], *, profile: bool, quick: bool = False) -> dict[str, Any]:
    """The browser's instructions. The cells nearest to the caret are the same in all sizes."""
    cells = [cell.source for cell in generated_notebook(max(sizes), 42, lines=6).cells]
    return {
        "sizes": [{"count": count, "cells": cells[-count:]} for count in sizes],
        "typed": TYPED[:1] if quick else TYPED,
        "delay": DELAY_MS,
        "profile": profile,
    }


def hops(run: Mapping[str, Any]) -> list[dict[str, float]]:
    """For each key whose request drew ghost text, the milliseconds of each stage and in total."""
    keys, found = run["keys"], []
    for place, key in enumerate(keys):
        end = keys[place + 1] if place + 1 < len(keys) else float("inf")
        asked = next((r for r in run["requests"] if key <= r["startTime"] < end), None)
        if asked is None or "server" not in asked or "worker" not in asked:
            continue
        paint = next(
            (p for p in run["paints"] if asked["responseEnd"] <= p["drawn"] < end and p["at"]), None
        )
        has = next((t["has"] for t in run["texts"] if key <= t["has"] <= asked["startTime"]), None)
        read = next((at for at in run["read"] if asked["responseEnd"] <= at <= end), None)
        if paint is None or has is None or read is None:
            continue
        fetch = asked["responseEnd"] - asked["startTime"]
        parts = (
            has - key,
            asked["startTime"] - has,
            fetch - asked["server"],
            asked["server"] - asked["worker"],
            asked["worker"],
            read - asked["responseEnd"],
            paint["drawn"] - read,
            paint["at"] - paint["drawn"],
        )
        found.append({**dict(zip(HOPS, parts, strict=True)), "key to paint": paint["at"] - key})
    return found


def key_paints(runs: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Milliseconds from a key until the typed character is painted."""
    found = []
    for run in runs:
        keys = [*run["keys"], float("inf")]
        for key, end in pairwise(keys):
            text = next((t["at"] for t in run["texts"] if key <= t["has"] < end and t["at"]), None)
            if text is not None:
                found.append(text - key)
    return {"p50": quantile(found, 0.5), "p95": quantile(found, 0.95)}


def summary(size: Mapping[str, Any]) -> dict[str, Any]:
    """One size of notebook: quantiles of each stage, shares of the mean, the page's long tasks."""
    measured = [found for run in size["runs"] for found in hops(run)]
    requests = [r for run in size["runs"] for r in run["requests"]]
    columns = (*HOPS, "key to paint")
    whole = sum(found["key to paint"] for found in measured)
    return {
        "cells": size["count"],
        "keys": sum(len(run["keys"]) for run in size["runs"]),
        "requests": len(requests),
        "with_ghost_text": len(measured),
        **{
            name: {
                "p50": quantile([found[name] for found in measured], 0.5),
                "p95": quantile([found[name] for found in measured], 0.95),
                "share": sum(found[name] for found in measured) / whole if whole else None,
            }
            for name in columns
        },
        "key_painted": key_paints(size["runs"]),
        "key_painted_off": key_paints(size.get("runs_off", ())),
        "long_tasks": _long(size["tasks"], size["runs"]),
        "long_tasks_off": _long(size.get("tasks_off", ()), size.get("runs_off", ())),
        "profile": size.get("profile"),
    }


def _long(tasks: Sequence[float], runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    over = sum(task > LONG_MS for task in tasks)
    keys = sum(len(run["keys"]) for run in runs)
    return {"a_key": over / max(1, keys), "longest_ms": round(max(tasks, default=0.0), 1)}


def measure(sizes: Sequence[int], *, profile: bool, quick: bool = False) -> dict[str, Any]:
    """Start a Lab, have the browser type, sum up."""
    with tempfile.TemporaryDirectory(prefix="nx-ui-") as folder, running_lab(Path(folder)) as lab:
        written = Path(folder, "plan.json")
        written.write_text(json.dumps(plan(sizes, profile=profile, quick=quick)))
        done = subprocess.run(
            ["node", str(ROOT / "benchmarks" / "ui.mjs")],
            env={**os.environ, **lab.environ, "BENCH_PLAN": str(written)},
            stdout=subprocess.PIPE,
            text=True,
            timeout=900,
        )
        if done.returncode:
            raise SystemExit("the browser failed: its output is above")
    found = json.loads(done.stdout)
    return {
        "measured_at": today(),
        "machine": machine(),
        "versions": {**versions("jupyterlab", "onnxruntime"), "browser": found["browser"]},
        "sizes": [summary(size) for size in found["sizes"]],
    }


def report(result: Mapping[str, Any]) -> str:
    told, lines = result["machine"], []
    lines.append(
        f"{told['cpu']}, {told['cores']} cores, load {told['load_1min']} · "
        f"{result['versions']['browser']} · {result['measured_at']}"
    )
    for size in result["sizes"]:
        rows = [
            (name, *(_ms(size[name][q]) for q in ("p50", "p95")), f"{100 * share:.0f} %")
            for name in (*HOPS, "key to paint")
            if (share := size[name]["share"]) is not None
        ]
        title = f"{size['cells']} cells, {size['with_ghost_text']} of {size['keys']} keys"
        lines += ["", table((title, "p50", "p95", "share"), rows)]
        on, off = size["long_tasks"], size["long_tasks_off"]
        lines.append(
            f"tasks over {LONG_MS:g} ms a key: {on['a_key']:.2f} (longest {on['longest_ms']} ms); "
            f"with suggestions off {off['a_key']:.2f} ({off['longest_ms']} ms)"
        )
        own, alone = size["key_painted"], size["key_painted_off"]
        lines.append(
            f"the key itself painted after {_ms(own['p50'])} / {_ms(own['p95'])} ms; "
            f"with suggestions off {_ms(alone['p50'])} / {_ms(alone['p95'])} ms"
        )
        if size["profile"]:
            ours, whole = (size["profile"][key] for key in ("ours", "all"))
            lines.append(f"of {whole:.0f} ms in scripts, {ours:.0f} are in ours:")
            lines += [f"  {name}  {ms:.1f}" for name, ms in size["profile"]["top"]]
    by_cells = {size["cells"]: size for size in result["sizes"]}
    if 10 in by_cells and 1_000 in by_cells:
        small, large = (by_cells[n]["key to paint"]["p50"] for n in (10, 1_000))
        if small and large:
            lines += ["", f"1,000 cells against 10: {large / small:.2f} times (at most {RATIO})"]
    if (middle := by_cells.get(200)) and middle["key to paint"]["p50"] is not None:
        kept = all(middle["key to paint"][q] <= limit for q, limit in PROMISED.items())
        lines.append(
            f"200 cells: p50 {PROMISED['p50']:g} and p95 {PROMISED['p95']:g} ms "
            f"{'met' if kept else 'MISSED'}"
        )
    return "\n".join(lines)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--size", action="append", type=int, help="cells; default: 10, 200, 1000")
    parser.add_argument("--profile", action="store_true", help="where the page's own time goes")
    parser.add_argument("--quick", action="store_true", help="a third of the run, as a check")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.size or SIZES, profile=arguments.profile, quick=arguments.quick)
    print(json.dumps(result) if arguments.json else report(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
