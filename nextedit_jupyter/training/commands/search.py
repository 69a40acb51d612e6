"""`train search`: finds the prompt format that a model learns best."""

from __future__ import annotations

import argparse
from pathlib import Path

from nextedit_jupyter.training.commands.shared import add_work, documents, say


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    search = steps.add_parser("search", help="search for the prompt format that is learned best")
    add_work(search)
    search.add_argument(
        "--init", type=Path, required=True, help="the bundle that trials start from"
    )
    search.add_argument("--trials", type=int, default=20)
    search.add_argument("--tokens", type=int, default=48_000, help="tokens read in each trial")
    search.add_argument("--seed", type=int, default=0)
    search.add_argument("--threads", type=int, default=2)
    search.add_argument("--name", default="search", help="the search's folder in WORK")
    search.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
    from nextedit_jupyter.training.cpu import use_threads
    from nextedit_jupyter.training.format_search import Clock, TrialBudget, format_table, search
    from nextedit_jupyter.training.from_bundle import bundle_weights, start_from
    from nextedit_jupyter.training.network import DecoderModule

    use_threads(arguments.threads)
    model = DecoderModule(bundle_weights(arguments.init)[0])
    start_from(model, arguments.init)
    trials = search(
        model,
        BundleTokenizer(arguments.init / "tokenizer.json"),
        documents(arguments.work, "train", modules=False),
        documents(arguments.work, "validation", modules=False),
        arguments.work / arguments.name,
        trials=arguments.trials,
        seed=arguments.seed,
        budget=TrialBudget(tokens=arguments.tokens),
        clock=Clock(arguments.init, threads=arguments.threads),
        progress=say,
    )
    print(format_table(trials))
    return 0
