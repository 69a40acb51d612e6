"""Fields of classes and keywords of calls, through all lanes but the model's."""

from __future__ import annotations

import pytest
from offering import after, notes, optional, request

from nextedit_jupyter.analysis.rename import plan_rename
from nextedit_jupyter.core import Cell, KernelFacts, Notebook, Silence

RECORD = "from dataclasses import dataclass\n@dataclass\nclass Row:\n    {0}: str"


@pytest.mark.parametrize(
    "rest",
    [
        "\n    def greet(self, name): ...",
        "\n    def greet(self):\n        name = 'a'",
        "\ndef greet(name): ...",
        "\nrows = [Row(name) for name in 'ab']",
    ],
)
def test_a_field_without_a_value_is_renamed_whatever_else_has_its_name(rest: str) -> None:
    now = RECORD.format("label") + rest
    asked = request([now, "Row(name='a').name"], (0, RECORD.format("name") + rest, now))
    assert after(asked)[1] == "Row(label='a').label"


@pytest.mark.parametrize(
    ("head", "use", "becomes"),
    [
        ("from typing import NamedTuple\nclass A(NamedTuple):", "A(w=1).w", "A(width=1).width"),
        ("from typing import TypedDict\nclass A(TypedDict):", "A(w=1)['w']", "A(width=1)['width']"),
        ("class A:", "A().w", "A().width"),
    ],
)
@pytest.mark.parametrize("value", ["", " = 3"])
def test_an_annotated_name_of_a_class_is_a_definition(
    head: str, use: str, becomes: str, value: str
) -> None:
    text = f"{head}\n    {{0}}: int{value}\n    def f(self, w): return self.{{0}} + w"
    before, now = text.format("w"), text.format("width").replace("self.width", "self.w")
    asked = request([now, use], (0, before, now))
    assert after(asked) == [text.format("width"), becomes]


def test_a_name_before_a_colon_in_brackets_is_no_definition() -> None:
    before = "rate = 1\npace = 2\ntable = {\n    rate: 1\n}"
    now = before.replace("    rate", "    pace")
    asked = request([now, "print(rate)", "rate + 1"], (0, before, now))
    assert after(asked) == [now, "print(rate)", "rate + 1"]


@pytest.mark.parametrize(
    ("given", "listed"),
    [
        ("kw = {'name': 'c'}\nRow(**kw)", "kw = {'label': 'c'}\nRow(**kw)"),
        ("Row(**{'name': 'c'})", "Row(**{'label': 'c'})"),
        ("Row(**dict(name='c'))", "Row(**dict(label='c'))"),
        ("Row(**json.load(file))", "Row(**json.load(file))"),
    ],
)
def test_what_is_unpacked_into_a_record_is_noted(given: str, listed: str) -> None:
    now = RECORD.format("label")
    asked = request([now, given, "row.name", "Row('a').name"], (0, RECORD.format("name"), now))
    assert after(asked)[1] == given
    assert after(asked)[3] == "Row('a').label"
    assert optional(asked)[1] == listed
    assert "cell 2: a call with `**` may pass it" in notes(asked)


@pytest.mark.parametrize(
    ("call", "is_noted"),
    [
        ("fit(1, 2, **kw)", False),
        ("fit(1, lr=2, **kw)", False),
        ("fit(1, **kw)", True),
        ("fit(*both, **kw)", True),
        ("fit(1, *rest, **kw)", True),
        ("run(fit, 1, 2, **kw)", True),
    ],
)
def test_what_a_call_passes_by_position_is_not_passed_by_two_stars(
    call: str, is_noted: bool
) -> None:
    before = "def fit(x, lr):\n    return x * lr"
    now = "def fit(x, rate):\n    return x * lr"
    asked = request([now, call], (0, before, now))
    assert after(asked)[0] == "def fit(x, rate):\n    return x * rate"
    assert ("`**` may pass it" in notes(asked)) == is_noted


def test_arguments_beyond_the_positions_say_nothing_about_a_keyword() -> None:
    before, now = "def fit(x, *more, lr):\n    lr", "def fit(x, *more, rate):\n    lr"
    asked = request([now, "fit(1, 2, 3, **kw)"], (0, before, now))
    assert "cell 2: a call with `**` may pass it" in notes(asked)


@pytest.mark.parametrize(
    ("now", "becomes"),
    [
        ("def area(height):\n    return heigth", "def area(height):\n    return height"),
        (
            "class area:\n    def __init__(self, height):\n        self.h = heigth",
            "class area:\n    def __init__(self, height):\n        self.h = height",
        ),
    ],
)
def test_a_call_that_passes_the_name_already_waits_for_it(now: str, becomes: str) -> None:
    before = now.replace("height", "heigth")
    asked = request([now, "area(height=3)", "area(heigth=4)"], (0, before, now))
    assert after(asked) == [becomes, "area(height=3)", "area(height=4)"]
    assert "`height=` is already passed in cell 2: nothing takes it" in notes(asked)


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("def area(heigth, **more): ...", "area(1, height=3)"),
        ("def area(heigth, **more): ...", "area(heigth=1, height=3)"),
        ("def area(heigth): ...", "area(heigth=1, height=3)"),
        ("def area(heigth, *, height): ...", "area(1, height=3)"),
    ],
)
def test_a_name_is_not_given_twice(function: str, call: str) -> None:
    cells = Cell("a", "code", function), Cell("b", "code", call)
    where = Notebook("python", cells), KernelFacts(), "a", function.index("heigth")
    found = plan_rename(*where, "height")
    assert isinstance(found, Silence)
    assert found.reason == "refused"


def test_a_member_that_is_read_already_waits_for_its_name() -> None:
    before = "from enum import Enum\nclass Tone(Enum):\n    REDD = 1"
    now = before.replace("REDD", "RED")
    asked = request([now, "Tone.RED", "Tone.REDD"], (0, before, now))
    assert after(asked)[1:] == ["Tone.RED", "Tone.RED"]


@pytest.mark.parametrize(
    ("cell", "becomes", "listed"),
    [
        ("%R -i df head(df)", "%R -i data head(df)", "%R -i df head(data)"),
        ("x = %R -i df nrow(df)", "x = %R -i data nrow(df)", "x = %R -i df nrow(data)"),
        ("%octave -i df df + 1", "%octave -i data df + 1", "%octave -i df data + 1"),
        ("%R head(df)", "%R head(df)", "%R head(df)"),
        ("%R -i dfs head(dfs)", "%R -i dfs head(dfs)", "%R -i dfs head(dfs)"),
    ],
)
def test_a_line_of_another_language_is_noted_like_a_cell(
    cell: str, becomes: str, listed: str
) -> None:
    asked = request(["data = 1", cell, "df + 1"], (0, "df = 1", "data = 1"))
    assert after(asked)[1:] == [becomes, "data + 1"]
    assert optional(asked)[1] == listed
    assert ("`df` may be looked up there" in notes(asked)) == (cell != listed)


def test_the_quoted_value_of_a_type_alias_is_a_type() -> None:
    use = "A: TypeAlias = 'B | None'\nA2: typing.TypeAlias = 'list[B]'\nb: str = 'B'"
    asked = request(["class Box: ...", use], (0, "class B: ...", "class Box: ..."))
    assert after(asked)[1] == use.replace("'B |", "'Box |").replace("[B]", "[Box]")


def test_a_field_follows_where_a_use_of_it_got_another_name() -> None:
    cells = [RECORD.format("name"), "row = Row('a')\nprint(row.label)", "row.name"]
    asked = request(cells, (1, "row = Row('a')\nprint(row.name)", cells[1]))
    assert after(asked) == [RECORD.format("label"), cells[1], "row.label"]


def test_a_key_follows_though_the_function_that_gets_it_by_name_may_not() -> None:
    cells = ["cfg = {'rate': 1}", "def train(lr):\n    return lr\ntrain(**cfg)", "cfg['lr']"]
    assert after(request(cells, (0, "cfg = {'lr': 1}", cells[0])))[2] == "cfg['rate']"


@pytest.mark.parametrize(
    ("base", "is_renamed"), [("tf.Layer", False), ("Own", True), ("Own, Layer", True)]
)
def test_a_method_that_super_asks_of_a_base_outside_is_that_bases(
    base: str, is_renamed: bool
) -> None:
    own = "class Own:\n    def config(self): return {}\n" if "Own" in base else ""
    was = (
        f"{own}class A({base}):\n    def config(self):\n        return super().config()\n"
        "    def show(self):\n        print(self.config())"
    )
    head, _, rest = was.rpartition("def config(self):\n")
    now = f"{head}def settings(self):\n{rest}"
    asked = request([now, "A().config()"], (0, was, now))
    assert (after(asked)[1] == "A().settings()") == is_renamed
    assert ("super().settings()" in after(asked)[0]) == is_renamed


def test_many_calls_with_two_stars_in_one_cell_are_read_once() -> None:
    before = "def fit(x, lr=1, **more):\n    return x"
    calls = "\n".join(["fit(1, lr=2, **kw)"] * 2000)
    now = before.replace("lr", "rate")
    asked = request([now, calls], (0, before, now))
    assert after(asked)[1] == calls.replace("lr", "rate")
