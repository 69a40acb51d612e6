"""`train rl`: reinforcement learning after supervised training."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.commands.shared import (
    add_delta,
    add_work,
    documents,
    end_of,
    read_delta,
    say,
)

if TYPE_CHECKING:
    from torch import Tensor

    from nextedit_jupyter.training.network import DecoderModule, Shape
    from nextedit_jupyter.training.rl_questions import Question, Questions
    from nextedit_jupyter.training.rl_settings import RlSettings
    from nextedit_jupyter.training.run_folder import Run

    Setup = tuple[Run, DecoderModule, dict[str, str], Questions, Questions]

_TEXT = """\
Continue training a supervised model with rewards. Answers to next edits and typing carets of the
corpus become likelier if they parse and are similar to what was really written, and less likely if
they are wrong. Silence is worth nothing, or less where the original model would be right. WORK/rl/
gets log.jsonl, latest.pt and final.pt, start.pt (the original weights), and report.md, which
compares before and after on held-out packages and says whether it helped. Ship start.pt if not.

With --base, the adapters of `train tune` (or --delta) learn from the lines of real commits in
--edits, and are compared on those of --held-out; `train delta --run rl` ships what they learned."""


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    rl = steps.add_parser("rl", help="continue training with rewards", description=_TEXT)
    add_work(rl)
    begin = rl.add_mutually_exclusive_group()
    begin.add_argument("--init", type=Path, help="a bundle whose weights to start from")
    begin.add_argument("--checkpoint", help="one to start from, relative to WORK: run/final.pt")
    begin.add_argument("--resume", help="a checkpoint of the run itself, such as latest.pt")
    rl.add_argument("--base", type=Path, help="the base's GGUF file, to train its adapters")
    add_delta(rl)
    rl.add_argument("--rank", type=int, default=16, help="rank of the adapters (16)")
    rl.add_argument("--edits", type=Path, help="JSON Lines of commits to learn from (with --base)")
    rl.add_argument("--held-out", type=Path, help="JSON Lines of commits to compare on")
    budget = rl.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float, help="time budget, without the comparison's")
    budget.add_argument("--steps", type=int, help="budget in steps, those before --resume included")
    rl.add_argument("--run", dest="run_name", default="rl", help="the run's folder in WORK (rl)")
    rl.add_argument("--format", help="prompt format (the bundle's, or cells-spm-v1)")
    rl.add_argument("--prompts", type=int, default=4, help="prompts per step (4)")
    rl.add_argument("--samples", type=int, default=4, help="answers per prompt (4)")
    rl.add_argument("--length", type=int, default=384, help="maximum tokens of a prompt (384)")
    rl.add_argument("--max-new", type=int, default=64, help="maximum tokens of an answer (64)")
    rl.add_argument("--lr", type=float, help="learning rate (0.00002; 0.0001 for adapters)")
    rl.add_argument("--kl", type=float, default=0.04, help="weight of the KL to the start (0.04)")
    rl.add_argument("--updates", type=int, default=1, help="updates of the weights per draw (1)")
    rl.add_argument("--temperature", type=float, default=1.0)
    rl.add_argument("--inline", type=float, default=0.5, help="share of typing carets (0.5)")
    rl.add_argument(
        "--wanted", type=float, default=0.5, help="share of lines that were changed (0.5)"
    )
    rl.add_argument("--tasks", type=int, default=400, help="held-out tasks of the comparison (400)")
    rl.add_argument("--threads", type=int, default=2)
    rl.add_argument("--seed", type=int, default=0)
    rl.add_argument("--device", choices=("cpu", "cuda"), help="default: a GPU if there is one")
    rl.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.training import rl
    from nextedit_jupyter.training.cpu import use_threads
    from nextedit_jupyter.training.schedule import RunBudget

    settings = _settings(arguments)
    use_threads(settings.threads)
    folder: Path = arguments.work / arguments.run_name
    begin = _of_base if arguments.base else _of_bundle
    run, reference, origin, asked, held_out = begin(arguments, folder, settings)
    (folder / "begun.json").write_text(json.dumps(origin) + "\n", encoding="utf-8")
    tasks = held_out.draw("held out", arguments.tasks)
    budget = RunBudget(steps=arguments.steps, end=end_of(arguments.minutes))
    state = rl.train(run, reference, asked, settings, budget, progress=say)
    print(f"{folder / 'final.pt'}: {state.step} steps; comparing on {len(tasks)} tasks", flush=True)
    print(_report(folder, run, reference, tasks, settings, origin))
    return 0


def _of_bundle(arguments: argparse.Namespace, folder: Path, settings: RlSettings) -> Setup:
    """A run over all weights of a bundle or checkpoint, with questions about the corpus in WORK."""
    import torch

    from nextedit_jupyter.prompt import get_format
    from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
    from nextedit_jupyter.training import rl
    from nextedit_jupyter.training.commits.real_edit import read_edits
    from nextedit_jupyter.training.network import DecoderModule
    from nextedit_jupyter.training.rl_questions import CorpusQuestions

    if not (arguments.init or arguments.checkpoint or arguments.resume):
        raise TrainingError("start with --init, --checkpoint or --base, or continue with --resume")
    tokenizer = BundleTokenizer(_tokenizer(arguments.work, arguments.init))
    origin = _read_origin(folder, arguments)
    fmt = get_format(origin["format"])
    model = None
    if not arguments.resume:
        shape, weights = _start(arguments)
        if tokenizer.vocab_size > shape.vocab_size:
            raise TrainingError(
                f"the tokenizer of {arguments.work} has {tokenizer.vocab_size} tokens, the model "
                f"only {shape.vocab_size}: use the one that it was trained with"
            )
        model = DecoderModule(shape)
        model.load_state_dict(weights)
    resume = folder / arguments.resume if arguments.resume else None
    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    run, reference = rl.open_run(folder, model, settings, resume=resume, device=device)

    def questions(split: str) -> CorpusQuestions:
        return CorpusQuestions(
            documents(arguments.work, split, modules=False),
            fmt,
            tokenizer,
            settings,
            edits=list(read_edits(arguments.work / "edits" / split)),
        )

    return run, reference, origin, questions("train"), questions("validation")


def _of_base(arguments: argparse.Namespace, folder: Path, settings: RlSettings) -> Setup:
    """A run over the adapters of a base, with questions about the lines of real commits."""
    import torch

    from nextedit_jupyter.prompt import BundleTokenizer
    from nextedit_jupyter.prompt.cells_lines_v1 import CellsLinesV1
    from nextedit_jupyter.training import rl
    from nextedit_jupyter.training.pretrained import read_base
    from nextedit_jupyter.training.rl_lines import LineQuestions
    from nextedit_jupyter.training.tuning import adapted_base, tuned

    if arguments.init:
        raise TrainingError("--init is for a bundle; a base starts with --delta or --checkpoint")
    if not (arguments.edits and arguments.held_out):
        raise TrainingError("with --base, give commits by --edits and --held-out")
    delta = read_delta(arguments)
    base = read_base(arguments.base, arguments.work, seed=arguments.seed)
    if delta is None and arguments.checkpoint:
        path = arguments.work / arguments.checkpoint
        model = tuned(base, path.parent, path.name, rank=arguments.rank)
    elif delta is not None or arguments.resume:
        model = adapted_base(base, rank=arguments.rank, delta=delta)
    else:
        raise TrainingError(
            "adapters start with --delta or --checkpoint, or continue with --resume"
        )
    resume = folder / arguments.resume if arguments.resume else None
    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    run, reference = rl.open_run(folder, model, settings, resume=resume, device=device)
    fmt, tokenizer = CellsLinesV1(), BundleTokenizer(arguments.work / "tokenizer.json")
    origin = {"from": str(arguments.delta or arguments.checkpoint), "format": fmt.name}
    if arguments.resume:
        origin = _read_origin(folder, arguments)
    train, held_out = (
        LineQuestions(path, fmt, tokenizer, settings)
        for path in (arguments.edits, arguments.held_out)
    )
    return run, reference, origin, train, held_out


def _settings(arguments: argparse.Namespace) -> RlSettings:
    from nextedit_jupyter.training.rl_settings import RlSettings

    names = "prompts samples length max_new temperature updates kl inline wanted seed threads"
    given = {name: getattr(arguments, name) for name in names.split()}
    rate = arguments.lr if arguments.lr is not None else 1e-4 if arguments.base else 2e-5
    try:
        return RlSettings(lr=rate, **given)
    except ValueError as error:
        raise TrainingError(f"{error}: change the option") from None


def _report(
    folder: Path,
    run: Run,
    reference: DecoderModule,
    tasks: Sequence[Question],
    settings: RlSettings,
    origin: dict[str, str],
) -> str:
    """Write report.json and report.md, which compare before and after; returns the latter's
    text."""
    from nextedit_jupyter.training.rl_verdict import ask, compare, format_report

    report = {
        "steps": run.state.step,
        "seconds": round(run.state.seconds),
        "settings": asdict(settings),
        **origin,
        **compare(ask(reference, tasks, settings), ask(run.model, tasks, settings)),
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = format_report(report)
    (folder / "report.md").write_text(text + "\n", encoding="utf-8")
    return text


def _tokenizer(work: Path, bundle: Path | None) -> Path:
    """WORK's tokenizer, copied from the bundle if the run begins with one."""
    path = work / "tokenizer.json"
    if bundle is not None and (bundle / "tokenizer.json").exists():
        data = (bundle / "tokenizer.json").read_bytes()
        if not path.exists():
            work.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        elif path.read_bytes() != data:
            raise TrainingError(
                f"{path} is not the tokenizer of {bundle}: use the corpus in another folder, or "
                "the bundle that was trained there"
            )
    return path


def _start(arguments: argparse.Namespace) -> tuple[Shape, dict[str, Tensor]]:
    """The shape and float32 weights with which a run begins."""
    from nextedit_jupyter.training.from_bundle import bundle_weights
    from nextedit_jupyter.training.network import Shape
    from nextedit_jupyter.training.run_folder import read_checkpoint

    if arguments.init:
        return bundle_weights(arguments.init)
    payload = read_checkpoint(arguments.work / arguments.checkpoint)
    return Shape(**payload["shape"]), payload["model"]


def _read_origin(folder: Path, arguments: argparse.Namespace) -> dict[str, str]:
    """What a run began with and its prompt format, as recorded if it is resumed."""
    if arguments.resume:
        try:
            text = (folder / "begun.json").read_text(encoding="utf-8")
            origin: dict[str, str] = json.loads(text)
        except (OSError, ValueError) as error:
            raise TrainingError(f"{folder} has no run to continue ({error}): start one") from None
        return {**origin, "format": arguments.format or origin["format"]}
    name = "cells-spm-v1"
    if arguments.init:
        manifest = json.loads((arguments.init / "manifest.json").read_text(encoding="utf-8"))
        name = manifest.get("prompt_format", name)
    return {
        "from": str(arguments.init or arguments.checkpoint),
        "format": arguments.format or name,
    }
