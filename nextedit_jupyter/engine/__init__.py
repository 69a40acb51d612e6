"""The model at run time: onnxruntime session, decode loop, prefix cache, drafts, masks, filters.

Importing this package loads numpy; onnxruntime is loaded by the first `Engine`.
"""

from __future__ import annotations

from nextedit_jupyter.engine.constraint import Constraint, FactsConstraint, constraint_for
from nextedit_jupyter.engine.engine import Completion, Engine
from nextedit_jupyter.engine.filters import hidden_characters, is_clean

__all__ = [
    "Completion",
    "Constraint",
    "Engine",
    "FactsConstraint",
    "constraint_for",
    "hidden_characters",
    "is_clean",
]
