"""Reading requests fast gives what reading them plainly gives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nextedit_jupyter.core.errors import WireError
from nextedit_jupyter.core.request import Bounds
from nextedit_jupyter.core.wire import decode_request, dump_line, parse_line, request_id
from nextedit_jupyter.worker.parsing import HeldCells, parse_request

PAGE = (1, "page")


def wire(*sources: str, **more: Any) -> dict[str, Any]:
    cells = [{"id": f"c{i}", "type": "code", "source": text} for i, text in enumerate(sources)]
    return {
        "id": 1,
        "offsets": "code-point",
        "notebook": {"language": "python", "cells": cells},
        "cursor": {"cell": "c0", "offset": 0},
        **more,
    }


@pytest.mark.parametrize(
    "body",
    [
        dump_line(wire("x = 1", "é ﬁ 🎉")),
        dump_line(wire("lone \ud800 surrogate")),
        json.dumps(wire("x"), ensure_ascii=False).encode("utf-16"),
        b'{"id": NaN}',
        b'{"a": 1, "a": 2}',
    ],
    ids=["plain", "lone surrogate", "utf-16", "nan", "twice"],
)
def test_what_is_json_reads_alike(body: bytes) -> None:
    value, plain = parse_request(body, Bounds()), parse_line(body)
    assert repr(value) == repr(plain)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"[1]", "bad_json"),
        (b"{" + b'"a":[' * 100_000, "bad_json"),
        (b'{"id": ' + b"9" * 5_000 + b"}", "bad_json"),
        (b"\xff\xfe\xfa", "bad_json"),
        (b" " * 1_000_001, "too_large"),
    ],
    ids=["nothing", "a list", "deep", "huge number", "no text", "large"],
)
def test_what_is_none_is_refused_alike(body: bytes, code: str) -> None:
    with pytest.raises(WireError) as refused:
        parse_request(body, Bounds())
    assert refused.value.code == code


def test_cells_that_did_not_change_are_the_ones_of_the_last_request() -> None:
    held = HeldCells()
    first = held.decode(PAGE, wire("a = 1", "b = 2", "c = 3"), Bounds())
    second = held.decode(PAGE, wire("a = 1", "b = 22", "c = 3"), Bounds())
    same = [a is b for a, b in zip(first.notebook.cells, second.notebook.cells, strict=True)]
    assert same == [True, False, True]
    assert second.notebook.cells[1].source == "b = 22"


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "markdown"},
        {"execution_count": 3},
        {"tags": ["nextedit-off"]},
        {"source": "a = 2"},
    ],
)
def test_whatever_changes_in_a_cell_is_seen(changed: dict[str, Any]) -> None:
    held, value = HeldCells(), wire("a = 1")
    held.decode(PAGE, value, Bounds())
    value["notebook"]["cells"][0] |= changed
    assert held.decode(PAGE, value, Bounds()) == decode_request(value)


@pytest.mark.parametrize("count", [True, 1.0, "1"])
def test_a_count_that_only_equals_a_number_is_refused_still(count: object) -> None:
    held, value = HeldCells(), wire("a = 1")
    value["notebook"]["cells"][0]["execution_count"] = 1
    held.decode(PAGE, value, Bounds())
    value["notebook"]["cells"][0]["execution_count"] = count
    with pytest.raises(WireError):
        held.decode(PAGE, value, Bounds())


def test_pages_do_not_see_each_others_cells_and_old_ones_are_dropped() -> None:
    held = HeldCells(limit=2)
    first = held.decode(PAGE, wire("a = 1"), Bounds())
    other = held.decode((2, "page"), wire("a = 1"), Bounds())
    assert other.notebook.cells[0] is not first.notebook.cells[0]
    held.decode((3, "page"), wire("a = 1"), Bounds())
    assert (
        held.decode(PAGE, wire("a = 1"), Bounds()).notebook.cells[0]
        is not (first.notebook.cells[0])
    )


def test_notebooks_that_a_page_shows_by_turns_keep_their_cells() -> None:
    held, one, other = HeldCells(), wire("a = 1", "b = 2"), wire("x = 1")
    other["notebook"]["cells"][0]["id"] = other["cursor"]["cell"] = "d0"
    first = held.decode(PAGE, one, Bounds())
    held.decode(PAGE, other, Bounds())
    assert held.decode(PAGE, one, Bounds()).notebook.cells[1] is first.notebook.cells[1]


def test_the_cells_of_a_connection_that_ended_are_dropped() -> None:
    held = HeldCells()
    first = held.decode(PAGE, wire("secret_plan = 1"), Bounds())
    held.forget(PAGE[0])
    again = held.decode(PAGE, wire("secret_plan = 1"), Bounds())
    assert again.notebook.cells[0] is not first.notebook.cells[0]


@pytest.mark.parametrize("id", [2**63, 2**64, 2**64 + 1, -(2**70), 10**400])
def test_an_id_of_any_size_comes_back_as_it_was(id: int) -> None:
    body = json.dumps({"id": id, "notebook": {}}).encode()
    assert request_id(parse_request(body, Bounds())) == id
