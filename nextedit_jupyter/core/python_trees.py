"""Python's own syntax trees of texts that may be anything."""

from __future__ import annotations

import ast
import warnings
from typing import Literal

_TRIES = 3


def python_tree(text: str, mode: Literal["exec", "eval"] = "exec") -> ast.AST | None:
    """The tree of a text; None if it does not parse or is too much for the compiler. Never raises.

    Before Python 3.13 the compiler counts its depth for all threads together: one that compiles
    meanwhile may make it raise SystemError, which says nothing about the text.
    """
    for _ in range(_TRIES):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return compile(text, "<text>", mode, ast.PyCF_ONLY_AST, dont_inherit=True)
        except SystemError:
            continue
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return None
