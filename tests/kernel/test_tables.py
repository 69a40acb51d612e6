"""Tables and arrays: shape, dtypes, categories; never the data, never the user's code."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nextedit_jupyter.core.facts import KernelFacts
from nextedit_jupyter.core.wire import decode_facts, encode_facts
from nextedit_jupyter.kernel.tables import (
    MAX_COLUMNS,
    MAX_LEVELS,
    MAX_TABLES,
    collect_tables,
    read_table,
)

FRAME = pd.DataFrame(
    {
        "age": [31, 42],
        "sex": pd.Categorical(["f", "m"], categories=["f", "m", "x"]),
        "name": ["Ann", "Bob"],
        "when": pd.to_datetime(["2024-01-01", "2025-01-01"]),
    }
)


def test_a_frame_says_shape_dtypes_and_first_categories_and_travels() -> None:
    table = read_table("df", FRAME)
    assert table is not None
    assert table.shape == (2, 4)
    kinds = {one.name: one.dtype for one in table.columns}
    assert (kinds["age"], kinds["sex"]) == ("int64", "category")
    assert kinds["when"].startswith("datetime64")
    column = table.column("sex")
    assert column is not None
    assert column.levels == ("f", "m", "x")
    assert "Ann" not in repr(table)
    facts = KernelFacts(tables=(table,))
    assert decode_facts(encode_facts(facts)) == facts


@pytest.mark.parametrize(
    ("value", "shape", "dtype"),
    [
        (np.zeros((3, 4), "float32"), (3, 4), "float32"),
        (np.array(5), (), "int64"),
        (np.zeros(0), (0,), "float64"),
        (pd.Series([1.0, 2.0]), (2,), "float64"),
        (FRAME["sex"], (2,), "category"),
        (FRAME.set_index("name"), (2, 3), ""),
        (FRAME.set_index(["age", "name"]), (2, 2), ""),
        (pd.DataFrame(), (0, 0), ""),
        (pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2024", periods=2)), (2, 1), ""),
    ],
)
def test_shapes_and_dtypes(value: Any, shape: tuple[int, ...], dtype: str) -> None:
    table = read_table("x", value)
    assert table is not None
    assert (table.shape, table.dtype) == (shape, dtype)


def test_what_is_no_table_is_none() -> None:
    for value in (1, "a", [1], {"a": 1}, np, pd.DataFrame, None):
        assert read_table("x", value) is None


def test_all_is_bounded_and_the_newest_are_kept() -> None:
    wide = pd.DataFrame(np.zeros((1, 300)), columns=[f"c{i}" for i in range(300)])
    many = pd.Categorical([f"level {i}" for i in range(900)])
    table = read_table("wide", wide)
    assert table is not None
    assert (table.shape, len(table.columns)) == ((1, 300), MAX_COLUMNS)
    levels = read_table("s", pd.Series(many))
    assert levels is not None
    assert len(levels.columns[0].levels) == MAX_LEVELS
    found = collect_tables({f"a{i}": np.zeros(i) for i in range(50)})
    assert [one.name for one in found] == [f"a{i}" for i in range(50 - MAX_TABLES, 50)]


def test_the_budget_ends_the_reading() -> None:
    ticks = iter(range(1_000))
    namespace = {f"a{i}": np.zeros(i) for i in range(50)}
    assert len(collect_tables(namespace, clock=lambda: next(ticks), budget_ms=3_000)) <= 3


class Hostile:
    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"touched: {name}")

    __repr__ = __str__ = __hash__ = __eq__ = __len__ = __iter__ = __bool__ = None  # type: ignore


class Zone(tzinfo):
    def utcoffset(self, when: Any) -> Any:
        raise AssertionError

    def tzname(self, when: Any) -> Any:
        raise AssertionError

    def __str__(self) -> str:
        raise AssertionError

    __repr__ = __str__


def test_the_users_code_is_not_run() -> None:
    class Frame(pd.DataFrame):  # type: ignore[misc, unused-ignore]
        @property
        def shape(self) -> Any:
            raise AssertionError

        @property
        def dtypes(self) -> Any:
            raise AssertionError

    class Array(np.ndarray):
        def __array_finalize__(self, other: Any) -> None: ...

        @property  # type: ignore[misc]
        def shape(self) -> Any:
            raise AssertionError

    table = read_table("df", Frame({"a": [1, 2]}))
    assert table is not None
    assert table.shape == (2, 1)
    assert read_table("a", np.zeros(2).view(Array)) is None
    assert collect_tables({"h": Hostile(), 1: 2, "_x": np.zeros(1)}) == ()  # type: ignore[dict-item]
    objects = np.empty(2, dtype=object)
    objects[:] = [None, None]
    held = pd.Series(objects)
    held._mgr.blocks[0].values[0] = Hostile()
    assert read_table("s", held) is not None


def test_a_zone_of_the_users_making_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    values = pd.Series(pd.to_datetime(["2024-01-01"]).tz_localize("Asia/Kathmandu"))
    dtype = values._mgr.blocks[0].values.dtype
    monkeypatch.setattr(dtype, "_tz", Zone())  # type: ignore[abstract]
    table = read_table("s", values)
    assert table is not None
    assert table.dtype == "DatetimeTZ"


def test_secrets_among_columns_and_categories_do_not_leave() -> None:
    secret = "ghp_" + "aB3dE5gH7j" * 4
    frame = pd.DataFrame({secret: [1], "b": pd.Categorical([secret])})
    assert secret not in repr(read_table("df", frame))
