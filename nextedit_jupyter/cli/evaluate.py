"""`eval`: measures the quality of suggestions with the evaluations in `nextedit_jupyter.evals`."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

# Each evaluation's name, its module in `evals`, and its help. A module has `add_arguments(parser)`,
# `run(arguments) -> report as JSON values` and `format_report(report) -> str`.
_EVALUATIONS = {
    "model": (
        "model_evaluation",
        "the model in the product on held-out packages: typing, suites, baselines, latency",
    ),
    "typing": (
        "typing",
        "type real cells key by key: characters saved, how often a shown text is right",
    ),
    "propagation": (
        "propagation",
        "renames and repeated edits over cells: places found, places wrong",
    ),
}
_DESCRIPTION = """\
Measures how good suggestions are, not how fast (that is `bench`). Reports say what was measured on,
with how many cases, and are written as JSON with --output."""


_HELP = "measure how good suggestions are"


def add_stub(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's line to the list of commands."""
    commands.add_parser("eval", help=_HELP)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "eval",
        help=_HELP,
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    evaluations = parser.add_subparsers(dest="evaluation", metavar="EVALUATION", required=True)
    for name, (module_name, does) in _EVALUATIONS.items():
        evaluation = evaluations.add_parser(name, help=does, description=does)
        evaluation.add_argument("--json", action="store_true", help="one JSON object on stdout")
        evaluation.add_argument(
            "--output", "-o", type=Path, metavar="FILE", help="write the report as JSON there"
        )
        module = importlib.import_module(f"nextedit_jupyter.evals.{module_name}")
        module.add_arguments(evaluation)
        evaluation.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    name, _ = _EVALUATIONS[arguments.evaluation]
    module: Any = importlib.import_module(f"nextedit_jupyter.evals.{name}")
    report = module.run(arguments)
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report) if arguments.json else module.format_report(report))
    return 0
