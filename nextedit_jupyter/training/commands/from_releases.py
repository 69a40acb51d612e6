"""`train from-releases`: mines real edits from two releases of a package."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from nextedit_jupyter.training.commands.shared import add_mining

_TEXT = """\
Mine the differences of two releases of a package: source archives, wheels or folders. The licence
is read from the package's metadata."""


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    releases = steps.add_parser(
        "from-releases", help="mine the differences of two releases", description=_TEXT
    )
    releases.add_argument("old", type=Path)
    releases.add_argument("new", type=Path)
    add_mining(releases)
    releases.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
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
