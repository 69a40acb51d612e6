"""`train data`: downloads a recipe's packages and extracts documents."""

from __future__ import annotations

import argparse
from pathlib import Path

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.commands.shared import add_work
from nextedit_jupyter.training.progress import Bar


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    data = steps.add_parser("data", help="fetch packages and extract documents")
    data.add_argument("recipe", type=Path)
    add_work(data)
    data.add_argument("--offline", action="store_true", help="use fetched archives only")
    data.add_argument("--processes", type=int, default=2)
    data.add_argument("--scheduler", metavar="ADDRESS", help="address of a Dask cluster to run on")
    data.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.training.corpus.assemble import build
    from nextedit_jupyter.training.corpus.fetch import fetch
    from nextedit_jupyter.training.corpus.recipe import read_recipe

    recipe = read_recipe(arguments.recipe)
    archives = arguments.work / "archives"
    if not arguments.offline:
        failed = []
        with Bar("fetching", len(recipe.sources), "package") as bar:
            for source, archive, why in fetch(list(recipe.sources), archives):
                bar.step(source.name)
                if archive is None:
                    failed.append(f"{source.name}=={source.version}: {why or 'no archive'}")
        if failed:
            raise TrainingError(
                "these packages could not be fetched; try again, or take them out of the recipe:\n"
                + "\n".join(failed)
            )
    with Bar("extracting", 2 * len(recipe.sources), "package") as bar:
        report = build(
            recipe,
            archives,
            arguments.work / "corpus",
            processes=arguments.processes,
            scheduler=arguments.scheduler,
            progress=bar.step,
        )
    print(f"{len(recipe.sources)} packages, near-duplicates dropped: {report['near_duplicates']}")
    return 0
