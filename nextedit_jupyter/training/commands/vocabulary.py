"""`train vocabulary`: chooses the tokens of a pre-trained base that notebooks use."""

from __future__ import annotations

import argparse
from pathlib import Path

from nextedit_jupyter.training.commands.shared import add_base


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    vocabulary = steps.add_parser(
        "vocabulary", help="choose the tokens of a base that notebooks use: WORK/kept.npy"
    )
    add_base(vocabulary)
    vocabulary.add_argument(
        "--notebooks", type=Path, action="append", required=True, help="JSON Lines (repeatable)"
    )
    vocabulary.add_argument("--size", type=int, default=16_384, help="with new tokens (16384)")
    vocabulary.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.training.pretrained import write_vocabulary
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
