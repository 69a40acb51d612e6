"""`train from-git` and `train from-releases`: real edits, mined."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from nextedit_jupyter.training.progress import Bar

_GIT = """\
Mine the commits of local checkouts: each commit's hunks in .py and .ipynb files become edits with
what was edited before them. Nothing of a checkout is run, fetched or written; its licence file
must name a permissive licence. Edits go to WORK/edits/, where `train examples` takes them for the
parts of a recipe with form = "real"."""
_RELEASES = """\
Mine the differences of two releases of a package: source archives, wheels or folders. The licence
is read from the package's metadata."""


def add_parsers(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    git = steps.add_parser("from-git", help="mine the commits of local checkouts", description=_GIT)
    git.add_argument("repositories", nargs="+", type=Path, metavar="REPO")
    git.add_argument("--most", type=int, default=5_000, help="newest commits of each (5,000)")
    _common(git)
    git.set_defaults(run=run_git)

    releases = steps.add_parser(
        "from-releases", help="mine the differences of two releases", description=_RELEASES
    )
    releases.add_argument("old", type=Path)
    releases.add_argument("new", type=Path)
    _common(releases)
    releases.set_defaults(run=run_releases)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", type=Path, required=True, help="folder for what is made")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="train")
    parser.add_argument("--seed", type=int, default=0, help="of carets and choices")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, to run there")
    parser.add_argument(
        "--any-licence",
        action="store_true",
        help="take code under any licence: for a model that stays with you",
    )


def run_git(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.training.commits.mine import format_report, mine, repository_jobs

    arguments.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".mining-", dir=arguments.work) as parts:
        jobs = repository_jobs(
            arguments.repositories,
            Path(parts).resolve(),
            most=arguments.most,
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


def run_releases(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.training.commits.mine import ReleaseJob, format_report, mine

    arguments.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".mining-", dir=arguments.work) as parts:
        job = ReleaseJob(
            arguments.old.resolve(),
            arguments.new.resolve(),
            Path(parts).resolve() / "release.0000.jsonl",
            arguments.seed,
            arguments.any_licence,
        )
        report = mine([job], arguments.work, split=arguments.split, scheduler=arguments.scheduler)
    print(format_report(report))
    return 0
