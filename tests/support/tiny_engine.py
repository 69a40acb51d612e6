"""An engine on the tiny bundle, and prompts for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiny_bundle import SHAPE, make_bundle

from nextedit_jupyter.engine import Completion, Engine
from nextedit_jupyter.prompt import BundleTokenizer, Prompt


def open_engine(bundle: Path, **more: Any) -> Engine:
    """An engine on a bundle that `make_bundle` wrote."""
    return Engine(
        bundle / "model.onnx",
        BundleTokenizer(bundle / "tokenizer.json"),
        SHAPE,
        **more,
    )


def new_engine(folder: Path, **more: Any) -> Engine:
    return open_engine(make_bundle(folder / "bundle"), **more)


def prompt_of(
    ids: Sequence[int],
    *,
    heal: bytes = b"",
    stop: frozenset[int] = frozenset((2,)),
    source: tuple[int, ...] = (),
    kind: Any = "inline",
) -> Prompt:
    return Prompt(tuple(ids), stop, heal, kind, source)


def complete(engine: Engine, prompt: Prompt, max_new: int = 12, **more: Any) -> Completion:
    """Complete with a distant deadline."""
    more = {"deadline": time.monotonic() + 60, "cancelled": lambda: False, **more}
    return engine.complete(prompt, max_new=max_new, **more)
