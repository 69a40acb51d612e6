"""What may be written in a plotting call, from what the figure shows: labels, limits, legends.

The place is found in the text before the caret, its candidates in the kernel's facts. Used by the
worker's ghost text and by the completers of the terminal and of kernels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nextedit_jupyter.core.facts import AxesFacts, FigureFacts, KernelFacts
from nextedit_jupyter.core.figure_text import drawn_columns, draws, main_axes

_NEAR = 1_000  # characters before the caret within which a call may begin
_MAKES = re.compile(r"\b(?:subplots?|figure|subplot_mosaic|add_subplot|axes)\s*\(")
_CALLEE = re.compile(
    r"(?:(?P<owner>[^\W\d]\w{0,80}(?:\.\w{1,80}){0,3}(?:\[[^\[\]()\n]{0,40}\])?)\.)?"
    r"(?P<callee>[^\W\d]\w{0,40})\Z"
)
_OWN_KEYWORD = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)\s*")
_PYPLOT = frozenset(("plt", "pyplot", "pylab", "mpl"))
_AXES_TYPES = ("matplotlib.", "mpl_toolkits.", "numpy.ndarray", "list", "tuple", "dict", "seaborn.")

# The role of an argument, by the callee alone or by its keyword; "x", "y" and "z" are axes.
_ROLES = {
    **{f"set_{axis}label": f"label {axis}" for axis in "xyz"},
    **{f"set_{axis}lim": f"limits {axis}" for axis in "xyz"},
    **{f"set_{axis}bound": f"limits {axis}" for axis in "xyz"},
    **{f"set_{axis}scale": f"scale {axis}" for axis in "xy"},
    **{f"{axis}label": f"label {axis}" for axis in "xyz"},
    **{f"{axis}lim": f"limits {axis}" for axis in "xy"},
    **{f"{axis}scale": f"scale {axis}" for axis in "xy"},
    "set_title": "title", "title": "title", "suptitle": "suptitle", "legend": "legend",
}  # fmt: skip
_BARE = frozenset(name for name in _ROLES if not name.startswith("set_"))  # pyplot's own
_KEYWORDS = {
    **{f"{axis}label": f"label {axis}" for axis in "xyz"},
    **{f"{axis}_label": f"label {axis}" for axis in "xyz"},
    **{f"{axis}axis_title": f"label {axis}" for axis in "xy"},
    **{f"{axis}axis_title_text": f"label {axis}" for axis in "xy"},
    **{f"{axis}lim": f"pair {axis}" for axis in "xyz"},
    **{f"{axis}axis_range": f"range {axis}" for axis in "xy"},
    **{f"{axis}scale": f"scale {axis}" for axis in "xy"},
    "title": "title", "title_text": "title",
    "legend_title": "by", "legend_title_text": "by",
}  # fmt: skip
_KEYWORDS_OF = {
    "legend": {"title": "by", "labels": "groups"},
    "colorbar": {"label": "by"},
    "update_xaxes": {"title": "label x", "title_text": "label x", "range": "range x"},
    "update_yaxes": {"title": "label y", "title_text": "label y", "range": "range y"},
    "set": _KEYWORDS, "update_layout": _KEYWORDS, "plot": _KEYWORDS, "properties": _KEYWORDS,
    "scatter": _KEYWORDS, "bar": _KEYWORDS, "line": _KEYWORDS, "hist": _KEYWORDS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlotCall:
    """The argument of a plotting call that the caret is in: `typed` is its text so far.

    `role` says what it is ("label x", "limits y", "legend", …), `start` where it begins.
    """

    role: str
    owner: str
    callee: str
    typed: str
    start: int
    is_keyword: bool = False


@dataclass(frozen=True, slots=True)
class PlotCandidate:
    """Python source of an argument. `is_sure`: it can be shown without another check."""

    text: str
    is_sure: bool = True


def plot_call(before: str, facts: KernelFacts) -> PlotCall | None:
    """The plotting call in which `before` ends; None if it ends in anything else."""
    opened = _innermost(before)
    if opened is None:
        return None
    at, argument = opened
    match = _CALLEE.search(before, max(0, at - 300), at)
    if match is None:
        return None
    owner, callee = match["owner"] or "", match["callee"]
    keyword = _OWN_KEYWORD.match(before, argument)
    if keyword is not None:
        role = _KEYWORDS_OF.get(callee, {}).get(keyword[1])
        start = keyword.end()
    else:
        role = _ROLES.get(callee) if owner or callee in _BARE else None
        start = at + 1
        if role == "label z" and callee == "zlabel":
            role = None
    if role is None or not _may_own(owner, callee, facts):
        return None
    start += len(before[start:]) - len(before[start:].lstrip())
    return PlotCall(role, owner, callee, before[start:], start, keyword is not None)


def call_candidates(
    call: PlotCall, facts: KernelFacts, before: str = "", quote: str = '"'
) -> tuple[PlotCandidate, ...]:
    """The possible arguments, likeliest first, each continuing what is typed.

    `before` is the caret's cell up to the caret. If it draws something itself, earlier figures say
    nothing about it.
    """
    axes = _axes_meant(call, facts.figures, before)
    if axes is None:
        return ()
    quote = next((char for char in call.typed if char in "\"'"), quote)
    found = _argument(call, axes, facts, quote)
    typed = call.typed
    return tuple(one for one in found if one.text.startswith(typed) and one.text != typed)


def _argument(
    call: PlotCall, axes: AxesFacts, facts: KernelFacts, quote: str
) -> tuple[PlotCandidate, ...]:
    role, _, axis = call.role.partition(" ")
    if role == "label":
        texts = _labels(axis, axes, facts.figures)
        sure = len({core for _, core in texts}) == 1
        narrowed = [t for t, _ in texts if _quoted(t, quote).startswith(call.typed)]
        sure = sure or (len(call.typed) > 1 and len(narrowed) == 1)
        return tuple(PlotCandidate(_quoted(text, quote), sure) for text in narrowed)
    if role in ("limits", "pair", "range"):
        limits = {"x": axes.xlim, "y": axes.ylim}.get(axis)
        if limits is None:
            return ()
        pair = ", ".join(map(_number, limits))
        return (PlotCandidate({"limits": pair, "pair": f"({pair})"}.get(role, f"[{pair}]")),)
    if role == "scale":
        scale = {"x": axes.xscale, "y": axes.yscale}[axis]
        return (PlotCandidate(_quoted(scale, quote)),) if scale else ()
    titles = [*([axes.legend_title] if axes.legend_title else []), *axes.by]
    if role == "by":
        names = dict.fromkeys(titles)
        return tuple(PlotCandidate(_quoted(name, quote), len(names) == 1) for name in names)
    if role in ("legend", "groups"):
        return tuple(_legend(role, titles, _groups(axes, facts), quote))
    if role == "suptitle":
        title = facts.figures[-1].title if facts.figures else ""
        return (PlotCandidate(_quoted(title, quote), False),) if title else ()
    x, y = axes.x[:1], axes.y[:1]
    told = [f"{y[0]} by {x[0]}"] if x and y else [*x, *y]
    return tuple(PlotCandidate(_quoted(text, quote), False) for text in told)


def _legend(
    role: str, titles: Sequence[str], groups: Sequence[str], quote: str
) -> Iterator[PlotCandidate]:
    listed = "[" + ", ".join(_quoted(text, quote) for text in groups) + "]" if groups else ""
    title = f"title={_quoted(titles[0], quote)}" if titles and role == "legend" else ""
    if listed and title:
        yield PlotCandidate(f"{listed}, {title}")
    if listed:
        yield PlotCandidate(listed)
    if title:
        yield PlotCandidate(title)


def _labels(
    axis: str, axes: AxesFacts, figures: Sequence[FigureFacts]
) -> tuple[tuple[str, str], ...]:
    """Labels of an axis, each with what it is about: columns, with the unit if one is named."""
    columns = {"x": axes.x, "y": axes.y}.get(axis, ())
    own = {"x": axes.xlabel, "y": axes.ylabel, "z": axes.zlabel}[axis]
    said = dict.fromkeys(
        text
        for figure in reversed(figures)
        for one in figure.axes
        for text in (one.xlabel, one.ylabel, one.zlabel)
        if text
    )
    found: dict[str, str] = {}
    for column in columns:
        forms = [text for text in (own, *said) if text != column and _is_about(text, column)]
        for text in (*forms, column):
            found.setdefault(text, column)
    if own:
        found.setdefault(own, own)
    return tuple(found.items())


def _is_about(label: str, column: str) -> bool:
    """Whether a label names a column: "Body mass (g)" names `body_mass`."""
    words = re.findall(r"[^\W_]+", label.casefold())
    named = re.findall(r"[^\W_]+", column.casefold())
    return bool(named) and words[: len(named)] == named


def _groups(axes: AxesFacts, facts: KernelFacts) -> tuple[str, ...]:
    """The groups of a legend: its entries, the labels drawn, or else the column's categories."""
    told = tuple(text for text in axes.legend or axes.groups if not text.startswith("_"))
    if told:
        return told
    for column in axes.by:
        for table in facts.tables:
            known = table.column(column)
            if known is not None and known.levels:
                return known.levels
    return ()


def _axes_meant(call: PlotCall, figures: Sequence[FigureFacts], before: str) -> AxesFacts | None:
    """The axes that a call is about; None if nothing is known about them."""
    if not figures:
        return None
    own = before[: max(0, len(before) - len(call.typed))]
    if draws(own) or _MAKES.search(own):
        # The cell starts a new figure: only what it draws itself is known about its axes.
        columns = _drawn_here(own, call.owner)
        if columns is not None:
            return columns
        if _MAKES.search(own):
            return None
    root = call.owner.partition(".")[0].partition("[")[0]
    for figure in reversed(figures):
        for axes in figure.axes:
            if call.owner in axes.names:
                return axes
        if root in figure.names:
            return main_axes(figure)
    known = {name.partition("[")[0] for f in figures for a in f.axes for name in a.names}
    if root in known and root not in _PYPLOT:
        return None  # an element of an array of axes that was not read
    return main_axes(figures[-1])


def _drawn_here(own: str, owner: str) -> AxesFacts | None:
    """What the caret's cell draws itself; its last line is still being typed and does not parse."""
    whole = own[: own.rfind("\n") + 1]
    found = drawn_columns(whole, frozenset((owner,))) if owner else None
    if found is None or not (found.x or found.y):
        found = drawn_columns(whole)
    return AxesFacts(x=found.x, y=found.y, by=found.by) if found.x or found.y else None


def _may_own(owner: str, callee: str, facts: KernelFacts) -> bool:
    """Whether `owner` can have such a method, as far as is known."""
    root = owner.partition(".")[0].partition("[")[0]
    known = facts.named(root) if root else None
    if known is None:
        return not callee.startswith("title") or root in _PYPLOT or not root
    if known.type == "module":
        return known.module.startswith(("matplotlib", "seaborn", "plotly", "altair"))
    if callee in ("plot", "scatter", "bar", "line", "hist"):
        return True
    return known.type.startswith((*_AXES_TYPES, "plotly.", "altair.", "pandas."))


def _innermost(before: str) -> tuple[int, int] | None:
    """The positions of the innermost open call's bracket and of its last argument.

    A list, a tuple or a string may be open within the argument; in a comment there is none.
    """
    low = max(0, len(before) - _NEAR)
    low = before.rfind("\n", 0, low) + 1 if low else 0
    opened: list[tuple[str, int, int]] = []  # bracket, position, last argument's start
    quote, at = "", low
    while at < len(before):
        char = before[at]
        if quote:
            if char == "\\":
                at += 1
            elif char == quote or char == "\n":
                quote = ""
        elif char in "\"'":
            if before.startswith(char * 3, at):
                end = before.find(char * 3, at + 3)
                if end < 0:
                    return None
                at = end + 2
            else:
                quote = char
        elif char == "#":
            end = before.find("\n", at)
            if end < 0:
                return None
            at = end
        elif char in "([{":
            opened.append((char, at, at + 1))
        elif char in ")]}" and opened:
            opened.pop()
        elif char == "," and opened:
            bracket, start, _ = opened[-1]
            opened[-1] = (bracket, start, at + 1)
        at += 1
    while opened and opened[-1][0] == "[":
        opened.pop()
    if opened and opened[-1][0] == "(" and not _is_call(before, opened[-1][1]):
        opened.pop()  # a tuple in the call
    if not opened or opened[-1][0] != "(":
        return None
    return opened[-1][1], opened[-1][2]


def _is_call(before: str, at: int) -> bool:
    previous = before[max(0, at - 1) : at]
    return previous.isalnum() or previous in ("_", "]", ")")


def _number(value: float) -> str:
    return f"{value:.6g}"


def _quoted(text: str, quote: str) -> str:
    """The text as a string literal with these quotes."""
    inside = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return f"{quote}{inside}{quote}"


def usual_quote(sources: Iterable[str]) -> str:
    """The quote character of most strings in these sources."""
    single = double = 0
    for source in sources:
        single += source.count("'")
        double += source.count('"')
    return "'" if single > double else '"'


@dataclass(frozen=True, slots=True)
class Completions:
    """Complete texts that replace `prefix`, the text before the caret; best first."""

    prefix: str
    texts: tuple[str, ...]


def completions(before: str, facts: KernelFacts, text: str = "") -> Completions | None:
    """What a completer offers after `before`; None if figures and tables say nothing.

    `text` is the cell's whole text before the caret.
    """
    call = plot_call(before, facts)
    if call is not None:
        found = call_candidates(call, facts, before, usual_quote([text]))
        return Completions(call.typed, tuple(one.text for one in found)) if found else None
    asked = level_asked(before, facts)
    if asked is None:
        return None
    return Completions(asked.prefix, asked.texts) if asked.texts else None


@dataclass(frozen=True, slots=True)
class Level:
    """A string being typed at the caret that is to be one of a column's categories."""

    prefix: str
    quote: str
    levels: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The categories that continue what is typed, with the closing quote."""
        return tuple(name + self.quote for name in self.levels if name.startswith(self.prefix))


_COMPARED = re.compile(
    r"(?<![\w.])(?P<table>[^\W\d]\w{0,80})"
    r"(?:\[(?P<label>\"[^\"\n]{1,60}\"|'[^'\n]{1,60}')\]|\.(?P<member>[^\W\d]\w{0,60}))"
    r"\s*(?:[=!]=\s*|\.(?:isin|eq|ne)\(\s*\[?(?:\s*(?:\"[^\"\n]*\"|'[^'\n]*')\s*,)*\s*)"
    r"(?P<quote>[\"'])(?P<prefix>[^\"'\n\\]*)\Z"
)


def level_asked(before: str, facts: KernelFacts) -> Level | None:
    """The categories that are possible in `df["sex"] == "` and `df.sex.isin(["`."""
    if not facts.tables:
        return None
    match = _COMPARED.search(before, max(0, len(before) - 300))
    table = facts.table(match["table"]) if match is not None else None
    if match is None or table is None:
        return None
    column = table.column(match["member"] or match["label"][1:-1])
    if column is None or not column.levels:
        return None
    return Level(match["prefix"], match["quote"], column.levels)
