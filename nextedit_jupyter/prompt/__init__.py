"""Prompt formats: named, versioned, the same code for serving and training.

Imports neither torch nor onnxruntime; `tokenizers` is loaded by `BundleTokenizer` only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nextedit_jupyter.core import NextEditError
from nextedit_jupyter.prompt import fim
from nextedit_jupyter.prompt.cells_lines_v1 import CellsLinesV1
from nextedit_jupyter.prompt.cells_spm_v1 import CellsSpmV1
from nextedit_jupyter.prompt.format import EncodingCache, Prompt, PromptFormat
from nextedit_jupyter.prompt.plain import PlainCausal
from nextedit_jupyter.prompt.sweep import Sweep
from nextedit_jupyter.prompt.tokenizer import BundleTokenizer, TextTokenizer
from nextedit_jupyter.prompt.variants import VARIANTS, variant
from nextedit_jupyter.prompt.zeta import Zeta

__all__ = [
    "BundleTokenizer",
    "EncodingCache",
    "Prompt",
    "PromptFormat",
    "TextTokenizer",
    "format_names",
    "get_format",
]

_FORMATS: dict[str, Callable[[], PromptFormat]] = {
    "cells-lines-v1": CellsLinesV1,
    "cells-spm-v1": CellsSpmV1,
    "fim-qwen": fim.qwen,
    "fim-starcoder": fim.starcoder,
    "fim-codellama": fim.code_llama,
    "fim-seed": fim.seed,
    "plain-ltr-v1": PlainCausal,
    "sweep": Sweep,
    "zeta-2.1": Zeta,
    **{name: partial(variant, name) for name in VARIANTS},
}


def format_names() -> tuple[str, ...]:
    """The known formats' names."""
    return tuple(sorted(_FORMATS))


def get_format(name: str) -> PromptFormat:
    """A format with a cache of its own. Raises NextEditError that names the known ones."""
    try:
        return _FORMATS[name]()
    except KeyError:
        known = ", ".join(format_names())
        raise NextEditError(
            f"the prompt format {name!r} is not known (known: {known}): update nextedit-jupyter "
            "or choose another bundle"
        ) from None
