"""`train search`: which prompt format a model learns best."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parsers(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    search = steps.add_parser("search", help="look for the prompt format that is learned best")
    search.add_argument("--work", type=Path, required=True, help="folder for what is made")
    search.add_argument(
        "--init", type=Path, required=True, help="the bundle that trials begin with"
    )
    search.add_argument("--trials", type=int, default=20)
    search.add_argument("--tokens", type=int, default=48_000, help="read in each trial")
    search.add_argument("--seed", type=int, default=0)
    search.add_argument("--threads", type=int, default=2)
    search.add_argument("--name", default="search", help="the search's folder in WORK")
    search.set_defaults(run=run_search)


def run_search(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.core.errors import TrainingError
    from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
    from nextedit_jupyter.training.corpus.document import read_documents
    from nextedit_jupyter.training.cpu import use_threads
    from nextedit_jupyter.training.format_search import Budget, Clock, format_table, search
    from nextedit_jupyter.training.from_bundle import bundle_weights, start_from
    from nextedit_jupyter.training.model import Decoder

    documents = {}
    for split in ("train", "validation"):
        path = arguments.work / "corpus" / f"{split}.jsonl"
        if not path.exists():
            raise TrainingError(f"there is no {path}: run `jupyter nextedit train data` first")
        documents[split] = [d for d in read_documents(path) if d.kind != "module"]
    use_threads(arguments.threads)
    model = Decoder(bundle_weights(arguments.init)[0])
    start_from(model, arguments.init)
    trials = search(
        model,
        BundleTokenizer(arguments.init / "tokenizer.json"),
        documents["train"],
        documents["validation"],
        arguments.work / arguments.name,
        trials=arguments.trials,
        seed=arguments.seed,
        budget=Budget(tokens=arguments.tokens),
        clock=Clock(arguments.init, threads=arguments.threads),
        progress=lambda line: print(line, flush=True),
    )
    print(format_table(trials))
    return 0
