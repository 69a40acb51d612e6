"""`train distil`: trains a small model to imitate a larger bundle."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.commands.shared import (
    HELD_OUT,
    RENDERED,
    add_budget,
    add_work,
    budget_of,
)


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    distil = steps.add_parser(
        "distil", help="train a small model to imitate a larger bundle: WORK/distil"
    )
    add_work(distil)
    distil.add_argument("--teacher", type=Path, required=True, help="the larger bundle's folder")
    distil.add_argument(
        "--init", type=Path, help="a small bundle to start from, with any tokenizer"
    )
    distil.add_argument("--data", default=RENDERED, help=f"sequences in WORK ({RENDERED})")
    distil.add_argument("--shape", type=json.loads, default={}, help="JSON, e.g. '{\"layers\": 8}'")
    distil.add_argument(
        "--share",
        type=float,
        default=0.9,
        help="share of the teacher in the loss; the rest is the text",
    )
    distil.add_argument("--batch", type=int, default=4, help="sequences per step (4)")
    distil.add_argument("--matrix-lr", type=float, default=0.01, help="Muon's peak learning rate")
    distil.add_argument("--other-lr", type=float, default=2e-3, help="AdamW's peak learning rate")
    add_budget(distil, decay_minutes=30.0)
    distil.add_argument("--resume", help="a checkpoint of WORK/distil, such as latest.pt")
    distil.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.prompt import BundleTokenizer
    from nextedit_jupyter.training.distil import Teacher, loss_by, with_vocabulary
    from nextedit_jupyter.training.network import Shape
    from nextedit_jupyter.training.sft import SftSettings, open_run, train

    budget = budget_of(arguments)
    if not 0.0 <= arguments.share <= 1.0:
        raise TrainingError(f"--share must be between 0 and 1, not {arguments.share}")
    if arguments.init and arguments.resume:
        raise TrainingError("give --init to start a run or --resume to continue one, not both")
    if arguments.init and arguments.shape:
        raise TrainingError("a run that starts with --init has that bundle's shape")
    work: Path = arguments.work
    tokenizer = work / "tokenizer.json"
    settings = SftSettings(
        batch=arguments.batch,
        matrix_lr=arguments.matrix_lr,
        other_lr=arguments.other_lr,
        threads=arguments.threads,
        seed=arguments.seed,
        compile=False,
    )
    folder = work / "distil"
    teacher = Teacher(arguments.teacher, threads=arguments.threads)
    size = teacher.vocab_size
    if BundleTokenizer(tokenizer).vocab_size > size:
        raise TrainingError(f"{tokenizer} is not the teacher's: that one has {size} tokens")
    weights = None
    if arguments.init:
        shape, weights = with_vocabulary(arguments.init, tokenizer, size=size)
    else:
        shape = Shape(**{**arguments.shape, "vocab_size": size})
    resume = folder / arguments.resume if arguments.resume else None
    run = open_run(folder, shape, settings, resume=resume)
    if weights is not None:
        run.model.load_state_dict(weights)
    state = train(
        run,
        work / arguments.data,
        settings,
        budget,
        validation=work / HELD_OUT if (work / HELD_OUT).exists() else None,
        loss=loss_by(teacher, run.model, share=arguments.share),
    )
    print(f"{folder / 'final.pt'}: {state.step} steps, {state.tokens:,} tokens")
    return 0
