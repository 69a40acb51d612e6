"""Figure facts as text: short lines for a prompt, and what may be written in a plotting call.

Pure functions over `FigureFacts` and the cells' sources; nothing here knows matplotlib.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from nextedit_jupyter.core.facts import AxesFacts, FigureFacts

MAX_LINES = 6
MAX_LINE = 160
MAX_SOURCE = 20_000  # characters of a cell that is parsed for columns
# Where a call's first two arguments are x and y; others (hist, boxplot) draw one column along x.
_XY_CALLS = {"bar", "barh", "errorbar", "fill_between", "hexbin", "loglog", "plot", "scatter",
             "semilogx", "semilogy", "stackplot", "stem", "step"}  # fmt: skip
_ONE_CALLS = {"boxplot", "hist", "pie", "violinplot"}
_NAMED_CALLS = {"barplot", "boxplot", "countplot", "histplot", "kdeplot", "lineplot", "relplot",
                "displot", "catplot", "scatterplot", "violinplot", "stripplot"}  # fmt: skip
_AXIS_OF_CALL = {
    "set_xlabel": "x", "xlabel": "x", "set_ylabel": "y", "ylabel": "y",
    "set_xlim": "x", "xlim": "x", "set_ylim": "y", "ylim": "y",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DrawnColumns:
    """The columns that a cell draws, as its source names them; each once, in order."""

    x: tuple[str, ...] = ()
    y: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


def figure_lines(figures: Sequence[FigureFacts], limit: int = MAX_LINES) -> tuple[str, ...]:
    """Comment lines about the newest figure: `# figure: xlabel='height' legend=['a', 'b']`."""
    if not figures:
        return ()
    newest = figures[-1]
    lines = [f"# figure: title={newest.title!r}"] if newest.title else []
    for axes in newest.axes:
        told = [
            f"{one.name}={_shown(value)}"
            for one in fields(axes)
            if one.name != "colors" and (value := getattr(axes, one.name))
        ]
        if told and told != ["projection='rectilinear'"]:
            lines.append(f"# figure: {' '.join(told)}"[:MAX_LINE])
    return tuple(lines[:limit])


def call_candidates(
    callee: str, figures: Sequence[FigureFacts], sources: Sequence[str] = ()
) -> tuple[str, ...]:
    """What may stand between the brackets of `callee(`, the likeliest first, as Python source.

    `callee` is the function's last name (`set_xlabel`), `sources` the cells that ran, newest last.
    """
    axes = _drawn_axes(figures)
    columns = _newest_columns(sources)
    at = _AXIS_OF_CALL.get(callee)
    found: list[str] = []
    if callee.endswith(("label",)) and at is not None:
        own = axes.xlabel if at == "x" else axes.ylabel
        found = [*(columns.x if at == "x" else columns.y), *([own] if own else [])]
    elif callee.endswith("lim") and at is not None:
        limits = axes.xlim if at == "x" else axes.ylim
        return (f"{limits[0]:.6g}, {limits[1]:.6g}",) if limits else ()
    elif callee == "legend":
        told = [text for text in axes.legend if not text.startswith("_")]
        titles = [f"title={_quoted(name)}" for name in columns.by]
        return (*titles, *([f"[{', '.join(map(_quoted, told))}]"] if told else []))
    elif callee in ("set_title", "title"):
        y, x = columns.y[:1] or columns.x[:1], columns.x[:1]
        found = [f"{y[0]} by {x[0]}"] if y and x and y != x else list(x)
    elif callee in ("suptitle",):
        found = [figures[-1].title or axes.title] if figures else []
    return tuple(dict.fromkeys(_quoted(text) for text in found if text))


def drawn_columns(source: str) -> DrawnColumns:
    """The columns that plotting calls of a cell take; none where the cell does not parse."""
    try:
        tree = ast.parse(source[:MAX_SOURCE])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return DrawnColumns()
    found: dict[str, dict[str, None]] = {"x": {}, "y": {}, "by": {}}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _callee(node)
        given = {one.arg: one.value for one in node.keywords if one.arg}
        by_name = name in _NAMED_CALLS or "data" in given or _is_pandas_plot(node)
        places: list[ast.expr | None] = [given.get("x"), given.get("y")]
        if name in _XY_CALLS:
            places = [*node.args[:2], *places[len(node.args[:2]) :]]
            if len(node.args) == 1 and name == "plot":  # plot(y)
                places = [None, node.args[0]]
        elif name in _ONE_CALLS and node.args:
            places = [node.args[0], None]
        elif not by_name:
            continue
        for axis, value in zip("xy", places, strict=False):
            if (column := _column(value, by_name)) is not None:
                found[axis][column] = None
        for key in ("hue", "c", "by", "color"):
            if (column := _column(given.get(key), by_name and key != "color")) is not None:
                found["by"][column] = None
    return DrawnColumns(tuple(found["x"]), tuple(found["y"]), tuple(found["by"]))


def _column(value: ast.expr | None, by_name: bool) -> str | None:
    """`df["a"]` and `df.a` are a column, and so is `"a"` where a call is given the data."""
    if isinstance(value, ast.Constant):
        return value.value if by_name and isinstance(value.value, str) else None
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant):
        return value.slice.value if isinstance(value.slice.value, str) else None
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
        return value.attr if value.attr not in ("index", "T", "values") else None
    return None


def _callee(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _is_pandas_plot(node: ast.Call) -> bool:
    """`df.plot(x=…)` and `df.plot.scatter(x=…)`: their x and y are columns' names."""
    return "plot" in ast.unparse(node.func).split(".")[1:] and bool(node.keywords)


def _newest_columns(sources: Sequence[str]) -> DrawnColumns:
    for source in reversed(sources):
        if re.search(r"plot|scatter|hist|bar|draw|pie|step|stem", source):
            found = drawn_columns(source)
            if found != DrawnColumns():
                return found
    return DrawnColumns()


def _drawn_axes(figures: Sequence[FigureFacts]) -> AxesFacts:
    """The newest figure's last axes that hold something other than a colour bar."""
    real = [axes for axes in (figures[-1].axes if figures else ()) if axes.kinds != ("colorbar",)]
    return real[-1] if real else AxesFacts()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(value)
    parts: Iterable[object] = value if isinstance(value, tuple) else (value,)
    return "[" + ", ".join(f"{p:.6g}" if isinstance(p, float) else repr(p) for p in parts) + "]"
