"""Patterns: rules that generalise the last changes over syntax trees.

`changes` finds the smallest nodes that differ between two texts of a cell; `rules_of` returns the
rules that one change may be an example of, most specific first. A rule knows how many examples it
needs before it is offered, and finds its other places in a tree. Names of variables belong to the
symbols lane, which knows scopes. Comments, docstrings and prose are never changed, and no rule
guesses between two things that both already exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nextedit_jupyter.analysis.patterns.arguments import keyword_rules
from nextedit_jupyter.analysis.patterns.attribute_patterns import attribute_rules
from nextedit_jupyter.analysis.patterns.axes import axes_subscript_rules
from nextedit_jupyter.analysis.patterns.changed_nodes import NodeChange, changes, is_half_typed
from nextedit_jupyter.analysis.patterns.formatted import format_rules
from nextedit_jupyter.analysis.patterns.paths import path_rules
from nextedit_jupyter.analysis.patterns.python2 import print_rules
from nextedit_jupyter.analysis.patterns.rule import Around, Rule
from nextedit_jupyter.analysis.patterns.shapes import literal_comparison_rules, shared_shape
from nextedit_jupyter.analysis.patterns.strings import string_rules

__all__ = ["Around", "NodeChange", "Rule", "changes", "is_half_typed", "rules_of", "shared_shape"]

_DETECTORS: tuple[Callable[[NodeChange, Around], Iterable[Rule]], ...] = (
    keyword_rules,
    path_rules,
    axes_subscript_rules,
    attribute_rules,
    string_rules,
    literal_comparison_rules,
    print_rules,
    format_rules,
)


def rules_of(change: NodeChange, around: Around) -> list[Rule]:
    """The rules that this change may be an example of, the most specific first."""
    return [rule for detect in _DETECTORS for rule in detect(change, around)]
