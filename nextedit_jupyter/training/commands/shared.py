"""What several steps of `jupyter nextedit train` share: their folder, its documents, the clock."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nextedit_jupyter.core.errors import TrainingError

if TYPE_CHECKING:
    from nextedit_jupyter.training.corpus.document import Document
    from nextedit_jupyter.training.schedule import RunBudget

# Files of `train tune`, in its folder.
RENDERED = "tune.npy"  # sequences of notebooks and edits, mixed
HELD_OUT = "tune-validation.npy"


def add_base(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base", type=Path, required=True, help="the base's GGUF file")
    add_work(parser)


def add_delta(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--delta",
        type=Path,
        help="continue from this delta, such as models/nextedit-python-large, with its vocabulary",
    )


def read_delta(arguments: argparse.Namespace) -> Path | None:
    """The weights of `--delta`, whose vocabulary is written to WORK. Raises TrainingError."""
    from nextedit_jupyter.bundles.delta import Delta
    from nextedit_jupyter.training.pretrained import take_vocabulary

    if arguments.delta is None:
        return None
    return take_vocabulary(arguments.base, Delta.open(arguments.delta), arguments.work)


def add_work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", type=Path, required=True, help="working directory")


def documents(work: Path, split: str, *, modules: bool = True) -> list[Document]:
    """The documents of a split, optionally without library modules."""
    from nextedit_jupyter.training.corpus.document import read_documents

    path = work / "corpus" / f"{split}.jsonl"
    if not path.exists():
        raise TrainingError(f"there is no {path}: run `jupyter nextedit train data` first")
    return [each for each in read_documents(path) if modules or each.kind != "module"]


def end_of(minutes: float | None) -> float | None:
    """The end of a time budget that begins now, in Unix seconds."""
    return None if minutes is None else time.time() + 60 * minutes


def add_budget(parser: argparse.ArgumentParser, *, decay_minutes: float) -> None:
    """Add options for a run's duration and device."""
    parser.add_argument("--minutes", type=float, help="time budget, decay included")
    parser.add_argument("--steps", type=int, help="budget in steps instead of minutes")
    parser.add_argument("--decay-minutes", type=float, default=decay_minutes)
    parser.add_argument("--decay-steps", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="threads of each process")
    parser.add_argument("--seed", type=int, default=0)


def budget_of(arguments: argparse.Namespace) -> RunBudget:
    """The budget that begins now. Raises TrainingError unless exactly one is given."""
    from nextedit_jupyter.training.schedule import RunBudget

    if (arguments.minutes is None) == (arguments.steps is None):
        raise TrainingError("give the budget as either --minutes or --steps")
    return RunBudget(
        steps=arguments.steps,
        decay_steps=arguments.decay_steps,
        end=end_of(arguments.minutes),
        decay_minutes=arguments.decay_minutes,
    )


def say(line: str) -> None:
    """Print a line of progress, flushed so that it also appears at once in files."""
    print(line, flush=True)


def add_mining(parser: argparse.ArgumentParser) -> None:
    """Add the options of every step that mines edits."""
    add_work(parser)
    parser.add_argument("--split", choices=("train", "validation", "test"), default="train")
    parser.add_argument("--seed", type=int, default=0, help="seed of carets and choices")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="address of a Dask cluster to run on"
    )
    parser.add_argument(
        "--any-licence",
        action="store_true",
        help="take code under any licence, for a model that you keep to yourself",
    )
