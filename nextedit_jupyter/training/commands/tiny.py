"""`train tiny`: the whole pipeline on a small scale, in under three minutes."""

from __future__ import annotations

import argparse
from pathlib import Path

from nextedit_jupyter.training.commands.shared import say


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    tiny = steps.add_parser("tiny", help="a tiny model from a tiny corpus to a bundle")
    tiny.add_argument("folders", nargs="*", type=Path, help="default: the standard library")
    tiny.add_argument("--out", type=Path, required=True)
    tiny.add_argument("--work", type=Path, help="directory for intermediate files")
    tiny.add_argument("--steps", type=int, default=150)
    tiny.add_argument("--seed", type=int, default=0)
    tiny.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    import tempfile

    from nextedit_jupyter.training.tiny import train_tiny

    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        train_tiny(
            arguments.folders,
            arguments.out,
            work=work,
            steps=arguments.steps,
            seed=arguments.seed,
            progress=say,
        )
    return 0
