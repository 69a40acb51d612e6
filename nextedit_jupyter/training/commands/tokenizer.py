"""`train tokenizer`: trains a vocabulary on the corpus."""

from __future__ import annotations

import argparse

from nextedit_jupyter.training.commands.shared import add_work, documents


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    tokenizer = steps.add_parser("tokenizer", help="train the tokenizer on the documents")
    add_work(tokenizer)
    tokenizer.add_argument("--vocab-size", type=int, default=8192)
    tokenizer.add_argument(
        "--module-chars", type=int, default=8_000_000, help="library code taken (default 8 M)"
    )
    tokenizer.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    import random

    from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
    from nextedit_jupyter.training.bpe import balanced, train_tokenizer

    trained_on = documents(arguments.work, "train")
    random.Random(1).shuffle(trained_on)
    path = arguments.work / "tokenizer.json"
    texts = ((document.kind, "\n".join(document.cells)) for document in trained_on)
    train_tokenizer(
        balanced(texts, module_chars=arguments.module_chars),
        path,
        vocab_size=arguments.vocab_size,
    )
    tokenizer = BundleTokenizer(path)
    held = [d for d in documents(arguments.work, "validation") if d.kind != "module"]
    chars = sum(len("\n".join(document.cells)) for document in held)
    tokens = sum(len(tokenizer.encode("\n".join(document.cells))) for document in held)
    print(
        f"{path}: {tokenizer.vocab_size} tokens, "
        f"{chars / max(1, tokens):.2f} characters per token on held-out notebooks"
    )
    return 0
