"""The whole pipeline on a small scale: from a folder of code to a bundle, in about two minutes.

The model completes nothing useful; it shows that every step works, and tests use it.
"""

from __future__ import annotations

import random
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path

from nextedit_jupyter.bundles.manifest import Identity
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt.control import PAD
from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
from nextedit_jupyter.training.bpe import train_tokenizer
from nextedit_jupyter.training.corpus.document import Document, write_documents
from nextedit_jupyter.training.corpus.extract import Skipped, extract_file, walk_folder
from nextedit_jupyter.training.corpus.quality import NearDuplicates, clean, without_duplicates
from nextedit_jupyter.training.examples import Mix, edit_document, session_document
from nextedit_jupyter.training.export import Graphs, export_bundle
from nextedit_jupyter.training.network import Shape
from nextedit_jupyter.training.packing import pack, write_packed
from nextedit_jupyter.training.schedule import RunBudget
from nextedit_jupyter.training.sft import SftSettings, open_run, train

TINY = Shape(vocab_size=1024, width=96, layers=2, heads=4, kv_heads=2, head_dim=32, hidden=256)
MAX_CHARS = 1_500_000
_STANDARD = ("json", "collections", "email", "http", "logging", "importlib", "concurrent")


def train_tiny(
    folders: Sequence[Path],
    out: Path,
    *,
    work: Path,
    steps: int = 150,
    seed: int = 0,
    shape: Shape = TINY,
    length: int = 256,
    progress: Callable[[str], None] = print,
) -> None:
    """Corpus, tokenizer, examples, training and export; raises TrainingError if there are no
    data."""
    roots = list(folders) or [Path(sysconfig.get_paths()["stdlib"], name) for name in _STANDARD]
    work.mkdir(parents=True, exist_ok=True)
    documents = collect(roots)
    progress(f"corpus: {len(documents)} documents")
    write_documents(work / "train.jsonl", documents)

    path = work / "tokenizer.json"
    texts = ("\n".join(document.cells) for document in documents)
    train_tokenizer(texts, path, vocab_size=shape.vocab_size)
    tokenizer = BundleTokenizer(path)
    progress(f"tokenizer: {tokenizer.vocab_size} tokens")

    rng, mix = random.Random(seed), Mix()
    pieces: list[list[int]] = []
    for document in documents:
        pieces += session_document(document, tokenizer, rng, mix, length=length + 1)
        edit = edit_document(document, tokenizer, rng, mix, length=length + 1)
        pieces += [edit] if edit else []
    rng.shuffle(pieces)
    rows = pack(pieces, length=length, pad=tokenizer.control(PAD))
    write_packed(work / "tiny.npy", rows)
    progress(f"examples: {len(rows)} sequences of {length} tokens")

    settings = SftSettings(batch=8, warmup_steps=10, compile=False, seed=seed)
    run = open_run(work / "run", shape, settings)
    budget = RunBudget(steps=steps, decay_steps=steps // 3)
    train(run, work / "tiny.npy", settings, budget, progress=progress)
    graphs = Graphs(work / "run" / "final.pt")
    export_bundle(graphs, path, out, Identity("nextedit-tiny", "0.0.1", "cells-spm-v1"))
    progress(f"bundle: {out}")


def collect(roots: Sequence[Path]) -> list[Document]:
    """Documents from some folders, up to `MAX_CHARS` characters."""
    skipped, near, documents = Skipped(), NearDuplicates(), []
    left = MAX_CHARS
    for root in roots:
        for name, data in walk_folder(root, skipped):
            found = [
                kept
                for document in extract_file(root.name, name, data, skipped)
                if (kept := clean(document, skipped)) is not None
            ]
            for document in without_duplicates(found, near, skipped):
                documents.append(document)
                left -= document.chars
            if left < 0:
                return documents
    if not documents:
        why = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
        raise TrainingError(
            f"no Python code was found in {', '.join(map(str, roots)) or 'no folder'}"
            f"{f' ({why})' if why else ''}: give folders with .py or .ipynb files"
        )
    return documents
