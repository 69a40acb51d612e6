"""`train vocabulary`, `train tune`, `train delta`: from a pre-trained base to what is shipped."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

RENDERED = "tune.npy"  # in WORK: sequences of notebooks and edits, mixed
HELD_OUT = "tune-validation.npy"


def add_parsers(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    vocabulary = steps.add_parser(
        "vocabulary", help="choose the tokens of a base that notebooks use: WORK/kept.npy"
    )
    _base(vocabulary)
    vocabulary.add_argument(
        "--notebooks", type=Path, action="append", required=True, help="JSON Lines (repeatable)"
    )
    vocabulary.add_argument("--size", type=int, default=16_384, help="with new tokens (16384)")
    vocabulary.set_defaults(run=run_vocabulary)

    tune = steps.add_parser(
        "tune", help="tune a base on real notebooks and commits with adapters: WORK/run"
    )
    _base(tune)
    tune.add_argument("--notebooks", type=Path, required=True, help="JSON Lines to train on")
    tune.add_argument("--edits", type=Path, required=True, help="JSON Lines of commits")
    tune.add_argument("--validation", type=Path, help="notebooks whose loss is followed")
    tune.add_argument("--format", default="cells-lines-v1", help="the prompt format")
    tune.add_argument("--length", type=int, default=1024, help="tokens per sequence (1024)")
    tune.add_argument("--rank", type=int, default=16, help="of the adapters (16)")
    tune.add_argument("--batch", type=int, default=2, help="sequences per step (2)")
    tune.add_argument("--minutes", type=float, help="time budget, decay included")
    tune.add_argument("--steps", type=int, help="budget in steps instead of minutes")
    tune.add_argument("--decay-minutes", type=float, default=30.0)
    tune.add_argument("--decay-steps", type=int, default=0)
    tune.add_argument("--threads", type=int, default=2)
    tune.add_argument("--seed", type=int, default=0)
    tune.add_argument("--resume", help="a checkpoint of WORK/run, such as latest.pt")
    tune.set_defaults(run=run_tune)

    delta = steps.add_parser(
        "delta", help="write what tuning made of a base: OUT/delta.safetensors"
    )
    _base(delta)
    delta.add_argument("--checkpoint", default="final.pt", help="in WORK/run")
    delta.add_argument("--rank", type=int, default=16, help="of the adapters (16)")
    delta.add_argument("--out", type=Path, required=True, help="the delta's folder")
    delta.set_defaults(run=run_delta)


def run_vocabulary(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.training.base import write_vocabulary
    from nextedit_jupyter.training.real_data import read_notebooks

    texts = (
        cell
        for path in arguments.notebooks
        for document in read_notebooks(path)
        for cell in document.cells
    )
    write_vocabulary(arguments.base, texts, arguments.work, size=arguments.size)
    print(f"{arguments.work}: kept.npy and tokenizer.json of {arguments.size:,} tokens")
    return 0


def run_tune(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.core.errors import TrainingError
    from nextedit_jupyter.prompt import BundleTokenizer, get_format
    from nextedit_jupyter.prompt.cells_spm_v1 import CellsSpmV1
    from nextedit_jupyter.training.base import read_base
    from nextedit_jupyter.training.packing import write_packed
    from nextedit_jupyter.training.sft import Budget, Settings, train
    from nextedit_jupyter.training.tuning import adapted, open_tuning, tuning_rows

    if arguments.minutes is None and arguments.steps is None:
        raise TrainingError("give a budget: --minutes or --steps")
    work: Path = arguments.work
    base = read_base(arguments.base, work, seed=arguments.seed)
    tokenizer, fmt = BundleTokenizer(work / "tokenizer.json"), get_format(arguments.format)
    if not isinstance(fmt, CellsSpmV1):
        raise TrainingError(
            f"{arguments.format} is a format of other models: nothing is tuned in it"
        )
    if not (work / RENDERED).exists():
        render = tuning_rows(
            arguments.notebooks, arguments.edits, tokenizer, fmt, arguments.length, arguments.seed
        )
        write_packed(work / RENDERED, render)
        if arguments.validation:
            held = tuning_rows(arguments.validation, None, tokenizer, fmt, arguments.length, 1)
            write_packed(work / HELD_OUT, held)
    model = adapted(
        base.shape, base.weights, new_rows=base.new_rows, rank=arguments.rank, seed=arguments.seed
    )
    folder = work / "run"
    resume = folder / arguments.resume if arguments.resume else None
    settings = Settings(
        batch=arguments.batch,
        warmup_steps=20,
        seed=arguments.seed,
        compile=False,
        threads=arguments.threads,
    )
    end = None if arguments.minutes is None else time.time() + 60 * arguments.minutes
    budget = Budget(
        arguments.steps, arguments.decay_steps, end, decay_minutes=arguments.decay_minutes
    )
    validation = work / HELD_OUT if (work / HELD_OUT).exists() else None
    run = open_tuning(folder, model, resume=resume)
    state = train(run, work / RENDERED, settings, budget, validation=validation)
    print(f"{folder / 'final.pt'}: {state.step} steps, {state.tokens:,} tokens")
    return 0


def run_delta(arguments: argparse.Namespace) -> int:
    import numpy as np

    from nextedit_jupyter.core.errors import TrainingError
    from nextedit_jupyter.training.base import read_base
    from nextedit_jupyter.training.delta import CALIBRATION_ROWS, delta_tensors, write_tensors
    from nextedit_jupyter.training.sft import Rows, read_checkpoint
    from nextedit_jupyter.training.tuning import adapted

    work: Path = arguments.work
    base = read_base(arguments.base, work)
    model = adapted(base.shape, base.weights, new_rows=base.new_rows, rank=arguments.rank)
    held = read_checkpoint(work / "run" / arguments.checkpoint)["model"]
    if model.load_state_dict(held, strict=False).unexpected_keys:
        raise TrainingError(f"{arguments.checkpoint} is no checkpoint of `train tune`")
    rows, _ = Rows(work / RENDERED).batch(0, CALIBRATION_ROWS)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_tensors(arguments.out / "delta.safetensors", delta_tensors(base, model, rows.numpy()))
    np.save(arguments.out / "kept.npy", np.load(work / "kept.npy"))
    size = (arguments.out / "delta.safetensors").stat().st_size
    print(f"{arguments.out}: delta.safetensors ({size / 1e6:.1f} MB) and kept.npy")
    return 0


def _base(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base", type=Path, required=True, help="the base's GGUF file")
    parser.add_argument("--work", type=Path, required=True, help="directory for what is made")
