"""`train judge`: the small model that says which places follow an edit."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    judge = steps.add_parser(
        "judge",
        help="train what says which places follow an edit, from real commits",
        description=(
            "Trains the judge on commits of notebooks (JSON Lines as the evaluation of propagation"
            " reads them) and chooses its thresholds on others. Needs scikit-learn, not torch."
        ),
    )
    judge.add_argument("--edits", type=Path, required=True, metavar="FILE", help="to learn from")
    judge.add_argument(
        "--validation", type=Path, required=True, metavar="FILE", help="to choose thresholds on"
    )
    judge.add_argument("--out", type=Path, default=Path("judge.json"), metavar="FILE")
    judge.add_argument("--trees", type=int, default=200)
    judge.add_argument("--leaves", type=int, default=12, help="of a tree, at most 16")
    judge.add_argument("--seed", type=int, default=0)
    judge.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.evals.real_edits import read_commits
    from nextedit_jupyter.training import judge

    told = judge.train(
        list(read_commits(arguments.edits)),
        list(read_commits(arguments.validation)),
        trees=arguments.trees,
        leaves=arguments.leaves,
        seed=arguments.seed,
        progress=lambda text: print(text, flush=True),
    )
    judge.write(told, arguments.out)
    limits, figures = told["thresholds"], told["validation"]
    print(
        f"{arguments.out}: shown from {limits['show']}, chosen from {limits['tick']}; on validation"
        f" recall {figures['recall']:.3f}, precision {figures['precision']:.3f},"
        f" silent {figures['silent']:.3f}"
    )
    return 0
