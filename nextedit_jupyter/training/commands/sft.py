"""`train sft`: supervised training."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.commands.shared import add_budget, add_work, budget_of


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sft = steps.add_parser("sft", help="train, or continue training")
    add_work(sft)
    sft.add_argument(
        "--stage",
        action="append",
        required=True,
        help="in order (repeatable); `s1#2000` is its first 2,000 sequences",
    )
    sft.add_argument("--run", dest="run_name", default="run", help="the run's folder in WORK")
    sft.add_argument("--init", type=Path, help="a bundle whose weights to start from")
    sft.add_argument("--resume", help="a checkpoint of the run, such as stable.pt or latest.pt")
    add_budget(sft, decay_minutes=20.0)
    sft.add_argument("--batch", type=int, default=8, help="sequences per step and process")
    sft.add_argument("--matrix-lr", type=float, default=0.02, help="Muon's peak learning rate")
    sft.add_argument("--other-lr", type=float, default=3e-3, help="AdamW's peak learning rate")
    sft.add_argument("--device", choices=("cpu", "cuda"), help="default: a GPU if there is one")
    sft.add_argument("--no-compile", action="store_true")
    sft.add_argument(
        "--float32", action="store_true", help="faster than bfloat16 on most CPUs without AMX"
    )
    sft.add_argument("--shape", type=json.loads, default={}, help="JSON, e.g. '{\"layers\": 8}'")
    sft.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
    from nextedit_jupyter.training.cpu import use_threads
    from nextedit_jupyter.training.from_bundle import bundle_weights, start_from
    from nextedit_jupyter.training.network import Shape
    from nextedit_jupyter.training.processes import join
    from nextedit_jupyter.training.run_log import plot_losses
    from nextedit_jupyter.training.sft import SftSettings, open_run, train

    budget = budget_of(arguments)
    if arguments.init and arguments.resume:
        raise TrainingError("give --init to start a run or --resume to continue one, not both")
    vocab_size = BundleTokenizer(arguments.work / "tokenizer.json").vocab_size
    shape = Shape(**{"vocab_size": vocab_size, **arguments.shape})
    if arguments.init and not arguments.shape:
        shape = bundle_weights(arguments.init)[0]
        if shape.vocab_size < vocab_size:
            raise TrainingError(
                f"the bundle {arguments.init} has {shape.vocab_size} tokens, the tokenizer of "
                f"{arguments.work} {vocab_size}: render the examples with the bundle's tokenizer"
            )
    settings = SftSettings(
        batch=arguments.batch,
        matrix_lr=arguments.matrix_lr,
        other_lr=arguments.other_lr,
        threads=arguments.threads,
        device=arguments.device,
        seed=arguments.seed,
        compile=not arguments.no_compile,
        bfloat16=not arguments.float32,
    )
    folder = arguments.work / arguments.run_name
    resume = folder / arguments.resume if arguments.resume else None
    validation = arguments.work / "validation.npy"
    use_threads(arguments.threads)
    with join(arguments.device) as processes:
        run = open_run(folder, shape, settings, resume=resume, processes=processes)
        if arguments.init:
            start_from(run.model, arguments.init)
        state = train(
            run,
            [_stage_file(arguments.work, stage) for stage in arguments.stage],
            settings,
            budget,
            validation=validation if validation.exists() else None,
        )
        if processes.first:
            plot_losses(folder)
            print(f"{folder / 'final.pt'}: {state.step} steps, {state.tokens / 1e6:.2f} M tokens")
    return 0


def _stage_file(work: Path, stage: str) -> str:
    name, mark, rows = stage.partition("#")
    return f"{work / name}.npy{mark}{rows}"
