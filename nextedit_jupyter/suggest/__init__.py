"""The suggester and its three lanes: what should be offered here?

`Suggester.answer` is the one place that asks the lanes (symbols, patterns, model) and gates and
orders their suggestions; `build_suggester` opens a bundle for it.
"""

from __future__ import annotations

from nextedit_jupyter.suggest.build import build_suggester
from nextedit_jupyter.suggest.suggester import Suggester, SuggesterSettings

__all__ = ["Suggester", "SuggesterSettings", "build_suggester"]
