"""`train experts`: compares adapters by domain with a single delta at the same cost."""

from __future__ import annotations

import argparse
from pathlib import Path

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.commands.shared import (
    HELD_OUT,
    RENDERED,
    add_base,
    add_delta,
    read_delta,
    say,
)


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    experts = steps.add_parser(
        "experts",
        help="compare one adapter per domain with a single one: WORK/experts",
        description="Sorts the rows of `train tune` by domain (plotting, data frames, modelling, "
        "text, shell). From the delta of that run (or --delta), trains one adapter per domain and "
        "a single one, and compares their losses on held-out rows. This ships nothing.",
    )
    add_base(experts)
    add_delta(experts)
    experts.add_argument("--checkpoint", default="final.pt", help="in WORK/run (final.pt)")
    experts.add_argument("--rank", type=int, default=16, help="rank of its adapters (16)")
    experts.add_argument("--steps", type=int, default=200, help="steps of each adapter (200)")
    experts.add_argument("--batch", type=int, default=2, help="sequences per step (2)")
    experts.add_argument("--length", type=int, help="cut rows to this many tokens")
    experts.add_argument(
        "--rate", type=float, default=0.2, help="share of the learning rates of `tune` (0.2)"
    )
    experts.add_argument("--held", type=int, default=40, help="held-out rows per domain (40)")
    experts.add_argument("--most", type=int, help="maximum number of rows to read")
    experts.add_argument("--threads", type=int, default=2)
    experts.add_argument("--seed", type=int, default=0)
    experts.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.prompt import BundleTokenizer
    from nextedit_jupyter.training.domain_experts import ExpertSettings, compare_experts
    from nextedit_jupyter.training.pretrained import read_base
    from nextedit_jupyter.training.run_folder import TokenRows
    from nextedit_jupyter.training.tuning import adapted_base, tuned

    if min(arguments.steps, arguments.batch, arguments.held) < 1:
        raise TrainingError("--steps, --batch and --held must be 1 or more")
    if arguments.length is not None and arguments.length < 16:
        raise TrainingError("--length must be 16 or more")
    work: Path = arguments.work
    delta = read_delta(arguments)
    base = read_base(arguments.base, work, seed=arguments.seed)
    if delta is not None:
        model = adapted_base(base, rank=arguments.rank, delta=delta)
    else:
        model = tuned(base, work / "run", arguments.checkpoint, rank=arguments.rank)
    end = None if arguments.length is None else arguments.length + 1
    settings = ExpertSettings(
        steps=arguments.steps,
        batch=arguments.batch,
        rate=arguments.rate,
        held=arguments.held,
        threads=arguments.threads,
        seed=arguments.seed,
    )
    found = compare_experts(
        model,
        TokenRows(work / RENDERED).rows[: arguments.most, :end],
        TokenRows(work / HELD_OUT).rows[:, :end],
        BundleTokenizer(work / "tokenizer.json"),
        work / "experts",
        settings,
        say,
    )
    (work / "experts" / "table.md").write_text(found.table() + "\n", encoding="utf-8")
    print(found.table())
    return 0
