"""`train evaluate`: types held-out cells with a bundle, and chooses its thresholds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from nextedit_jupyter.training.commands.shared import add_work, documents, say


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    evaluate = steps.add_parser("evaluate", help="type held-out cells and measure")
    add_work(evaluate)
    evaluate.add_argument("--bundle", type=Path, required=True)
    evaluate.add_argument("--split", choices=("validation", "test"), default="validation")
    evaluate.add_argument("--cells", type=int, default=120)
    evaluate.add_argument("--edits", type=int, default=150)
    evaluate.add_argument("--seed", type=int, default=0)
    evaluate.add_argument("--budget", type=int, default=900, help="tokens of a prompt")
    evaluate.add_argument("--facts", action="store_true", help="with names guessed from code")
    evaluate.add_argument("--output", "-o", type=Path)
    evaluate.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.training.bundle_evaluation import evaluate_bundle, format_report

    report = evaluate_bundle(
        arguments.bundle,
        documents(arguments.work, arguments.split),
        cells=arguments.cells,
        edits=arguments.edits,
        seed=arguments.seed,
        budget=arguments.budget,
        facts=arguments.facts,
        progress=say,
    )
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(format_report(report))
    print(f"thresholds: {report['thresholds']}")
    return 0
