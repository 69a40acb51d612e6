"""Patterns from pyplot's functions to the methods of Axes, including related ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nextedit_jupyter.analysis.flat_tree import SyntaxTree
from nextedit_jupyter.analysis.patterns.changed_nodes import NodeChange
from nextedit_jupyter.analysis.patterns.nodes import arguments_of, dotted, is_bound_at, words
from nextedit_jupyter.analysis.patterns.rule import Around, Rule, Trust
from nextedit_jupyter.core import Replacement

# pyplot's functions and the equivalent methods of Axes.
_AXES_SETTERS = words("title xlabel ylabel zlabel xlim ylim xticks yticks xscale yscale")
_AXES_METHODS = words(
    "plot scatter bar barh hist hist2d imshow legend grid axhline axvline axhspan axvspan"
    " fill_between fill_betweenx errorbar boxplot violinplot contour contourf pcolormesh text"
    " annotate stem step pie tick_params hlines vlines loglog semilogx semilogy hexbin quiver"
    " stackplot table margins axis matshow stairs eventplot bar_label clabel twinx twiny"
)


@dataclass(frozen=True, slots=True)
class AxesMethods:
    """`plt.title(…)` to `ax.set_title(…)`, with all related calls, in cells that create an `ax`."""

    module: str
    axes: str
    examples: int = 1
    trust: Trust = "specific"

    @property
    def needle(self) -> str:
        return self.module + "."

    @property
    def what(self) -> str:
        return f"change {self.module}.… to {self.axes}.…"

    @property
    def where(self) -> str:
        return "call"

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        made = _made_at(tree, self.axes.split("[")[0])
        if made is None:
            return []
        found = []
        for call in tree.of_kind("call"):
            function = call.child("function")
            if function is None or function.kind != "attribute" or call.start < made:
                continue
            parts = dotted(function)
            if parts is None or len(parts) != 2 or parts[0] != self.module:
                continue
            method = axes_method(parts[1])
            if method is None or (parts[1] in _AXES_SETTERS and not arguments_of(call)):
                continue  # without arguments it returns the limits
            found.append(Replacement(function.start, function.end, f"{self.axes}.{method}"))
        return found


def axes_method(function: str) -> str | None:
    """The method of Axes for a function of pyplot; None if there is none."""
    if function in _AXES_SETTERS:
        return f"set_{function}"
    return function if function in _AXES_METHODS else None


def _made_at(tree: SyntaxTree, name: str) -> int | None:
    for node in tree.of_kind("identifier"):
        if node.text == name and is_bound_at(node):
            return node.start
    return None


def axes_rule(was: tuple[str, ...], now: tuple[str, ...], around: Around) -> Rule | None:
    if len(was) != 2 or len(now) != 2 or axes_method(was[1]) != now[1]:
        return None
    path = around.imported(was[0])
    if was[0] != "plt" and path != "matplotlib.pyplot":
        return None
    return AxesMethods(was[0], now[0])


def axes_subscript_rules(change: NodeChange, around: Around) -> Iterator[Rule]:
    """`plt.title` to `axes[0].set_title`, whose object is not a dotted path."""
    for old, new in change.pairs:
        if old.kind != "attribute" or new.kind != "attribute":
            continue
        was, inner, attribute = dotted(old), new.child("object"), new.child("attribute")
        if was is None or len(was) != 2 or inner is None or attribute is None:
            return
        pyplot = was[0] == "plt" or around.imported(was[0]) == "matplotlib.pyplot"
        if pyplot and inner.kind == "subscript" and axes_method(was[1]) == attribute.text:
            yield AxesMethods(was[0], inner.text)
        return
