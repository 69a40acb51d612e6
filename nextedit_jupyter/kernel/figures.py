"""What matplotlib's figures show, read without drawing or running anything.

Figures are found where pyplot manages them and in the namespace, if matplotlib is loaded already.
Of each, only the dictionaries of matplotlib's own objects are read, by the descriptors that
`kernel.facts` uses: no property, method or `repr` of an artist, no array of the data.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from time import perf_counter
from typing import Any

from nextedit_jupyter.core.facts import AxesFacts, FigureFacts
from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.kernel.facts import _from_mro, _instance_dict, _is_genuine, _mro, _qualname

MAX_FIGURES = 4
MAX_AXES = 8
MAX_LEGEND = 12
MAX_ARTISTS = 200  # of one axes; what a picture of 500 lines shows is seen in its first ones
MAX_TEXT = 120
BUDGET_MS = 2.0

_KINDS = {
    "Line2D": "line",
    "Line3D": "line",
    "PathCollection": "scatter",
    "Path3DCollection": "scatter",
    "Rectangle": "bar",
    "AxesImage": "image",
    "QuadMesh": "mesh",
    "Wedge": "pie",
    "Poly3DCollection": "surface",
    "LineCollection": "lines",
    "FillBetweenPolyCollection": "area",
    "PolyCollection": "area",
    "QuadContourSet": "contour",
}


class Figures:
    """The figures that one shell has; they live no longer because of it."""

    def __init__(self) -> None:
        self._seen: list[weakref.ref[Any]] = []
        self._read: tuple[FigureFacts, ...] = ()

    def note(self) -> None:
        """Remember pyplot's open figures: the inline backend closes them after each cell."""
        pylab = sys.modules.get("matplotlib._pylab_helpers")
        manager = None if pylab is None else vars(pylab).get("Gcf")
        managed = None if manager is None else vars(manager).get("figs")
        if managed:
            found = [_managed_figure(one) for one in list(managed.values())[-MAX_FIGURES:]]
            self._seen = [weakref.ref(figure) for figure in found if figure is not None]

    def facts(
        self,
        namespace: Mapping[str, Any],
        *,
        clock: Callable[[], float] = perf_counter,
        budget_ms: float = BUDGET_MS,
    ) -> tuple[FigureFacts, ...]:
        """The newest figures last; those gone are kept as they were read last. Never raises."""
        if "matplotlib.figure" not in sys.modules:
            return ()
        deadline = clock() + budget_ms / 1e3
        alive = [figure for ref in self._seen if (figure := ref()) is not None]
        try:
            alive = _distinct([*_in_namespace(namespace, deadline, clock), *alive])
            read = tuple(
                facts
                for figure in alive[-MAX_FIGURES:]
                if (facts := read_figure(figure, deadline, clock)) is not None
            )
        except Exception:  # insides of a version that nobody has seen: what was known stays
            return self._read
        if read:
            self._read = read
        return self._read

    def forget(self) -> None:
        self._seen, self._read = [], ()


def read_figure(
    figure: object, deadline: float = float("inf"), clock: Callable[[], float] = perf_counter
) -> FigureFacts | None:
    """What a figure of matplotlib's shows; None for anything else, and for an empty one."""
    if not _is_matplotlib(type(figure), "Figure"):
        return None
    own = _instance_dict(figure) or {}
    axes = []
    for one in _items(own.get("_localaxes"), MAX_AXES):
        if clock() > deadline:
            break
        if (facts := _read_axes(one)) is not None:
            axes.append(facts)
    title = _text_of(own.get("_suptitle"))
    return FigureFacts(title, tuple(axes)) if axes or title else None


def _read_axes(axes: object) -> AxesFacts | None:
    if not _is_matplotlib(type(axes), "_AxesBase"):
        return None
    own = _instance_dict(axes) or {}
    projection = _from_mro(type(axes), "name")
    labels, scales, limits = {}, {}, {}
    for name in "xyz":
        axis = _instance_dict(own[f"{name}axis"]) if f"{name}axis" in own else None
        labels[name] = _text_of((axis or {}).get("label"))
        scales[name] = _scale_of((axis or {}).get("_scale"))
        limits[name] = _limits_of(own, name)
    kinds, colours = _artists_of(own)
    legend = _instance_dict(own["legend_"]) if own.get("legend_") is not None else None
    entries = _items((legend or {}).get("texts"), MAX_LEGEND)
    return AxesFacts(
        title=_text_of(own.get("title")),
        xlabel=labels["x"],
        ylabel=labels["y"],
        zlabel=labels["z"],
        xscale=scales["x"],
        yscale=scales["y"],
        xlim=limits["x"],
        ylim=limits["y"],
        legend=tuple(text for one in entries if (text := _text_of(one))),
        kinds=("colorbar",) if "_colorbar" in own else kinds,
        colors=colours,
        projection=projection if type(projection) is str else "",
    )


def _artists_of(own: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The kinds of artists and their colours by name, each once, in the order drawn."""
    kinds: dict[str, None] = {}
    colours: dict[str, None] = {}
    for artist in _items(own.get("_children"), MAX_ARTISTS):
        for base in _mro(type(artist)):
            kind = _KINDS.get(_qualname(base))
            if kind is not None and _is_of_matplotlib(base):
                kinds[kind] = None
                break
        colour = (_instance_dict(artist) or {}).get("_color")
        if type(colour) is str and len(colour) <= 20:
            colours[colour] = None
    return tuple(islice(kinds, 8)), tuple(islice(colours, 8))


def _limits_of(own: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    """The axis' limits if they are settled: before a figure is drawn they may not be."""
    stale = own.get("_stale_viewlims")
    if name == "z" or (type(stale) is dict and stale.get(name)):
        return None
    box = own.get("_viewLim")
    if box is None or not _is_of_matplotlib(type(box)):
        return None
    points: Any = (_instance_dict(box) or {}).get("_points")
    if not _is_genuine(type(points), "numpy"):
        return None
    low, high = (row["xy".index(name)] for row in points.tolist())
    good = type(low) is float and type(high) is float and abs(low) + abs(high) < float("inf")
    return (low, high) if good else None


def _scale_of(scale: object) -> str:
    name = _from_mro(type(scale), "name") if _is_of_matplotlib(type(scale)) else None
    return name if type(name) is str and name != "linear" else ""


def _text_of(artist: object) -> str:
    if artist is None or not _is_matplotlib(type(artist), "Text"):
        return ""
    text = (_instance_dict(artist) or {}).get("_text")
    if type(text) is not str or holds_secret(text):
        return ""
    return " ".join(text[:MAX_TEXT].split())


def _items(value: object, most: int) -> list[Any]:
    """The first elements of a list, be it a subclass that shows itself in another way."""
    if not any(base is list for base in _mro(type(value))):
        return []
    return list(islice(list.__iter__(value), most))  # type: ignore[arg-type]


def _managed_figure(manager: object) -> object:
    canvas = (_instance_dict(manager) or {}).get("canvas")
    figure = (_instance_dict(canvas) or {}).get("figure")
    return figure if _is_matplotlib(type(figure), "Figure") else None


def _in_namespace(
    namespace: Mapping[str, Any], deadline: float, clock: Callable[[], float]
) -> Iterable[object]:
    """Figures under names, and those of axes under names, the oldest first."""
    for name, value in list(namespace.items()):
        if clock() > deadline:
            return
        if type(name) is not str or name.startswith("_"):
            continue
        if _is_matplotlib(type(value), "Figure"):
            yield value
        elif _is_matplotlib(type(value), "_AxesBase"):
            yield (_instance_dict(value) or {}).get("_parent_figure")


def _distinct(figures: Iterable[object]) -> list[object]:
    """Each once, where it comes last; by identity, for `==` may be anybody's."""
    kept: dict[int, object] = {}
    for figure in figures:
        if figure is not None:
            kept.pop(id(figure), None)
            kept[id(figure)] = figure
    return list(kept.values())


def _is_matplotlib(cls: type, name: str) -> bool:
    return any(_qualname(base) == name and _is_of_matplotlib(base) for base in _mro(cls))


def _is_of_matplotlib(cls: type) -> bool:
    return _is_genuine(cls, "matplotlib") or _is_genuine(cls, "mpl_toolkits")
