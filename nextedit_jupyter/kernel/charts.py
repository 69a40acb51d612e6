"""What plotly and altair charts show, from the specification that each contains.

Both are described by dictionaries and lists: plotly's `layout` and `data`, altair's marks and
encodings. Only these are read, from the instance dictionary of a genuine class; no property runs,
nothing is validated, no data are read. Neither library is ever imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from nextedit_jupyter.core.facts import AxesFacts, FigureFacts
from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.kernel.live_facts import instance_dict, is_genuine, mro_of, qualname_of

MAX_TRACES = 60
MAX_GROUPS = 12
MAX_LAYERS = 8
MAX_TEXT = 120
_FIELD = re.compile(r"\A(?:(\w{1,20})\()?([^():]{0,120}?)\)?(?::[A-Z])?\Z")
_ALTAIR = ("Chart", "LayerChart", "HConcatChart", "VConcatChart", "ConcatChart")


def is_chart(cls: type) -> bool:
    """Whether this is a chart class of plotly or altair, or derived from one."""
    return _is_plotly(cls) or _is_altair(cls)


def read_chart(chart: object) -> FigureFacts | None:
    """What a chart shows; None for anything else, and for an empty one."""
    own = instance_dict(chart) or {}
    if _is_plotly(type(chart)):
        return _plotly(_dict(own.get("_layout")), own.get("_data"))
    return _altair(chart) if _is_altair(type(chart)) else None


def _is_plotly(cls: type) -> bool:
    return any(
        qualname_of(base) == "BaseFigure" and is_genuine(base, "plotly") for base in mro_of(cls)
    )


def _is_altair(cls: type) -> bool:
    return any(qualname_of(base) in _ALTAIR and is_genuine(base, "altair") for base in mro_of(cls))


def _plotly(layout: Mapping[str, Any], data: object) -> FigureFacts | None:
    traces = list(islice(data, MAX_TRACES)) if type(data) is list else []
    axes = [_plotly_axes(layout, _traces_on(traces, at), at) for at in ("", "2", "3", "4")]
    told = tuple(one for one in axes if one != AxesFacts())
    title = _title(layout)
    return FigureFacts(title if len(told) != 1 else "", told) if told or title else None


def _traces_on(traces: list[Any], at: str) -> list[dict[str, Any]]:
    return [one for one in traces if type(one) is dict and (one.get("xaxis") or "x") == f"x{at}"]


def _plotly_axes(layout: Mapping[str, Any], traces: list[dict[str, Any]], at: str) -> AxesFacts:
    x, y = _dict(layout.get(f"xaxis{at}")), _dict(layout.get(f"yaxis{at}"))
    scene = _dict(layout.get("scene"))
    if not at and scene:
        x, y = _dict(scene.get("xaxis")), _dict(scene.get("yaxis"))
    kinds = dict.fromkeys(_kind(trace) for trace in traces)
    groups = dict.fromkeys(name for trace in traces if (name := _text(trace.get("name"))))
    if not (x or y or traces):
        return AxesFacts()
    return AxesFacts(
        title=_title(layout) if not at else "",
        xlabel=_title(x),
        ylabel=_title(y),
        zlabel=_title(_dict(scene.get("zaxis"))) if not at else "",
        xscale=_scale(x.get("type")),
        yscale=_scale(y.get("type")),
        xlim=_pair(x.get("range")),
        ylim=_pair(y.get("range")),
        legend_title=_title(_dict(layout.get("legend"))),
        groups=tuple(islice(groups, MAX_GROUPS)),
        kinds=tuple(islice(kinds, 8)),
    )


def _kind(trace: Mapping[str, Any]) -> str:
    kind, mode = _text(trace.get("type")) or "scatter", _text(trace.get("mode"))
    return "line" if kind.startswith("scatter") and mode.startswith("lines") else kind


def _title(part: Mapping[str, Any]) -> str:
    title = part.get("title")
    return _text(title.get("text")) if type(title) is dict else _text(title)


def _altair(chart: object) -> FigureFacts | None:
    title = ""
    axes: list[AxesFacts] = []
    waiting = [chart]
    while waiting and len(axes) < MAX_LAYERS:
        one = waiting.pop(0)
        if not _is_altair(type(one)):
            continue
        said = _keywords(one)
        title = title or _text(said.get("title")) or _text(_keywords(said.get("title")).get("text"))
        for key in ("layer", "hconcat", "vconcat", "concat"):
            parts = said.get(key)
            waiting += list(islice(parts, MAX_LAYERS)) if type(parts) is list else []
        found = _encoded(said)
        if found is not None and found not in axes:
            axes.append(found)
    return FigureFacts(title, tuple(axes)) if axes or title else None


def _encoded(said: Mapping[str, Any]) -> AxesFacts | None:
    encoding = _keywords(said.get("encoding"))
    mark = said.get("mark")
    kind = _text(mark) or _text(_dict(mark).get("type")) or _text(_keywords(mark).get("type"))
    channels = {key: _keywords(encoding.get(key)) for key in ("x", "y", "color")}
    columns = {key: _column(channel) for key, channel in channels.items()}
    if not kind and not any(columns.values()):
        return None
    scales = {key: _keywords(channels[key].get("scale")) for key in ("x", "y", "color")}
    domain = scales["color"].get("domain")
    groups = [_text(one) for one in islice(domain, MAX_GROUPS)] if type(domain) is list else []
    return AxesFacts(
        xlabel=_text(channels["x"].get("title")) or columns["x"],
        ylabel=_text(channels["y"].get("title")) or columns["y"],
        xscale=_scale(scales["x"].get("type")),
        yscale=_scale(scales["y"].get("type")),
        xlim=_pair(scales["x"].get("domain")),
        ylim=_pair(scales["y"].get("domain")),
        legend_title=_text(channels["color"].get("title")),
        groups=tuple(filter(None, groups)),
        kinds=(kind,) if kind else (),
        x=(columns["x"],) if columns["x"] else (),
        y=(columns["y"],) if columns["y"] else (),
        by=(columns["color"],) if columns["color"] else (),
    )


def _column(channel: Mapping[str, Any]) -> str:
    """`height` from the shorthands `height:Q` and `mean(height)`, or from the field."""
    field = _FIELD.match(_text(channel.get("shorthand")))
    return (field[2] if field is not None else "") or _text(channel.get("field"))


def _keywords(value: object) -> Mapping[str, Any]:
    """The arguments that a genuine altair object was created with; {} for anything else."""
    if not any(
        qualname_of(b) == "SchemaBase" and is_genuine(b, "altair") for b in mro_of(type(value))
    ):
        return {}
    return _dict((instance_dict(value) or {}).get("_kwds"))


def _dict(value: object) -> Mapping[str, Any]:
    return value if type(value) is dict else {}


def _scale(value: object) -> str:
    text = _text(value)
    return "" if text in ("linear", "-", "category") else text


def _pair(value: object) -> tuple[float, float] | None:
    if type(value) is not list and type(value) is not tuple:
        return None
    numbers = [float(one) for one in value if type(one) is float or type(one) is int]
    if len(numbers) != 2 or len(value) != 2 or not abs(numbers[0]) + abs(numbers[1]) < float("inf"):
        return None
    return numbers[0], numbers[1]


def _text(value: object) -> str:
    if type(value) is not str or holds_secret(value[:MAX_TEXT]):
        return ""
    return " ".join(value[:MAX_TEXT].split())
