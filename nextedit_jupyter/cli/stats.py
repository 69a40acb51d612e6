"""`stats`: the outcomes of suggestions, for the user; and an export for a team, shown before it is
written."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.core.folders import data_folder

_DESCRIPTION = """\
What happened to suggestions over the last 14 days. This is counted on this machine, for you alone,
if the server's configuration has `c.NextEdit.statistics = True`. The counts contain no code, no
paths and no names.

--export shows counts that a team may add up, under an identifier that changes each week and can't
be traced back. They are written only with --yes, and never if DO_NOT_TRACK is set."""


_NAMES = {"typed_through": "typed through", "kept_30s": "kept 30 s", "kept_5m": "kept 5 min"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "stats",
        help="what happened to suggestions, if statistics are enabled",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a plot: .png, .svg or .pdf")
    parser.add_argument(
        "--export", type=Path, metavar="FILE", help="write counts that a team may add up"
    )
    parser.add_argument("--yes", "-y", action="store_true", help="write the export")
    parser.add_argument("--purge", action="store_true", help="delete the counts")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.worker.statistics import Statistics

    folder = data_folder() / "statistics"
    if not (folder / "statistics.sqlite").exists():
        if arguments.json:
            print(json.dumps({"kinds": {}, "latency_ms": {"count": 0, "p50": None, "p95": None}}))
            return 0
        print(
            "nothing is counted; to count, set `c.NextEdit.statistics = True` in "
            "jupyter_server_config.py"
        )
        return 0
    statistics = Statistics(folder)
    if arguments.purge:
        statistics.purge()
        print("the counts are deleted")
        return 0
    if arguments.export:
        return _export(statistics.export(), arguments)
    summary = statistics.summary()
    if arguments.plot:
        draw(summary, statistics.latencies(), arguments.plot)
    print(json.dumps(summary) if arguments.json else format_summary(summary))
    return 0


def format_summary(summary: dict[str, Any]) -> str:
    """A table of counts by kind, and a line of latency."""
    from nextedit_jupyter.cli.paint import table
    from nextedit_jupyter.worker.statistics import OUTCOMES

    outcomes = [outcome for outcome in OUTCOMES if outcome != "latency"]
    rows = [
        [
            kind.replace("_", " "),
            *(str(counts.get(outcome, 0)) for outcome in outcomes),
            f"{counts['acceptance']:.0%}" if "acceptance" in counts else "-",
        ]
        for kind, counts in sorted(summary["kinds"].items())
    ]
    header = ["", *(_NAMES.get(outcome, outcome) for outcome in outcomes), "taken"]
    latency = summary["latency_ms"]
    if not rows and not latency["count"]:
        return "nothing was shown so far"
    lines = [table(header, rows)]
    if latency["count"]:
        lines.append(
            f"\nlatency over {latency['count']} answers: "
            f"median {latency['p50']:.1f} ms, p95 {latency['p95']:.1f} ms"
        )
    return "\n".join(lines)


def draw(summary: dict[str, Any], latencies: list[float], path: Path) -> None:
    """Plot the outcomes of shown suggestions as bars, and the newest latencies in ms.

    Raises NextEditError without matplotlib, or if the file cannot be written.
    """
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        raise NextEditError("a plot needs matplotlib: pip install matplotlib") from None

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.2), constrained_layout=True)
    kinds = sorted(summary["kinds"])
    bottom = [0] * len(kinds)
    for outcome, colour in (
        ("accepted", "#2e7d32"),
        ("partial", "#81c784"),
        ("typed_through", "#90a4ae"),
        ("rejected", "#c62828"),
    ):
        heights = [summary["kinds"][kind].get(outcome, 0) for kind in kinds]
        left.bar(kinds, heights, bottom=bottom, color=colour, label=outcome.replace("_", " "))
        bottom = [a + b for a, b in zip(bottom, heights)]
    for outcome, marker in (("kept_30s", "o"), ("kept_5m", "s")):
        kept = [summary["kinds"][kind].get(outcome, 0) for kind in kinds]
        left.plot(kinds, kept, marker, color="black", fillstyle="none", label=_NAMES[outcome])
    left.set_title("what happened to suggestions")
    left.legend(frameon=False)
    right.plot(latencies, ".", color="#1565c0", markersize=3)
    right.set_ylim(bottom=0)
    right.set_title("latency, ms, newest to the right")
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise NextEditError(
            f"{path} cannot be drawn: {error}. Name a file that ends in .png, .svg or .pdf"
        ) from None
    finally:
        pyplot.close(figure)


def _export(export: dict[str, Any] | None, arguments: argparse.Namespace) -> int:
    if export is None:
        raise NextEditError("DO_NOT_TRACK is set: nothing is exported")
    text = json.dumps(export, indent=1)
    print(text)
    if not arguments.yes:
        print(f"this is all that would be in {arguments.export}; write it with --yes")
        return 0
    try:
        arguments.export.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise NextEditError(f"{arguments.export} cannot be written: {error.strerror}") from None
    print(f"written to {arguments.export}")
    return 0
