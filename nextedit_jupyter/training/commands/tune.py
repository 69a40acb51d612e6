"""`train tune`: trains adapters of a pre-trained base on real notebooks and commits."""

from __future__ import annotations

import argparse
from pathlib import Path

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.commands.shared import (
    HELD_OUT,
    RENDERED,
    add_base,
    add_budget,
    add_delta,
    budget_of,
    read_delta,
)


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    tune = steps.add_parser(
        "tune", help="tune a base on real notebooks and commits with adapters: WORK/run"
    )
    add_base(tune)
    add_delta(tune)
    tune.add_argument("--notebooks", type=Path, required=True, help="JSON Lines to train on")
    tune.add_argument("--edits", type=Path, required=True, help="JSON Lines of commits")
    tune.add_argument("--validation", type=Path, help="notebooks to report the loss on")
    tune.add_argument("--format", default="cells-lines-v1", help="the prompt format")
    tune.add_argument("--length", type=int, default=1024, help="tokens per sequence (1024)")
    tune.add_argument("--rank", type=int, default=16, help="rank of the adapters (16)")
    tune.add_argument("--batch", type=int, default=2, help="sequences per step (2)")
    add_budget(tune, decay_minutes=30.0)
    tune.add_argument("--resume", help="a checkpoint of WORK/run, such as latest.pt")
    tune.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.prompt import BundleTokenizer, get_format
    from nextedit_jupyter.prompt.cells_spm_v1 import CellsSpmV1
    from nextedit_jupyter.training.packing import write_packed
    from nextedit_jupyter.training.pretrained import read_base
    from nextedit_jupyter.training.sft import SftSettings, train
    from nextedit_jupyter.training.tuning import adapted_base, open_tuning, tuning_rows

    budget_of(arguments)  # validate before anything is rendered
    work: Path = arguments.work
    delta = read_delta(arguments)
    base = read_base(arguments.base, work, seed=arguments.seed)
    tokenizer, fmt = BundleTokenizer(work / "tokenizer.json"), get_format(arguments.format)
    if not isinstance(fmt, CellsSpmV1):
        raise TrainingError(
            f"{arguments.format} is a format of other models: it cannot be used for tuning"
        )
    if not (work / RENDERED).exists():
        render = tuning_rows(
            arguments.notebooks, arguments.edits, tokenizer, fmt, arguments.length, arguments.seed
        )
        write_packed(work / RENDERED, render)
        if arguments.validation:
            held = tuning_rows(arguments.validation, None, tokenizer, fmt, arguments.length, 1)
            write_packed(work / HELD_OUT, held)
    model = adapted_base(base, rank=arguments.rank, seed=arguments.seed, delta=delta)
    folder = work / "run"
    resume = folder / arguments.resume if arguments.resume else None
    settings = SftSettings(
        batch=arguments.batch,
        warmup_steps=20,
        seed=arguments.seed,
        compile=False,
        threads=arguments.threads,
    )
    budget = budget_of(arguments)
    validation = work / HELD_OUT if (work / HELD_OUT).exists() else None
    run = open_tuning(folder, model, resume=resume)
    state = train(run, work / RENDERED, settings, budget, validation=validation)
    print(f"{folder / 'final.pt'}: {state.step} steps, {state.tokens:,} tokens")
    return 0
