"""What matplotlib figures show, read without drawing or running anything.

Figures are found where pyplot manages them and in the namespace, if matplotlib is loaded already.
Of each, only the instance dictionaries of matplotlib's own objects are read, with the descriptors
that `kernel.live_facts` uses: no property, method or `repr` of an artist, no array of data. plotly
and altair are in `kernel.charts`.
"""

from __future__ import annotations

import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from threading import RLock
from time import thread_time
from typing import Any

from nextedit_jupyter.core.facts import AxesFacts, FigureFacts
from nextedit_jupyter.core.figure_text import DrawingCall, drawing_calls, draws, main_axes
from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.kernel import charts
from nextedit_jupyter.kernel.live_facts import (
    from_mro,
    instance_dict,
    is_genuine,
    mro_of,
    qualname_of,
)

MAX_FIGURES = 4
MAX_AXES = 8
MAX_LEGEND = 12
MAX_ARTISTS = 200  # of one axes; the first ones of 500 lines are enough
MAX_TEXT = 120
MAX_NAMES = 1_000  # of the namespace, the newest
MAX_TEXTS = 8  # cells that drew; their texts name the columns
BUDGET_MS = 2.0  # of this thread's own time, so that other processes do not count

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
    """The figures of one shell; it does not keep them alive beyond their cell."""

    def __init__(self) -> None:
        self._known: list[_Known] = []  # the newest last
        self._held: list[Any] = []
        self._fresh: frozenset[int] = frozenset()  # keys of those that the last cell had open
        self._made = 0
        self._texts: deque[tuple[str, tuple[int, ...]]] = deque(maxlen=MAX_TEXTS)
        self._lock = RLock()

    def note(self, text: str = "") -> None:
        """Before the cell's output is produced, hold the figures that pyplot has open: the inline
        backend draws them next and closes them. `text` is the cell.
        """
        with self._lock:
            self._held = _managed()
            keys = tuple(self._take(figure).key for figure in self._held)
            self._fresh = frozenset(keys)
            if text and draws(text):
                self._texts.append((text, keys))

    def settle(self, *, clock: Callable[[], float] = thread_time) -> None:
        """After the cell: read what it drew, and release it."""
        with self._lock:
            held, self._held = self._held, []
            deadline = clock() + BUDGET_MS / 1e3
            for figure in held:
                self._read(self._take(figure), figure, {}, deadline, clock)

    def facts(
        self,
        namespace: Mapping[str, Any],
        *,
        clock: Callable[[], float] = thread_time,
        budget_ms: float = BUDGET_MS,
    ) -> tuple[FigureFacts, ...]:
        """Facts of the figures, newest last; of figures that are gone, those read last. Never
        raises."""
        deadline = clock() + budget_ms / 1e3
        with self._lock:
            try:
                names, found = _in_namespace(namespace, deadline, clock)
                for figure in found:
                    if not any(one.ref() is figure for one in self._known):
                        self._take(figure, newest=False)
                for one in self._known[-MAX_FIGURES:]:
                    if (figure := one.ref()) is not None:
                        self._read(one, figure, names, deadline, clock)
            except Exception:  # internals of an unknown version: keep what was known
                pass
            described = [one for one in self._known if one.facts is not None][-MAX_FIGURES:]
            return tuple(self._with_columns(one) for one in described)

    def forget(self) -> None:
        with self._lock:
            self._known, self._held = [], []
            self._texts.clear()

    def _take(self, figure: Any, *, newest: bool = True) -> _Known:
        """What is known about a figure; `newest`: it is the one drawn on last."""
        one = next((one for one in self._known if one.ref() is figure), None)
        if one is None:
            self._made += 1
            one = _Known(weakref.ref(figure), self._made)
            # A figure that is found only by its name was made without pyplot, or before the last
            # cell.
            drawn = (i for i, known in enumerate(self._known) if known.key in self._fresh)
            at = len(self._known) if newest else next(drawn, len(self._known))
            self._known.insert(at, one)
        elif newest:
            self._known.remove(one)
            self._known.append(one)
        kept = [one for one in self._known if one.ref() is not None or one.facts is not None]
        self._known = kept[-2 * MAX_FIGURES :]
        return one

    def _read(
        self,
        one: _Known,
        figure: Any,
        names: Mapping[int, tuple[str, ...]],
        deadline: float,
        clock: Callable[[], float],
    ) -> None:
        found = read_any(figure, names, deadline, clock)
        if found is not None:
            one.facts = found

    def _with_columns(self, one: _Known) -> FigureFacts:
        """The facts with the columns that were drawn, according to the cells' texts."""
        assert one.facts is not None
        every = frozenset(name for axes in one.facts.axes for name in axes.names)
        main = main_axes(one.facts)
        texts = [(text, one.key in drawn) for text, drawn in reversed(self._texts)]
        axes = tuple(
            _with_columns(axes, texts, every, is_main=axes is main) for axes in one.facts.axes
        )
        return replace(one.facts, axes=axes)


@dataclass(slots=True)
class _Known:
    """A figure and what it showed when it was last read."""

    ref: weakref.ref[Any]
    key: int
    facts: FigureFacts | None = None


def _with_columns(
    axes: AxesFacts, texts: Iterable[tuple[str, bool]], every: frozenset[str], *, is_main: bool
) -> AxesFacts:
    """`every` are the names of all axes of the figure: calls on these belong to those axes."""
    if axes.x or axes.y or axes.kinds == ("colorbar",):
        return axes
    for text, is_own in texts:
        calls = drawing_calls(text)
        mine = [call for call in calls if call.owner in axes.names]
        if not mine and is_own and is_main:
            mine = [call for call in calls if call.owner not in every]
        if mine:
            found = [_readable(columns) for columns in zip(*map(_columns_of, mine), strict=True)]
            return replace(axes, x=found[0], y=found[1], by=found[2])
    return axes


def _columns_of(call: DrawingCall) -> tuple[tuple[str, ...], ...]:
    return (call.columns.x, call.columns.y, call.columns.by)


def _readable(columns: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    names = dict.fromkeys(name for one in columns for name in one if len(name) <= MAX_TEXT)
    return tuple(name for name in islice(names, 8) if not holds_secret(name))


def read_any(
    figure: object,
    names: Mapping[int, tuple[str, ...]] | None = None,
    deadline: float = float("inf"),
    clock: Callable[[], float] = thread_time,
) -> FigureFacts | None:
    """What a figure of a known library shows; None for anything else."""
    if _is_matplotlib(type(figure), "Figure"):
        return read_figure(figure, deadline, clock, names)
    found = charts.read_chart(figure)
    own = (names or {}).get(id(figure), ())
    return replace(found, names=own) if found is not None else None


def read_figure(
    figure: object,
    deadline: float = float("inf"),
    clock: Callable[[], float] = thread_time,
    names: Mapping[int, tuple[str, ...]] | None = None,
) -> FigureFacts | None:
    """What a matplotlib figure shows; None for anything else, and for an empty figure.

    `names` are names in the namespace by the identity of their values.
    """
    if not _is_matplotlib(type(figure), "Figure"):
        return None
    own = instance_dict(figure) or {}
    axes = []
    found = _items(own.get("_localaxes"), MAX_AXES)
    sharing = {axis: _sharing(found, axis) for axis in "xy"}
    for one in found:
        if clock() > deadline:
            break
        if (facts := _read_axes(one, sharing, (names or {}).get(id(one), ()))) is not None:
            axes.append(facts)
    title = _text_of(own.get("_suptitle"))
    called = (names or {}).get(id(figure), ())
    return FigureFacts(title, tuple(axes), called) if axes or title else None


def _sharing(axes: Iterable[object], axis: str) -> frozenset[int]:
    """The axes that share their limits along an axis."""
    shared: set[int] = set()
    for one in axes:
        other = (instance_dict(one) or {}).get(f"_share{axis}")
        if other is not None:
            shared |= {id(one), id(other)}
    return frozenset(shared)


def _read_axes(
    axes: object, sharing: Mapping[str, frozenset[int]], names: tuple[str, ...]
) -> AxesFacts | None:
    if not _is_matplotlib(type(axes), "_AxesBase"):
        return None
    own = instance_dict(axes) or {}
    projection = from_mro(type(axes), "name")
    labels, scales, limits = {}, {}, {}
    for name in "xyz":
        axis = instance_dict(own[f"{name}axis"]) if f"{name}axis" in own else None
        labels[name] = _text_of((axis or {}).get("label"))
        scales[name] = _scale_of((axis or {}).get("_scale"))
        alone = name != "z" and id(axes) not in sharing[name] and not scales[name]
        plain = alone and projection == "rectilinear"
        limits[name] = None if _converts(axis) else _limits_of(own, name, may_expect=plain)
    kinds, colours, groups = _artists_of(own)
    legend = instance_dict(own["legend_"]) if own.get("legend_") is not None else None
    entries = _items((legend or {}).get("texts"), MAX_LEGEND)
    box = instance_dict((legend or {}).get("_legend_title_box")) or {}
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
        legend_title=_text_of(box.get("_text")),
        groups=groups,
        kinds=("colorbar",) if "_colorbar" in own else kinds,
        colors=colours,
        projection=projection if type(projection) is str else "",
        names=names,
    )


def _artists_of(own: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """The kinds of artists, their named colours and their labels, each once, in drawing order.

    For bars, the container has the label.
    """
    kinds: dict[str, None] = {}
    colours: dict[str, None] = {}
    groups: dict[str, None] = {}
    labelled = [*_items(own.get("_children"), MAX_ARTISTS), *_items(own.get("containers"), 20)]
    for artist in labelled:
        if not any(map(_is_of_matplotlib, mro_of(type(artist)))):
            continue
        label = _label_of(artist)
        if label and len(groups) < MAX_LEGEND:
            groups[label] = None
    for artist in _items(own.get("_children"), MAX_ARTISTS):
        for base in mro_of(type(artist)):
            kind = _KINDS.get(qualname_of(base))
            if kind is not None and _is_of_matplotlib(base):
                kinds[kind] = None
                break
        colour = (instance_dict(artist) or {}).get("_color")
        if type(colour) is str and len(colour) <= 20:
            colours[colour] = None
    return tuple(islice(kinds, 8)), tuple(islice(colours, 8)), tuple(groups)


def _label_of(artist: object) -> str:
    """The label of an artist or a container of bars, if a person set it."""
    text = (instance_dict(artist) or {}).get("_label")
    if type(text) is not str or text.startswith("_") or holds_secret(text[:MAX_TEXT]):
        return ""
    return " ".join(text[:MAX_TEXT].split())


def _converts(axis: Mapping[str, Any] | None) -> bool:
    """Whether an axis turns dates, categories or units into numbers: nobody writes its limits."""
    made = axis or {}
    return made.get("_converter", made.get("converter")) is not None  # "converter" until 3.9


def _limits_of(
    own: Mapping[str, Any], name: str, *, may_expect: bool
) -> tuple[float, float] | None:
    """The axis' limits; if not determined yet, those that drawing will set, if that is certain.

    `may_expect`: it is a plain linear axis that shares its limits with no other.
    """
    stale = own.get("_stale_viewlims")
    if name == "z":
        return None
    if type(stale) is not dict or not stale.get(name):
        return _interval(own.get("_viewLim"), name)
    expected = _interval(own.get("dataLim"), name) if may_expect else None
    margin = own.get(f"_{name}margin")
    if expected is None or type(margin) is not float or _is_sticky(own, name):
        return None
    low, high = expected
    room = (high - low) * margin
    return (low - room, high + room) if high > low else None


def _is_sticky(own: Mapping[str, Any], name: str) -> bool:
    """Whether an artist pins the limits to its edge, as bars and images do."""
    for artist in _items(own.get("_children"), MAX_ARTISTS):
        edges = instance_dict(artist) or {}
        sticky = edges.get("_sticky_edges")
        if sticky is None:
            continue
        held = tuple.__getitem__(sticky, "xy".index(name)) if _is_pair(sticky) else ()
        if type(held) is not list or held:
            return True
    return False


def _is_pair(value: object) -> bool:
    return any(base is tuple for base in mro_of(type(value))) and tuple.__len__(value) == 2  # type: ignore[arg-type]


def _interval(box: object, name: str) -> tuple[float, float] | None:
    if box is None or not _is_of_matplotlib(type(box)):
        return None
    points: Any = (instance_dict(box) or {}).get("_points")
    if not is_genuine(type(points), "numpy"):
        return None
    low, high = (row["xy".index(name)] for row in points.tolist())
    good = type(low) is float and type(high) is float and abs(low) + abs(high) < float("inf")
    return (low, high) if good else None


def _scale_of(scale: object) -> str:
    name = from_mro(type(scale), "name") if _is_of_matplotlib(type(scale)) else None
    return name if type(name) is str and name != "linear" else ""


def _text_of(artist: object) -> str:
    if artist is None or not _is_matplotlib(type(artist), "Text"):
        return ""
    text = (instance_dict(artist) or {}).get("_text")
    if type(text) is not str or holds_secret(text):
        return ""
    return " ".join(text[:MAX_TEXT].split())


def _items(value: object, limit: int) -> list[Any]:
    """The first elements of a list, even of a subclass that overrides iteration."""
    if not any(base is list for base in mro_of(type(value))):
        return []
    return list(islice(list.__iter__(value), limit))  # type: ignore[arg-type]


def _managed() -> list[Any]:
    """The figures that pyplot has open, newest last; [] if pyplot is not loaded."""
    pylab = sys.modules.get("matplotlib._pylab_helpers")
    manager = None if pylab is None else vars(pylab).get("Gcf")
    managed = None if manager is None else vars(manager).get("figs")
    found = [_managed_figure(one) for one in list((managed or {}).values())[-MAX_FIGURES:]]
    return [figure for figure in found if figure is not None]


def _managed_figure(manager: object) -> object:
    canvas = (instance_dict(manager) or {}).get("canvas")
    figure = (instance_dict(canvas) or {}).get("figure")
    return figure if _is_matplotlib(type(figure), "Figure") else None


def _in_namespace(
    namespace: Mapping[str, Any], deadline: float, clock: Callable[[], float]
) -> tuple[dict[int, tuple[str, ...]], list[object]]:
    """The names of figures and axes, by identity, and the figures, oldest first."""
    names: dict[int, list[str]] = {}
    figures: dict[int, object] = {}
    for name, value in islice(reversed(list(namespace.items())), MAX_NAMES):
        if clock() > deadline:
            break
        if type(name) is not str or name.startswith("_"):
            continue
        for path, one in _parts(name, value):
            figure = _figure_of(one)
            if figure is not None:
                names.setdefault(id(one), []).append(path)
                figures.setdefault(id(figure), figure)
    described = {key: tuple(found[:4]) for key, found in names.items()}
    return described, list(reversed(figures.values()))


def _parts(name: str, value: object) -> Iterator[tuple[str, object]]:
    """A value, or the elements of an array, list, tuple or dictionary of axes, with their
    expressions."""
    kind = type(value)
    if kind is list or kind is tuple:
        for i, one in enumerate(islice(value, MAX_AXES)):  # type: ignore[call-overload]
            yield f"{name}[{i}]", one
    elif kind is dict:
        items: Any = dict.items(value)  # type: ignore[arg-type]
        for key, one in islice(items, MAX_AXES):
            if type(key) is str and len(key) <= 40:
                yield f"{name}[{key!r}]", one
    elif is_genuine(kind, "numpy") and qualname_of(kind) == "ndarray":
        array: Any = value
        if array.dtype.hasobject and 0 < array.size <= 64 and array.ndim in (1, 2):
            for i, row in enumerate(array.tolist()):
                if array.ndim == 1:
                    yield f"{name}[{i}]", row
                else:
                    yield from ((f"{name}[{i}, {j}]", one) for j, one in enumerate(row))
    else:
        yield name, value


def _figure_of(value: object) -> object | None:
    """The figure that a value is or belongs to; None for anything else."""
    kind = type(value)
    if _is_matplotlib(kind, "Figure") or charts.is_chart(kind):
        return value
    if _is_matplotlib(kind, "_AxesBase"):
        return (instance_dict(value) or {}).get("_parent_figure")
    return None


def _is_matplotlib(cls: type, name: str) -> bool:
    return any(qualname_of(base) == name and _is_of_matplotlib(base) for base in mro_of(cls))


def _is_of_matplotlib(cls: type) -> bool:
    return is_genuine(cls, "matplotlib") or is_genuine(cls, "mpl_toolkits")
