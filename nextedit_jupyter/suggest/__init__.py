"""The three lanes behind one question: what should be offered here?

`Suggester.answer` is the one place that asks the lanes (symbols, patterns, model), gates what they
say and orders it; `build_suggester` opens a bundle for it.
"""

from __future__ import annotations

from nextedit_jupyter.suggest.build import build_suggester
from nextedit_jupyter.suggest.suggester import Suggester, SuggesterSettings

__all__ = ["Suggester", "SuggesterSettings", "build_suggester"]
