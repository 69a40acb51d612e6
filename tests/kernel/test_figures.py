"""What figures show is read without drawing, and without touching what is not matplotlib's."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")

import matplotlib.pyplot as plt  # noqa: E402
import pandas as pd  # noqa: E402

from nextedit_jupyter.core.facts import KernelFacts  # noqa: E402
from nextedit_jupyter.core.wire import decode_facts, encode_facts  # noqa: E402
from nextedit_jupyter.kernel.figures import (  # noqa: E402
    MAX_AXES,
    MAX_LEGEND,
    MAX_TEXT,
    Figures,
    read_figure,
)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def twin() -> Any:
    figure, left = plt.subplots()
    left.plot([1, 2])
    left.set_ylabel("price")
    left.twinx().set_ylabel("volume")
    return figure


def many_lines() -> Any:
    figure, axes = plt.subplots()
    for i in range(500):
        axes.plot([0, i], label=f"line {i}", color="red")
    axes.legend()
    return figure


def colour_bar() -> Any:
    figure, axes = plt.subplots()
    figure.colorbar(axes.imshow([[1, 2], [3, 4]]))
    return figure


def three() -> Any:
    figure = plt.figure()
    axes = figure.add_subplot(projection="3d")
    axes.scatter([1], [2], [3])
    axes.set_zlabel("depth")
    return figure


def of_pandas() -> Any:
    frame = pd.DataFrame({"day": [1, 2], "sales": [3, 4], "cost": [1, 1]})
    return frame.plot(x="day", y=["sales", "cost"]).figure


def subplots() -> Any:
    figure, grid = plt.subplots(4, 4)
    grid[0, 0].set_title("first")
    figure.suptitle("All")
    return figure


def polar() -> Any:
    figure, _ = plt.subplots(subplot_kw={"projection": "polar"})
    return figure


def logarithmic() -> Any:
    figure, axes = plt.subplots()
    axes.bar([1, 2], [10, 100])
    axes.set_yscale("log")
    return figure


def empty() -> Any:
    return plt.figure()


def closed() -> Any:
    figure, axes = plt.subplots()
    axes.scatter([1], [2], label="a")
    axes.set_xlabel("height")
    plt.close(figure)
    return figure


MAKERS: dict[Callable[[], Any], Callable[[Any], bool]] = {
    twin: lambda f: [a.ylabel for a in f.axes] == ["price", "volume"],
    many_lines: lambda f: len(f.axes[0].legend) == MAX_LEGEND and f.axes[0].colors == ("red",),
    colour_bar: lambda f: [a.kinds for a in f.axes] == [("image",), ("colorbar",)],
    three: lambda f: (f.axes[0].projection, f.axes[0].zlabel) == ("3d", "depth"),
    of_pandas: lambda f: f.axes[0].xlabel == "day" and f.axes[0].legend == ("sales", "cost"),
    subplots: lambda f: (f.title, f.axes[0].title, len(f.axes)) == ("All", "first", MAX_AXES),
    polar: lambda f: f.axes[0].projection == "polar",
    logarithmic: lambda f: (f.axes[0].yscale, f.axes[0].kinds) == ("log", ("bar",)),
    empty: lambda f: f is None,
    closed: lambda f: (f.axes[0].xlabel, f.axes[0].kinds) == ("height", ("scatter",)),
}


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_what_a_figure_shows_is_read_and_travels(make: Callable[[], Any]) -> None:
    found = read_figure(make())
    assert MAKERS[make](found), found
    facts = KernelFacts(figures=(found,) if found else ())
    assert decode_facts(encode_facts(facts)) == facts


def test_limits_are_told_when_they_are_settled() -> None:
    figure, axes = plt.subplots()
    axes.plot([0, 10], [1, 3])
    before = read_figure(figure)
    assert before is not None
    assert before.axes[0].xlim is None
    axes.set_xlim(2, 8)
    figure.canvas.draw()
    after = read_figure(figure)
    assert after is not None
    assert after.axes[0].xlim == (2.0, 8.0)


def test_reading_draws_nothing_and_changes_nothing() -> None:
    figure, axes = plt.subplots()
    axes.plot([0, 1])
    before = dict(axes._stale_viewlims)
    assert any(before.values())
    read_figure(figure)
    assert axes._stale_viewlims == before


class Hostile:
    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"touched: {name}")

    __repr__ = __str__ = __hash__ = __eq__ = __len__ = __iter__ = __bool__ = None  # type: ignore


def test_hostile_objects_are_not_touched() -> None:
    figure, axes = plt.subplots()

    class Trap(type(axes)):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(name)

        @property
        def title(self) -> Any:
            raise AssertionError

    axes.set_xlabel("kept")
    axes.__dict__["_children"] = [Hostile()]
    axes.__dict__["legend_"] = Hostile()
    axes.__class__ = Trap
    figures = Figures()
    found = figures.facts({"h": Hostile(), "figure": figure, "axes": axes})
    assert [a.xlabel for f in found for a in f.axes] == ["kept"]
    assert read_figure(Hostile()) is None
    object.__setattr__(axes, "__class__", Trap.__mro__[1])


def test_an_imitation_by_name_is_passed_over() -> None:
    class Figure:
        _localaxes = property(lambda self: 1 / 0)

    assert read_figure(Figure()) is None


def test_secrets_and_long_texts_do_not_leave() -> None:
    figure, axes = plt.subplots()
    axes.set_xlabel("token: ghp_" + "aB3dE5gH7j" * 4)
    axes.set_ylabel("y" * 1000)
    found = read_figure(figure)
    assert found is not None
    assert found.axes[0].xlabel == ""
    assert len(found.axes[0].ylabel) == MAX_TEXT


def test_a_figure_that_the_inline_backend_closes_is_known_and_lives_no_longer() -> None:
    _, axes = plt.subplots()
    axes.set_xlabel("height")
    figures = Figures()
    figures.note()
    plt.close("all")
    figures.settle()
    assert figures.facts({})[-1].axes[0].xlabel == "height"
    del axes, _
    gc.collect()
    assert [one.ref() for one in figures._known] == [None]
    assert figures.facts({})[-1].axes[0].xlabel == "height"


def test_the_budget_ends_the_reading() -> None:
    figure, _ = plt.subplots(3, 3)
    ticks = iter(range(10_000))
    found = Figures().facts({"figure": figure}, clock=lambda: float(next(ticks)), budget_ms=4_000)
    assert all(len(one.axes) < MAX_AXES for one in found)
