"""`train filter`: learns when a bundle's texts are shown."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from nextedit_jupyter.training.commands.shared import add_work, say


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    learn = steps.add_parser("filter", help="learn when a bundle's texts are accepted")
    add_work(learn)
    learn.add_argument("--bundle", type=Path, required=True, help="its manifest is rewritten")
    learn.add_argument("--cells", type=int, default=120, help="of training packages, to learn from")
    learn.add_argument("--validation-cells", type=int, default=60)
    learn.add_argument("--seed", type=int, default=0)
    learn.add_argument("--output", "-o", type=Path)
    learn.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.bundles.bundle import Bundle
    from nextedit_jupyter.evals.heldout import read_documents
    from nextedit_jupyter.training.filter_learning import format_report, learn_filter, write_filter

    corpus = arguments.work / "corpus"
    acceptance, report = learn_filter(
        Bundle.open(arguments.bundle),
        read_documents(corpus / "train.jsonl"),
        read_documents(corpus / "validation.jsonl"),
        cells=arguments.cells,
        validation_cells=arguments.validation_cells,
        seed=arguments.seed,
        progress=say,
    )
    write_filter(arguments.bundle, acceptance, report)
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(format_report(report))
    return 0
