"""`train judge`: trains the small model that decides which places follow an edit."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    judge = steps.add_parser(
        "judge",
        help="train the judge of which places follow an edit, on real commits",
        description=(
            "Trains the judge on commits of notebooks (JSON Lines as the evaluation of propagation"
            " reads them). Its thresholds are chosen on owners that were left out, and on a"
            " validation file if there is one. Needs scikit-learn, not torch."
        ),
    )
    judge.add_argument("--edits", type=Path, required=True, metavar="FILE", help="to learn from")
    judge.add_argument(
        "--validation",
        type=Path,
        metavar="FILE",
        help="more commits to choose thresholds on, of other owners",
    )
    judge.add_argument("--out", type=Path, default=Path("judge.json"), metavar="FILE")
    judge.add_argument("--trees", type=int, default=240, metavar="N")
    judge.add_argument(
        "--leaves", type=int, default=12, metavar="N", help="leaves per tree, maximum 16"
    )
    judge.add_argument(
        "--per-owner",
        type=int,
        default=40,
        metavar="N",
        help="commits of one owner and kind, 0 for all (default 40)",
    )
    judge.add_argument("--folds", type=int, default=3, metavar="N", help="parts of the owners")
    judge.add_argument("--seed", type=int, default=0, metavar="N")
    judge.add_argument(
        "--work",
        type=Path,
        metavar="FOLDER",
        help="keep finished parts there, so that an interrupted run can continue",
    )
    judge.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.core.errors import TrainingError
    from nextedit_jupyter.evals.real_edits import read_commits
    from nextedit_jupyter.training import judge

    plan = judge.Plan(
        trees=arguments.trees,
        leaves=arguments.leaves,
        seed=arguments.seed,
        per_owner=arguments.per_owner,
        folds=arguments.folds,
    )
    if not arguments.out.absolute().parent.is_dir():
        raise TrainingError(f"{arguments.out}: make its folder first")
    validation = arguments.validation
    trained = judge.train(
        list(read_commits(arguments.edits)),
        list(read_commits(validation)) if validation else [],
        plan,
        work=arguments.work,
        progress=lambda text: print(text, flush=True),
    )
    judge.write(trained, arguments.out)
    limits, figures = trained["thresholds"], trained["validation"]
    print(
        f"{arguments.out}: shown from {limits['show']}, chosen from {limits['tick']};"
        f" on owners that were left out: recall {figures['recall']:.3f},"
        f" precision {figures['precision']:.3f}, silent {figures['silent']:.3f}"
    )
    return 0
