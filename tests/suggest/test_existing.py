"""What exists at the caret is offered where one candidate is left, and wins over a guess."""

from __future__ import annotations

import pytest

from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellEdit,
    KernelFacts,
    NamedObject,
    Notebook,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.suggest.existing import reconciled, what_exists

FACTS = KernelFacts(
    names=(
        NamedObject(
            "readings",
            "pandas.DataFrame",
            members=("groupby", "head", "sort_index", "sort_values"),
            subscripts=("time", "station", "temperature", "humidity"),
        ),
        NamedObject("np", "module", members=("linspace", "linalg", "zeros", "zeros_like")),
        NamedObject("cfg", "dict", subscripts=("alpha", "beta")),
        NamedObject("dew_point", "function", keywords=("temperature", "humidity")),
        NamedObject("model", "my.Model", members=("predict",)),
    )
)
NO_FACTS = KernelFacts()
ABOVE = """import pandas as pd
readings = pd.DataFrame({"time": 1, "station": 2, "temperature": 3, "humidity": 4})
cfg = {"alpha": 1, "beta": 2}
def dew_point(temperature, humidity):
    return 1
"""


def at(marked: str, *above: str, facts: KernelFacts = NO_FACTS) -> SuggestRequest:
    before, _, after = marked.partition("|")
    cells = [Cell(f"c{i}", "code", source) for i, source in enumerate(above)]
    cells.append(Cell("here", "code", before + after))
    return SuggestRequest(Notebook("python", tuple(cells)), Caret("here", len(before)), facts=facts)


def shown(request: SuggestRequest, said: str | None = None) -> str | None:
    """The caret's cell with what is shown, where a model says `said`."""
    existing = what_exists(request)
    model = None
    if said is not None:
        edit = TextEdit.insert(request.caret.offset, said)
        change = CellEdit.of("here", request.cell.source, edit)
        model = Suggestion("s", "inline", "model", "", 0.8, (change,))
    better = model if existing is None else reconciled(request, existing, model)
    if better is None:
        return None
    texts = better.apply(request.notebook)
    assert texts is not None
    return texts["here"]


LABELS = [
    ('readings["st|', 'readings["station"]'),
    ('readings["st|"]', 'readings["station"]'),
    ("x = readings['hu|", "x = readings['humidity']"),
    ('by_station = readings.groupby("st|', 'by_station = readings.groupby("station")'),
    ('by_station = readings.groupby("st|")', 'by_station = readings.groupby("station")'),
    ('by_station = readings.groupby("st|"', 'by_station = readings.groupby("station")'),
    (
        'by_station = readings.groupby("st|).mean()',
        'by_station = readings.groupby("station").mean()',
    ),
    ('print(readings.groupby("st|))', 'print(readings.groupby("station"))'),
    ('readings.groupby(["st|', 'readings.groupby(["station"'),
    ('readings.groupby(["st|"])', 'readings.groupby(["station"])'),
    ("readings.set_index('ti|", "readings.set_index('time')"),
    ('readings.sort_values("ti|', 'readings.sort_values("time"'),
    ('readings.at[3, "hu|', 'readings.at[3, "humidity"]'),
    ('readings.at[3, "hu|"]', 'readings.at[3, "humidity"]'),
    ('readings.at["hu|', 'readings.at["humidity"'),
    ('readings[["time", "hu|', 'readings[["time", "humidity"'),
    ('readings[["time", "hu|"]]', 'readings[["time", "humidity"]]'),
    ('readings.loc[:, "hu|', 'readings.loc[:, "humidity"'),
    ('readings.sort_values(by=["te|"])', 'readings.sort_values(by=["temperature"])'),
    ('readings.dropna().groupby("st|', 'readings.dropna().groupby("station")'),
    ('readings[readings["time"] > 3]["hu|', 'readings[readings["time"] > 3]["humidity"]'),
    ('readings.rename(columns={"te|', 'readings.rename(columns={"temperature"'),
    ('readings.agg({"te|', 'readings.agg({"temperature"'),
    ('sns.lineplot(data=readings, x="ti|', 'sns.lineplot(data=readings, x="time"'),
    ("print(f\"{readings['hu|", "print(f\"{readings['humidity']"),
    ("print(f\"{readings['hu|']}\")", "print(f\"{readings['humidity']}\")"),
    ('cfg["al|', 'cfg["alpha"]'),
    ("dew_point(1, hu|", "dew_point(1, humidity="),
    ("dew_point(1, hu|)", "dew_point(1, humidity)"),  # `humidity=)` would not parse
    ("dew_point(\n    1,\n    hu|\n)", "dew_point(\n    1,\n    humidity\n)"),
]


@pytest.mark.parametrize(("marked", "becomes"), LABELS)
def test_the_only_candidate_that_the_kernel_knows_is_offered(marked: str, becomes: str) -> None:
    assert shown(at(marked, facts=FACTS)) == becomes


@pytest.mark.parametrize(("marked", "becomes"), LABELS)
def test_without_a_kernel_the_cells_say_what_exists(marked: str, becomes: str) -> None:
    assert shown(at(marked, ABOVE)) == becomes


def test_members_that_the_kernel_knows_are_offered() -> None:
    assert shown(at("np.lins|", facts=FACTS)) == "np.linspace"
    assert shown(at("readings.grou|", facts=FACTS)) == "readings.groupby"
    assert shown(at("np.lin|", facts=FACTS)) is None  # two are left


@pytest.mark.parametrize(
    "marked",
    [
        'plt.title("st|',
        'readings.to_csv("st|',
        'readings["|',
        'readings["t|',  # two
        'readings["station|',  # whole
        'readings.groupby("day").agg("me|',
        'requests.get("hu|',
        "# readings['st|",
        'def f(hu="st|',
        "def dew_point(1, hu|",
        "import np.lins|",
        "x = \"readings['st|",
        'readings["\\st|',
        "model.pre|",  # an instance may have more than its type
    ],
)
def test_where_something_else_may_be_meant_nothing_is_offered(marked: str) -> None:
    assert shown(at(marked, facts=FACTS)) is None
    assert shown(at(marked, ABOVE)) is None


def test_a_keyword_that_a_variable_begins_like_is_not_the_only_candidate() -> None:
    assert shown(at("dew_point(1, hu|", "hum = 3", facts=FACTS)) is None
    assert shown(at("def g(hum):\n    return dew_point(1, hu|", facts=FACTS)) is None
    assert shown(at("dew_point(humidity=1, hu|", facts=FACTS)) is None


def test_what_exists_wins_over_a_guess() -> None:
    above = 'sales["store"], sales["visitors"] = 1, 2'
    assert shown(at('by = sales.groupby("sto|', above), 'ck"') == 'by = sales.groupby("store")'
    assert shown(at('y = sales["v|', above), 'alue"]') == 'y = sales["visitors"]'
    assert shown(at('y = sales["|', above), 'value"]') is None
    assert shown(at('y = readings["|', facts=FACTS), 'value"]') is None
    assert shown(at('y = readings["x|', facts=FACTS), 'yz"]') is None


def test_a_guess_that_names_what_exists_is_kept() -> None:
    longer = 'ation"].unique()'
    assert shown(at('readings["st|', facts=FACTS), longer) == 'readings["station"].unique()'
    assert shown(at('y = readings["|', facts=FACTS), 'time"]') == 'y = readings["time"]'
    assert shown(at('readings["|"]', facts=FACTS), "time") == 'readings["time"]'
    assert shown(at("np.lin|", facts=FACTS), "space(0, 1)") == "np.linspace(0, 1)"
    more = 'ation", as_index=False)'
    by_station = 'readings.groupby("station", as_index=False)'
    assert shown(at('readings.groupby("st|', facts=FACTS), more) == by_station
    assert shown(at('readings.groupby("st|', facts=FACTS), "ation") == 'readings.groupby("station")'


def test_a_guess_that_ends_with_a_name_is_closed_like_the_only_candidate() -> None:
    by_station = 'readings.groupby("station")'
    assert shown(at('readings.groupby("|', facts=FACTS), "station") == by_station
    assert shown(at('readings.groupby("|")', facts=FACTS), "station") == by_station
    assert shown(at('y = readings["|', facts=FACTS), "time") == 'y = readings["time"]'
    assert shown(at('readings.groupby(["|', facts=FACTS), "time") == 'readings.groupby(["time"'


def test_a_guess_that_another_name_begins_with_stays_open() -> None:
    above = 'sales["store"], sales["store_id"] = 1, 2'
    assert shown(at('y = sales["|', above), "store") == 'y = sales["store'
    assert shown(at('y = sales["|', above), "store_id") == 'y = sales["store_id"]'


def test_a_new_column_may_be_named() -> None:
    assert shown(at('readings["d|', facts=FACTS), 'ew"] = 1') == 'readings["dew"] = 1'
    assert shown(at('y = other["d|'), 'ew"]') == 'y = other["dew"]'


def test_a_column_that_a_cell_makes_exists_before_the_kernel_knows_it() -> None:
    made = at('y = readings["de|', 'readings["dew"] = 1', facts=FACTS)
    assert shown(made) == 'y = readings["dew"]'


def test_the_line_that_is_being_typed_says_nothing() -> None:
    assert shown(at('y = frame["stat|')) is None
    assert shown(at('y = frame["stat|"]\nz = 1')) is None


def test_members_that_other_lines_say_are_offered_where_a_model_is_silent() -> None:
    above = "plt.subplots()\nplt.show()\nfor x in y:\n    self.history = 1"
    assert shown(at("plt.su|", above)) == "plt.subplots"
    assert shown(at("plt.su|(2)", above)) == "plt.subplots(2)"
    assert shown(at("print(self.hi|)", above)) == "print(self.history)"
    assert shown(at("plt.sh|", above), "ape") == "plt.shape"
    assert shown(at("plt.s|", above)) is None
    assert shown(at("plt.su|", above, "plt.suptitle('a')")) is None
    assert shown(at("other.su|", above)) is None
    assert shown(at("x = 1\nplt.su|\nplt.subplots()")) == "x = 1\nplt.subplots\nplt.subplots()"


WATER = "temperature_of_water = 21.5\npressure = 1"


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("print(tem|", "print(temperature_of_water"),
        ("print(tem|)", "print(temperature_of_water)"),
        ("x = tem|", "x = temperature_of_water"),
        ("x = [a for a in tem|", "x = [a for a in temperature_of_water"),
        ("if pressure > 1 and tem|", "if pressure > 1 and temperature_of_water"),
        ("sizes = [1]\nprint(siz|", "sizes = [1]\nprint(sizes"),
        ("assert isinst|", "assert isinstance"),
    ],
)
def test_a_variable_is_offered_where_one_begins_with_what_is_typed(
    typed: str, becomes: str
) -> None:
    assert shown(at(typed, WATER)) == becomes


@pytest.mark.parametrize(
    "typed",
    [
        "tem|",  # a new name may be meant
        "    tem|",
        "print(te|",  # too little is typed
        "print(pre|",  # pressure and pressed
        "print(x.tem|",
        "print('tem|",
        "print(1)  # tem|",
        "def tem|",
        "lambda tem|",
        "for tem|",
        "import numpy as tem|",
        "from water import tem|",
        "print(temperature_of_water|",
    ],
)
def test_a_variable_is_not_offered_where_another_may_be_meant(typed: str) -> None:
    assert shown(at(typed, WATER, "pressed = 2")) is None


def test_a_model_knows_better_than_the_names_what_is_meant() -> None:
    assert shown(at("print(tem|", WATER), "plate") == "print(template"
