"""The interface of rules, and what they can ask about the notebook."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from nextedit_jupyter.analysis.flat_tree import Node, SyntaxTree, TreeCache
from nextedit_jupyter.analysis.patterns.nodes import callee, dotted, imports_of
from nextedit_jupyter.core import KernelFacts, NamedObject, Notebook, Replacement

Trust = Literal["known", "specific", "weak"]


class Rule(Protocol):
    """A generalised change.

    `needle` is a text that every place contains, so that other cells need not be parsed. `examples`
    is how many changes by the user it needs. `trust` is its evidence: the kernel knows that the old
    name is gone and the new one exists; the change is specific; or only the examples.
    """

    @property
    def needle(self) -> str: ...
    @property
    def examples(self) -> int: ...
    @property
    def trust(self) -> Trust: ...
    @property
    def what(self) -> str:
        """The label's text: "change lr= to learning_rate="."""

    @property
    def where(self) -> str:
        """The label's noun for its places: "call of SGD"."""

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        """The places where the rule applies, in document order, disjoint."""


@dataclass(frozen=True, slots=True)
class Callee:
    """A callee, by its last name.

    `roots` are the names under which its library is imported: `SGD` and `optimizers.SGD` of keras
    are the same, `ax.plot` and `plt.plot` are not. None if it was not imported; then `foreign` are
    the imported names.
    """

    name: str
    roots: frozenset[str] | None
    foreign: frozenset[str]

    def fits(self, call: Node) -> bool:
        function = call.child("function")
        if function is None or callee(call) != self.name:
            return False
        path = dotted(function)
        if self.roots is not None:
            return path is not None and path[0] in self.roots
        return path is None or path[0] not in self.foreign


@dataclass(slots=True)
class Around:
    """What a rule can ask about the notebook: the texts before the user's changes, and the
    kernel."""

    notebook: Notebook
    before: Mapping[str, str]
    facts: KernelFacts
    trees: TreeCache
    _imports: dict[str, str] | None = None

    def existed(self, name: str) -> bool:
        """Whether the name (dotted or not) occurred anywhere before the changes."""
        pattern = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
        return any(name in text and pattern.search(text) for text in self.texts())

    def existed_quoted(self, content: str) -> bool:
        return any(
            content in text and (f'"{content}"' in text or f"'{content}'" in text)
            for text in self.texts()
        )

    def existed_attribute(self, name: str) -> bool:
        pattern = re.compile(rf"\.\s*{re.escape(name)}(?!\w)")
        return any(name in text and pattern.search(text) for text in self.texts())

    def is_a_name(self, word: str) -> bool:
        """Whether the word, in any case, is a name in the code."""
        for text in self.texts():
            if word in text or word.lower() in text:
                names = {node.text.lower() for node in self.trees.tree(text).of_kind("identifier")}
                if word.lower() in names:
                    return True
        return False

    @property
    def imports(self) -> Mapping[str, str]:
        """The names that are imported anywhere, each with the dotted path that it refers to."""
        if self._imports is None:
            self._imports = {n.name: n.module or n.name for n in self.facts.names if _is_module(n)}
            for text in self.texts():
                if "import" not in text:
                    continue
                for statement in self.trees.tree(text).of_kind(
                    "import_statement", "import_from_statement"
                ):
                    self._imports.update(imports_of(statement))
        return self._imports

    def imported(self, name: str) -> str | None:
        """The dotted path that the name was imported as; None if no cell imports it."""
        return self.imports.get(name)

    def callee(self, call: Node) -> Callee | None:
        """The call's callee, to recognise other calls of it; None if it has no name."""
        name, function = callee(call), call.child("function")
        if name is None or function is None:
            return None
        path = dotted(function)
        whole = self.imported(path[0]) if path is not None else None
        if whole is None:
            return Callee(name, None, frozenset(self.imports))
        top = whole.split(".", 1)[0]
        roots = (root for root, path in self.imports.items() if path.split(".", 1)[0] == top)
        return Callee(name, frozenset(roots), frozenset())

    def is_bound(self, name: str) -> bool:
        """Whether a cell binds the name other than by importing it."""
        word = re.escape(name)
        pattern = re.compile(
            # The gap is bounded, because a line may be as long as a cell.
            rf"(?<![\w.]){word}\s*(?:=(?!=)|:[^\n=]{{0,200}}=(?!=)|,[^\n=()]{{0,200}}=(?!=)|:=)"
            rf"|,\s*{word}\s*(?:,[^\n=]{{0,200}})?=(?!=)"
            rf"|\bfor\b[^\n]{{0,200}}?(?<![\w.]){word}\b[^\n]{{0,100}}\bin\b"
            rf"|\bas\s+{word}\b(?=\s*[:,)])"
            rf"|\b(?:def|class)\s+{word}\b"
        )
        return any(name in text and self._binds(pattern, text) for text in self.texts())

    def defines(self, name: str) -> bool:
        """Whether a cell has a function, a method or a class of that name."""
        pattern = re.compile(rf"\b(?:def|class)\s+{re.escape(name)}\b")
        return any(name in text and pattern.search(text) for text in self.texts())

    def members(self, name: str) -> frozenset[str]:
        """The public attributes of the name according to the kernel; empty if unknown."""
        known = self.facts.named(name)
        return frozenset(known.members) if known is not None else frozenset()

    def _binds(self, pattern: re.Pattern[str], text: str) -> bool:
        for match in pattern.finditer(text):
            low = max(0, match.start() - 300)  # a line may be as long as a cell
            line = text[max(low, text.rfind("\n", low, match.start()) + 1) : match.start()]
            # `f(name=…)` is a keyword, not an assignment.
            if line.count("(") <= line.count(")"):
                return True
        return False

    def texts(self) -> Iterator[str]:
        for cell in self.notebook.cells:
            if cell.is_code:
                yield self.before.get(cell.id, cell.source)


def _is_module(known: NamedObject) -> bool:
    return known.type == "module"
