"""`train examples`: renders a recipe's stages to packed files."""

from __future__ import annotations

import argparse
from pathlib import Path

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.commands.shared import add_work, documents


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    examples = steps.add_parser("examples", help="render a recipe's stages to packed files")
    examples.add_argument("recipe", type=Path)
    add_work(examples)
    examples.add_argument("--stage", action="append", help="only this stage (repeatable)")
    examples.add_argument("--length", type=int, default=1024, help="tokens per sequence")
    examples.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    import random

    from nextedit_jupyter.prompt.control import PAD
    from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
    from nextedit_jupyter.training.commits.real_edit import read_edits
    from nextedit_jupyter.training.examples import Mix, plain_document
    from nextedit_jupyter.training.mixture import read_stages, render_stage
    from nextedit_jupyter.training.packing import pack, write_packed

    stages = read_stages(arguments.recipe)
    wanted = arguments.stage or [stage.name for stage in stages]
    unknown = set(wanted) - {stage.name for stage in stages}
    if unknown:
        raise TrainingError(f"the recipe has no stage {', '.join(sorted(unknown))}")
    tokenizer = BundleTokenizer(arguments.work / "tokenizer.json")
    trained_on = documents(arguments.work, "train")
    edits = list(read_edits(arguments.work / "edits" / "train"))
    for stage in stages:
        if stage.name in wanted:
            rows = render_stage(
                stage, trained_on, tokenizer, length=arguments.length, edits=edits, progress=print
            )
            write_packed(arguments.work / f"{stage.name}.npy", rows)
            print(f"{stage.name}: {rows.shape[0]} sequences of {arguments.length} tokens")
    rng = random.Random(5)
    pieces = [
        piece
        for document in documents(arguments.work, "validation")
        if document.kind != "module"
        for piece in plain_document(document, tokenizer, rng, Mix(), length=arguments.length + 1)
    ]
    if pieces:
        packed = pack(pieces, length=arguments.length, pad=tokenizer.control(PAD))
        write_packed(arguments.work / "validation.npy", packed)
    return 0
