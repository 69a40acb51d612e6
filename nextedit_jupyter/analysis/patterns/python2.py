"""Python 2's print statements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nextedit_jupyter.analysis.flat_tree import SyntaxTree
from nextedit_jupyter.analysis.patterns.changed_nodes import NodeChange
from nextedit_jupyter.analysis.patterns.nodes import callee
from nextedit_jupyter.analysis.patterns.rule import Around, Rule, Trust
from nextedit_jupyter.core import Replacement


@dataclass(frozen=True, slots=True)
class PrintCalled:
    """Python 2's `print x` to `print(x)`."""

    needle: str = "print"
    examples: int = 1
    trust: Trust = "specific"

    @property
    def what(self) -> str:
        return "change print … to print(…)"

    @property
    def where(self) -> str:
        return "statement"

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        found = []
        for node in tree.of_kind("print_statement"):
            given = [child for child in node.named_children if child.kind != "chevron"]
            if len(given) != len(node.named_children) or not given:
                continue
            if node.children[-1].kind == ",":
                continue  # a trailing comma keeps the line open
            inner = tree.text[given[0].start : given[-1].end]
            found.append(Replacement(node.start, node.end, f"print({inner})"))
        return found


def print_rules(change: NodeChange, around: Around) -> Iterator[Rule]:
    for old, new in ((change.old, change.new), (change.old.parent, change.new)):
        if old is None or old.kind != "print_statement" or new.kind != "call":
            continue
        if callee(new) == "print":
            yield PrintCalled()
            return
