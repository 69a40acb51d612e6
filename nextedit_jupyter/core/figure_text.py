"""Figure facts as text: short lines for a prompt and for people, and which columns a cell draws.

Pure functions over facts and sources; nothing here knows matplotlib. `core.plot_calls` says what
may be passed to a plotting call.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

from nextedit_jupyter.core.cache import by_text
from nextedit_jupyter.core.facts import AxesFacts, FigureFacts
from nextedit_jupyter.core.python_trees import python_tree

MAX_LINES = 6
MAX_LINE = 160
MAX_SOURCE = 10_000  # characters of a cell that is parsed for columns: 5 ms
_UNTOLD = frozenset(("colors", "names"))
# Calls whose first two arguments are x and y; others (hist, boxplot) draw one column along x.
_XY_CALLS = {"bar", "errorbar", "fill_between", "hexbin", "hist2d", "loglog", "plot", "scatter",
             "semilogx", "semilogy", "stackplot", "stem", "step"}  # fmt: skip
_YX_CALLS = {"barh", "fill_betweenx"}
_ONE_CALLS = {"boxplot", "ecdf", "hist", "violinplot"}
# Calls of seaborn, plotly express and altair, which take columns by name.
_NAMED_CALLS = {"barplot", "boxplot", "boxenplot", "countplot", "ecdfplot", "histplot", "kdeplot",
                "lineplot", "pointplot", "regplot", "relplot", "displot", "catplot", "lmplot",
                "scatterplot", "stripplot", "swarmplot", "violinplot", "jointplot", "residplot",
                "area", "density_contour", "ecdf", "encode", "histogram", "line", "scatter",
                "scatter_3d", "strip", "violin", "box"}  # fmt: skip
_EXPRESS = {"px", "express"}
_DRAWS = re.compile(r"plot|scatter|hist|bar|pie|step|stem|fill_|hexbin|line|encode|px\.")
_MAGIC = re.compile(r"^([ \t]*)[%!][^\n]*", re.M)
_COLOURS = frozenset((*"bgrcmykw", "black", "white", "red", "green", "blue", "gray", "grey"))
_FIELD = re.compile(r"\A(?:\w+\()?([^():]+?)\)?(?::[A-Z])?\Z")  # altair's `mean(price):Q`


@dataclass(frozen=True, slots=True)
class DrawnColumns:
    """The columns that a cell draws, as named in its source; each once, in order."""

    x: tuple[str, ...] = ()
    y: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawingCall:
    """A drawing call: the columns it takes, and what it draws on (`ax`, `axes[0]`, `plt`).

    If the call itself finds or creates the axes, as seaborn's calls do, `owner` is the object that
    it is called on.
    """

    owner: str
    columns: DrawnColumns


def figure_lines(
    figures: Sequence[FigureFacts], limit: int = MAX_LINES, mark: str = "#"
) -> tuple[str, ...]:
    """Comment lines about the newest figure: `# figure: xlabel='height' legend=['a', 'b']`."""
    if not figures:
        return ()
    newest = figures[-1]
    lines = [f"{mark} figure: title={newest.title!r}"] if newest.title else []
    for axes in newest.axes:
        told = [
            f"{one.name}={_shown(value)}"
            for one in fields(axes)
            if one.name not in _UNTOLD and (value := getattr(axes, one.name))
            if not (one.name == "groups" and value == axes.legend)
        ]
        if told and told != ["projection='rectilinear'"]:
            told = [text for text in told if text != "projection='rectilinear'"]
            name = f"{axes.names[0]}: " if axes.names else ""
            lines.append(f"{mark} figure: {name}{' '.join(told)}"[:MAX_LINE])
    return tuple(lines[:limit])


def draws(source: str) -> bool:
    """Whether a cell may draw something, by its words: cheap."""
    return _DRAWS.search(source) is not None


@by_text(500_000)
def drawing_calls(source: str) -> tuple[DrawingCall, ...]:
    """The calls of a cell that draw columns; none if the cell does not parse."""
    if len(source) > MAX_SOURCE or not draws(source):
        return ()
    tree = python_tree(_MAGIC.sub(r"\1pass", source))
    try:
        return tuple(_calls(tree)) if tree is not None else ()
    except (ValueError, RecursionError, MemoryError):
        return ()


def drawn_columns(source: str, owners: frozenset[str] | None = None) -> DrawnColumns:
    """The columns that a cell's calls take; only calls on these `owners`, if any are given."""
    calls = [c for c in drawing_calls(source) if owners is None or c.owner in owners]
    return DrawnColumns(
        _once(name for call in calls for name in call.columns.x),
        _once(name for call in calls for name in call.columns.y),
        _once(name for call in calls for name in call.columns.by),
    )


def _calls(tree: ast.AST, group: tuple[str, ...] = ()) -> Iterator[DrawingCall]:
    """Every drawing call in `tree`; `group` are the columns that the enclosing loops group by."""
    for node in ast.iter_child_nodes(tree):
        inside = group
        if isinstance(node, ast.For):
            inside = _grouped(node.iter) or group
        elif isinstance(node, ast.Call) and (call := _drawing(node, group)) is not None:
            yield call
        yield from _calls(node, inside)


def _grouped(node: ast.expr) -> tuple[str, ...]:
    """The columns grouped by in `for key, part in df.groupby("a")`."""
    if not isinstance(node, ast.Call) or _callee(node) != "groupby":
        return ()
    given = [*node.args[:1], *(one.value for one in node.keywords if one.arg == "by")]
    items = given[0].elts if given and isinstance(given[0], (ast.List, ast.Tuple)) else given
    return tuple(
        one.value for one in items if isinstance(one, ast.Constant) and isinstance(one.value, str)
    )


def _drawing(node: ast.Call, group: tuple[str, ...]) -> DrawingCall | None:
    name = _callee(node)
    given = {one.arg: one.value for one in node.keywords if one.arg}
    owner = _owner(node)
    pandas = _is_pandas_plot(node)
    express = owner.rpartition(".")[2] in _EXPRESS or name == "encode"
    named = "data" in given or pandas or express or (name in _NAMED_CALLS and name not in _XY_CALLS)
    places: list[ast.expr | None] = [given.get("x"), given.get("y")]
    if pandas or express:
        pass
    elif name in _XY_CALLS or name in _YX_CALLS:
        first, second = (*node.args[:2], None, None)[:2]
        places = [first or places[0], second or places[1]]
        if len(node.args) == 1 and name == "plot":  # plot(y)
            places = [places[1], node.args[0]]
        if name in _YX_CALLS:
            places.reverse()
    elif name in _ONE_CALLS and node.args:
        places = [node.args[0], None]
    elif not named and not any(_of_series(node, name)):
        return None
    found = [_columns(value, named) for value in places]
    if not any(found):
        found = _of_series(node, name)
    by = [
        column
        for key in ("hue", "c", "by", "color")
        for column in _columns(given.get(key), named and (key != "color" or express))
        if express or key in ("hue", "by") or column not in _COLOURS
    ]
    if not found[0] and not found[1]:
        return None
    on = given.get("ax")
    drawn_on = ast.unparse(on) if on is not None else owner
    return DrawingCall(drawn_on, DrawnColumns(*map(_once, (*found, by or group))))


def _of_series(node: ast.Call, name: str) -> list[tuple[str, ...]]:
    """`df["a"].hist()` draws along x, `df["a"].plot()` along y."""
    value = node.func.value if isinstance(node.func, ast.Attribute) else None
    if isinstance(value, ast.Attribute) and value.attr == "plot":
        value = value.value
    if not isinstance(value, ast.Subscript) or name not in ("hist", "plot", "line", "kde", "box"):
        return [(), ()]
    columns = _columns(value, False)
    return [(), columns] if name in ("plot", "line") else [columns, ()]


def _columns(value: ast.expr | None, by_name: bool) -> tuple[str, ...]:
    """`df["a"]` and `df.a` are columns, and so are `"a"` and `["a", "b"]` if data are given."""
    if isinstance(value, ast.Constant):
        if not by_name or not isinstance(value.value, str):
            return ()
        field = _FIELD.match(value.value[:200])
        return (field[1] if field else value.value,)
    if isinstance(value, ast.List) and by_name:
        return tuple(name for one in value.elts[:20] for name in _columns(one, by_name))
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant):
        return (value.slice.value,) if isinstance(value.slice.value, str) else ()
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Tuple):
        last = value.slice.elts[-1]  # df.loc[rows, "a"]
        return _columns(last, True) if isinstance(last, ast.Constant) else ()
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
        return (value.attr,) if value.attr not in ("index", "T", "values", "columns") else ()
    if isinstance(value, ast.Attribute):  # df["a"].values
        return _columns(value.value, False) if value.attr == "values" else ()
    if isinstance(value, ast.Call) and value.args and _callee(value) in ("X", "Y", "Color"):
        return _columns(value.args[0], True)  # altair's alt.X("a:Q")
    return ()


def _callee(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _owner(node: ast.Call) -> str:
    return ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""


def _is_pandas_plot(node: ast.Call) -> bool:
    """`df.plot(x=…)` and `df.plot.scatter(x=…)`: their x and y are column names."""
    return "plot" in ast.unparse(node.func).split(".")[1:] and any(
        one.arg in ("x", "y") for one in node.keywords
    )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))[:8]


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(value)
    parts: Iterable[object] = value if isinstance(value, tuple) else (value,)
    return "[" + ", ".join(f"{p:.6g}" if isinstance(p, float) else repr(p) for p in parts) + "]"


def main_axes(figure: FigureFacts) -> AxesFacts:
    """The last axes of a figure that contain something other than a colour bar."""
    real = [axes for axes in figure.axes if axes.kinds != ("colorbar",)]
    return real[-1] if real else AxesFacts()
