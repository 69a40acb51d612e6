"""What charts of plotly and altair show is read from their specification."""

from __future__ import annotations

import sys
from typing import Any

import pandas as pd
import pytest

from nextedit_jupyter.core.facts import AxesFacts
from nextedit_jupyter.kernel.charts import MAX_GROUPS, MAX_LAYERS, read_chart
from nextedit_jupyter.kernel.figures import Figures

FRAME = pd.DataFrame({"height": [1.6, 1.8], "weight": [55.0, 80.0], "sex": ["f", "m"]})


def only(chart: Any) -> AxesFacts:
    found = read_chart(chart)
    assert found is not None
    (axes,) = found.axes
    return axes


def test_plotly_says_titles_groups_ranges_and_scales() -> None:
    px = pytest.importorskip("plotly.express")
    chart = px.scatter(FRAME, x="height", y="weight", color="sex", title="People", log_y=True)
    chart.update_xaxes(range=[1, 2])
    axes = only(chart)
    assert (axes.title, axes.xlabel, axes.ylabel) == ("People", "height", "weight")
    assert (axes.legend_title, axes.groups) == ("sex", ("f", "m"))
    assert (axes.xlim, axes.yscale, axes.kinds) == ((1.0, 2.0), "log", ("scatter",))


def test_plotlys_grids_and_three_dimensions() -> None:
    go = pytest.importorskip("plotly.graph_objects")
    subplots = pytest.importorskip("plotly.subplots")
    grid = subplots.make_subplots(1, 2)
    grid.add_scatter(x=[1], y=[2], row=1, col=1, mode="lines", name="one")
    grid.add_bar(x=[1], y=[2], row=1, col=2)
    grid.update_yaxes(title="price", row=1, col=2)
    found = read_chart(grid)
    assert found is not None
    assert [axes.kinds for axes in found.axes] == [("line",), ("bar",)]
    assert found.axes[1].ylabel == "price"
    deep = go.Figure(go.Scatter3d(x=[1], y=[2], z=[3]))
    deep.update_layout(scene={"zaxis": {"title": {"text": "depth"}}})
    assert only(deep).zlabel == "depth"
    assert read_chart(go.Figure()) is None


def test_plotly_is_bounded() -> None:
    go = pytest.importorskip("plotly.graph_objects")
    chart = go.Figure([go.Scatter(y=[1], name=f"line {i}") for i in range(500)])
    assert len(only(chart).groups) == MAX_GROUPS


def test_altair_says_encodings_titles_and_marks() -> None:
    alt = pytest.importorskip("altair")
    chart = (
        alt.Chart(FRAME, title="People")
        .mark_point()
        .encode(
            x=alt.X("height:Q", scale=alt.Scale(domain=[1, 2])),
            y=alt.Y("mean(weight)", title="Weight (kg)"),
            color="sex:N",
        )
    )
    axes = only(chart)
    assert (axes.x, axes.y, axes.by) == (("height",), ("weight",), ("sex",))
    assert (axes.xlabel, axes.ylabel, axes.xlim) == ("height", "Weight (kg)", (1.0, 2.0))
    found = read_chart(chart)
    assert found is not None
    assert (found.title, axes.kinds) == ("People", ("point",))
    layered = read_chart(alt.layer(*[chart.mark_line(opacity=i / 99) for i in range(40)]))
    assert layered is not None
    assert len(layered.axes) <= MAX_LAYERS


def test_charts_under_names_are_found_and_the_newest_is_last() -> None:
    alt = pytest.importorskip("altair")
    go = pytest.importorskip("plotly.graph_objects")
    figures = Figures()
    namespace: dict[str, Any] = {"first": go.Figure(go.Bar(y=[1], name="old"))}
    assert figures.facts(namespace)[-1].axes[0].kinds == ("bar",)
    namespace["second"] = alt.Chart(FRAME).mark_line().encode(x="height")
    found = figures.facts(namespace)
    assert (found[-1].names, found[-1].axes[0].x) == (("second",), ("height",))


class Hostile:
    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"touched: {name}")

    __repr__ = __str__ = __hash__ = __eq__ = __len__ = __iter__ = __bool__ = None  # type: ignore


def test_hostile_parts_are_not_touched() -> None:
    go = pytest.importorskip("plotly.graph_objects")
    alt = pytest.importorskip("altair")
    chart = go.Figure(go.Bar(y=[1], name="kept"))
    chart.__dict__["_layout"] = {"title": Hostile(), "xaxis": {"range": Hostile()}}
    chart.__dict__["_data"].append(Hostile())
    assert only(chart).groups == ("kept",)
    drawn = alt.Chart(FRAME).mark_bar().encode(x="height")
    drawn._kwds["title"] = Hostile()
    drawn._kwds["layer"] = [Hostile()]
    assert only(drawn).x == ("height",)
    assert read_chart(Hostile()) is None


def test_an_imitation_by_name_is_passed_over() -> None:
    class BaseFigure:
        _layout = property(lambda self: 1 / 0)

    BaseFigure.__module__ = "plotly.basedatatypes"
    assert read_chart(BaseFigure()) is None
    assert "BaseFigure" not in vars(sys.modules[__name__])
