"""`train from-git`: mines real edits from commits."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from nextedit_jupyter.training.commands.shared import add_mining
from nextedit_jupyter.training.progress import Bar

_TEXT = """\
Mine the commits of local checkouts: each commit's hunks in .py and .ipynb files become edits with
what was edited before them. Nothing of a checkout is run, fetched or written; its licence file
must name a permissive licence. Edits go to WORK/edits/, where `train examples` takes them for the
parts of a recipe with form = "real"."""


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    git = steps.add_parser(
        "from-git", help="mine the commits of local checkouts", description=_TEXT
    )
    git.add_argument("repositories", nargs="+", type=Path, metavar="REPO")
    git.add_argument("--most", type=int, default=5_000, help="newest commits of each (5,000)")
    add_mining(git)
    git.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.training.commits.mine import format_report, mine, repository_jobs

    arguments.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".mining-", dir=arguments.work) as parts:
        jobs = repository_jobs(
            arguments.repositories,
            Path(parts).resolve(),
            limit=arguments.most,
            seed=arguments.seed,
            any_licence=arguments.any_licence,
        )
        with Bar("mining", sum(len(job.commits) for job in jobs), "commit") as bar:
            chunks = {job.out: len(job.commits) for job in jobs}
            report = mine(
                jobs,
                arguments.work,
                split=arguments.split,
                processes=arguments.processes,
                scheduler=arguments.scheduler,
                progress=lambda mined: bar.step(mined.source, chunks[mined.path]),
            )
    print(format_report(report))
    return 0
