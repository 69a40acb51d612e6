"""What figures show is read without drawing, and without touching what is not matplotlib's."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")

import matplotlib.figure  # noqa: E402
import matplotlib.pyplot as plt  # noqa: E402
import pandas as pd  # noqa: E402

from nextedit_jupyter.core.facts import KernelFacts  # noqa: E402
from nextedit_jupyter.core.wire import decode_facts, encode_facts  # noqa: E402
from nextedit_jupyter.kernel.figures import (  # noqa: E402
    MAX_AXES,
    MAX_FIGURES,
    MAX_LEGEND,
    MAX_NAMES,
    MAX_TEXT,
    MAX_TEXTS,
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
    assert before.axes[0].xlim == pytest.approx((-0.5, 10.5))  # what drawing will make of it
    axes.set_xlim(2, 8)
    figure.canvas.draw()
    after = read_figure(figure)
    assert after is not None
    assert after.axes[0].xlim == (2.0, 8.0)


@pytest.mark.parametrize("along", [["may", "june"], pd.date_range("2026-05-01", periods=2)])
def test_limits_that_stand_for_dates_or_categories_are_not_told(along: Any) -> None:
    figure, axes = plt.subplots()
    axes.plot(along, [1, 3])
    axes.set_ylim(0, 4)
    figure.canvas.draw()
    found = read_figure(figure)
    assert found is not None
    assert (found.axes[0].xlim, found.axes[0].ylim) == (None, (0.0, 4.0))


def test_reading_draws_nothing_and_changes_nothing() -> None:
    figure, axes = plt.subplots()
    axes.plot([0, 1])
    before = dict(axes._stale_viewlims)  # type: ignore[attr-defined]
    assert any(before.values())
    read_figure(figure)
    assert axes._stale_viewlims == before  # type: ignore[attr-defined]


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
    assert [len(one.axes) for one in found] == [3]


FRAME = pd.DataFrame(
    {"height": [1.6, 1.8], "weight": [55.0, 80.0], "sex": pd.Categorical(["f", "m"])}
)
BY_GROUP = (
    "fig, ax = plt.subplots()\n"
    "for sex, part in df.groupby('sex', observed=True):\n"
    "    ax.scatter(part['height'], part['weight'], label=sex)"
)


def after_running(*cells: str, draw: bool = True, figures: Figures | None = None) -> Any:
    """The newest figure's facts after these cells, as a shell with the inline backend runs them."""
    figures = figures or Figures()
    namespace: dict[str, Any] = {"plt": plt, "pd": pd, "df": FRAME}
    for cell in cells:
        exec(cell, namespace)
        figures.note(cell)
        if draw:
            for number in plt.get_fignums():
                plt.figure(number).canvas.draw()
            plt.close("all")
        figures.settle(clock=lambda: 0.0)
    found = figures.facts(namespace, clock=lambda: 0.0)
    return found[-1] if found else None


def test_a_scatter_by_group_says_columns_groups_limits_and_names() -> None:
    (axes,) = after_running(BY_GROUP).axes
    assert (axes.x, axes.y, axes.by) == (("height",), ("weight",), ("sex",))
    assert axes.groups == ("f", "m")
    assert axes.names == ("ax",)
    assert axes.xlim == pytest.approx((1.59, 1.81))


def test_a_figure_without_a_name_is_known_after_it_was_drawn_and_closed() -> None:
    (axes,) = after_running("plt.scatter(df['height'], df['weight'])\nplt.xlabel('h')").axes
    assert (axes.xlabel, axes.x, axes.y) == ("h", ("height",), ("weight",))
    assert axes.xlim == pytest.approx((1.59, 1.81))
    gc.collect()


def test_nothing_is_held_after_the_cell() -> None:
    figures = Figures()
    after_running("plt.plot(df['height'])", figures=figures)
    gc.collect()
    assert figures._held == []
    assert all(one.ref() is None for one in figures._known)


def test_limits_that_are_not_settled_are_told_as_drawing_settles_them() -> None:
    for cell in ("fig, ax = plt.subplots()\nax.plot([0, 10], [1, 3])", BY_GROUP):
        expected = after_running(cell, draw=False).axes[0]
        settled = after_running(cell).axes[0]
        assert expected.xlim == pytest.approx(settled.xlim)
        assert expected.ylim == pytest.approx(settled.ylim)


@pytest.mark.parametrize(
    "draws",
    [
        "ax.bar([1, 2], [3, 4])",
        "ax.hist([1, 2, 2])",
        "ax.plot([1, 10])\nax.set_yscale('log')",
        "ax.plot([1, 1], [2, 2])",
        "other = ax.twinx()\nother.plot([0, 5], [0, 5])\nax.plot([1, 2])",
    ],
)
def test_limits_that_drawing_may_settle_otherwise_are_not_told_or_right(draws: str) -> None:
    cell = f"fig, ax = plt.subplots()\n{draws}"
    told, settled = after_running(cell, draw=False), after_running(cell)
    for early, late in zip(told.axes, settled.axes, strict=True):
        for one, other in ((early.xlim, late.xlim), (early.ylim, late.ylim)):
            assert one is None or one == pytest.approx(other)


def test_each_axes_of_a_grid_has_its_name_and_its_own_columns() -> None:
    found = after_running(
        "fig, axes = plt.subplots(2, 2)\n"
        "axes[0, 1].hist(df['height'])\n"
        "axes[1, 0].plot(df['weight'])"
    )
    told = {one.names[0]: (one.x, one.y) for one in found.axes}
    assert told["axes[0, 1]"] == (("height",), ())
    assert told["axes[1, 0]"] == ((), ("weight",))
    assert told["axes[0, 0]"] == ((), ())


def test_columns_of_a_later_cell_that_draws_on_the_same_axes_are_added() -> None:
    figures = Figures()
    found = after_running("fig, ax = plt.subplots()", "ax.plot(df['weight'])", figures=figures)
    assert found.axes[0].y == ("weight",)


def test_a_closed_figures_place_is_taken_by_the_next_one() -> None:
    found = after_running(
        "plt.plot(df['height'])", "fig, ax = plt.subplots()\nax.plot(df['weight'])"
    )
    assert found.axes[0].y == ("weight",)


def test_seaborn_and_its_legend_title_are_read() -> None:
    pytest.importorskip("seaborn")
    found = after_running(
        "import seaborn as sns\nax = sns.scatterplot(data=df, x='height', y='weight', hue='sex')"
    )
    (axes,) = found.axes
    assert (axes.xlabel, axes.ylabel, axes.legend_title) == ("height", "weight", "sex")
    assert axes.legend == ("f", "m")
    assert axes.by == ("sex",)


def test_many_names_figures_and_texts_are_bounded() -> None:
    figures = Figures()
    for i in range(30):
        after_running(f"plt.plot(df['height'])\n# {i}", figures=figures)
    assert len(figures._known) <= 2 * MAX_FIGURES
    assert len(figures._texts) <= MAX_TEXTS
    looked: list[str] = []

    def clock() -> float:
        looked.append("")
        return 0.0

    figures.facts({f"x{i}": i for i in range(100_000)}, clock=clock)
    assert len(looked) <= MAX_NAMES + 100


def test_figures_of_another_thread_are_read_while_it_draws() -> None:
    figures, stop, failed = Figures(), threading.Event(), []

    def draw() -> None:
        while not stop.is_set():
            figure = matplotlib.figure.Figure()
            axes = figure.add_subplot()
            for i in range(5):
                axes.plot([i, 2])
            namespace["figure"], namespace["axes"] = figure, axes

    namespace: dict[str, Any] = {}
    thread = threading.Thread(target=draw)
    thread.start()
    try:
        for _ in range(60):
            figures.note("")
            figures.settle()
            figures.facts(namespace)
    except Exception as error:
        failed.append(error)
    finally:
        stop.set()
        thread.join()
    assert failed == []


def test_without_pyplot_a_figure_under_a_name_is_read() -> None:
    figure = matplotlib.figure.Figure()
    figure.add_subplot().set_ylabel("depth")
    assert Figures().facts({"picture": figure})[-1].names == ("picture",)


def test_secrets_in_columns_do_not_leave() -> None:
    secret = "ghp_" + "aB3dE5gH7j" * 4
    found = after_running(
        f"fig, ax = plt.subplots()\nax.plot([1]) if 1 else ax.plot(df['{secret}'])"
    )
    assert secret not in repr(found)
