"""Version 2 of the protocol: what changed stands for all of it, or is refused."""

from __future__ import annotations

import hashlib
import itertools
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.core.changes import MAX_STATES, HeldState, HeldStates, cell_digest
from nextedit_jupyter.core.errors import WireError
from nextedit_jupyter.core.notebook import Cell
from nextedit_jupyter.core.request import Bounds
from nextedit_jupyter.core.wire import decode_request

BOUNDS = Bounds()


def wire_cell(cell: Cell) -> dict[str, Any]:
    wire: dict[str, Any] = {"id": cell.id, "type": cell.type, "source": cell.source}
    wire["execution_count"] = cell.execution_count
    if cell.tags:
        wire["tags"] = list(cell.tags)
    if not cell.editable:
        wire["editable"] = False
    return wire


def plain(cells: list[Cell], **more: Any) -> dict[str, Any]:
    """A request that says everything."""
    return {
        "id": 1,
        "notebook": {"language": "python", "cells": [wire_cell(cell) for cell in cells]},
        "cursor": {"cell": cells[0].id, "offset": 0},
        **more,
    }


def full(cells: list[Cell], **more: Any) -> dict[str, Any]:
    request = {**plain(cells, **more), "version": 2}
    request["notebook"]["hash"] = HeldState.of(cells).hash
    return request


def change(base: list[Cell], cells: list[Cell], **more: Any) -> dict[str, Any]:
    """What a page sends that knows that `base` is held."""
    known = {cell.id: cell for cell in base}
    request = {**plain(cells, **more), "version": 2}
    notebook = {
        "language": "python",
        "base": HeldState.of(base).hash,
        "hash": HeldState.of(cells).hash,
        "cells": [wire_cell(cell) for cell in cells if known.get(cell.id) != cell],
    }
    if [cell.id for cell in base] != [cell.id for cell in cells]:
        notebook["order"] = [cell.id for cell in cells]
    request["notebook"] = notebook
    return request


def notebook(count: int = 4) -> list[Cell]:
    return [Cell(f"c{i}", "code", f"x_{i} = {i}", i) for i in range(count)]


TEXTS = st.text(st.sampled_from("ab=\n\0é🙂\ud83d "), max_size=6)
CELLS = st.builds(
    Cell,
    st.sampled_from("abcdef"),
    st.sampled_from(("code", "markdown")),
    TEXTS,
    st.none() | st.integers(0, 9),
    st.lists(TEXTS, max_size=2).map(tuple),
    st.booleans(),
)
NOTEBOOKS = st.lists(CELLS, min_size=1, max_size=6, unique_by=lambda cell: cell.id)


@given(st.lists(NOTEBOOKS, min_size=2, max_size=8))
def test_a_notebook_told_by_its_changes_is_the_one_told_in_full(states: list[list[Cell]]) -> None:
    held = HeldStates()
    assert held.decode("page", full(states[0]), BOUNDS) == decode_request(plain(states[0]))
    for before, now in itertools.pairwise(states):
        assert held.decode("page", change(before, now), BOUNDS) == decode_request(plain(now))


@given(CELLS, CELLS)
def test_two_cells_have_the_same_digest_only_if_they_are_the_same(one: Cell, other: Cell) -> None:
    assert (cell_digest(one) == cell_digest(other)) == (one == other)


@pytest.mark.parametrize(
    "other",
    [
        Cell("a", "code", "bc"),
        Cell("ab", "code", "c", tags=("",)),
        Cell("ab", "code", "c", 0),
        Cell("ab", "code", "c", editable=False),
        Cell("ab", "raw", "c"),
        Cell("ab", "code", "c", tags=("c",)),
        Cell("abcode", "code", "c"),
    ],
)
def test_what_runs_together_does_not_hash_together(other: Cell) -> None:
    assert cell_digest(Cell("ab", "code", "c")) != cell_digest(other)


def test_a_hash_is_a_whole_sha256() -> None:
    cells = notebook()
    assert HeldState.of(cells).hash == hashlib.sha256(b"".join(map(cell_digest, cells))).hexdigest()
    for short in ("", "9f86d081884c7d65", "g" * 64, "A" * 64, None, 7):
        request = full(cells)
        request["notebook"]["hash"] = short
        with pytest.raises(WireError) as refused:
            HeldStates().decode("page", request, BOUNDS)
        assert refused.value.code == "bad_request"


def refusal(held: HeldStates, page: object, request: dict[str, Any]) -> str | None:
    try:
        held.decode(page, request, BOUNDS)
    except WireError as error:
        return error.code
    return None


def unknown(held: HeldStates, page: object, request: dict[str, Any]) -> bool:
    code = refusal(held, page, request)
    assert code in (None, "unknown_state")
    return code is not None


def test_who_holds_nothing_any_more_asks_for_all_of_it() -> None:
    before = notebook()
    now = [replace(before[0], source="y"), *before[1:]]
    held = HeldStates()
    assert unknown(held, "page", change(before, now))
    held.decode("page", full(before), BOUNDS)
    assert not unknown(held, "page", change(before, now))
    held.forget(lambda page: page == "another")
    assert not unknown(held, "page", change(before, now))
    held.forget(lambda page: page == "page")
    assert unknown(held, "page", change(before, now))
    held.decode("page", full(now), BOUNDS)
    assert not unknown(held, "page", change(now, before))


def test_a_page_cannot_name_what_another_page_sent() -> None:
    held, cells = HeldStates(), notebook()
    facts = {"names": [{"name": "df", "type": "DataFrame"}], "hash": "a" * 64}
    held.decode("one", full(cells, facts=facts), BOUNDS)
    assert unknown(held, "other", change(cells, cells))
    held.decode("other", full(cells), BOUNDS)
    assert unknown(held, "other", change(cells, cells, facts={"hash": "a" * 64}))
    told = held.decode("one", change(cells, cells, facts={"hash": "a" * 64}), BOUNDS)
    assert told.facts.names[0].name == "df"


def test_a_change_that_results_in_another_text_than_the_page_has_is_refused() -> None:
    before = notebook()
    now = [replace(before[0], source="mine"), *before[1:]]
    held = HeldStates()
    held.decode("page", full(before), BOUNDS)
    request = change(before, now)
    request["notebook"]["cells"][0]["source"] = "not mine"
    assert unknown(held, "page", request)
    request = full(before)
    request["notebook"]["cells"][0]["source"] = "not mine"
    with pytest.raises(WireError, match="hash is not the hash of the cells"):
        held.decode("page", request, BOUNDS)


def test_what_was_held_stays_as_it_was_when_it_is_changed() -> None:
    before = notebook()
    held = HeldStates()
    held.decode("page", full(before), BOUNDS)
    for i in range(3):
        now = [replace(before[0], source=f"typed {i}"), *before[1:]]
        assert held.decode("page", change(before, now), BOUNDS).notebook.cells == tuple(now)


def test_no_more_states_are_held_than_a_few_and_one_in_use_stays() -> None:
    base = notebook()
    held = HeldStates()
    held.decode("page", full(base), BOUNDS)
    old = [replace(base[0], source="old"), *base[1:]]
    held.decode("page", change(base, old), BOUNDS)
    for i in range(3 * MAX_STATES):
        now = [replace(base[0], source=f"{i}"), *base[1:]]
        assert not unknown(held, "page", change(base, now))
    assert unknown(held, "page", change(old, base))


def test_a_notebook_cannot_grow_past_its_bound_by_changes() -> None:
    bounds = Bounds(notebook_bytes=1_000)
    held, cells = HeldStates(), notebook(1)
    held.decode("page", full(cells), bounds)
    for i in range(9):
        more = [*cells, Cell(f"more-{i}", "code", "x" * 100)]
        held.decode("page", change(cells, more), bounds)
        cells = more
    more = [*cells, Cell("last", "code", "x" * 100)]
    with pytest.raises(WireError) as refused:
        held.decode("page", change(cells, more), bounds)
    assert refused.value.code == "too_large"


def test_edits_and_facts_are_named_by_their_hashes_once_they_were_sent() -> None:
    cells = notebook()
    event = {"cell": "c0", "before": "x", "after": "x_0 = 0", "origin": "typed", "at": 1.0}
    last = {**event, "before": "x_0 = 0", "after": "x_0 = 01"}
    facts = {"names": [{"name": "df", "type": "DataFrame", "members": ["sum"]}]}
    held = HeldStates()
    hashed, named = {**event, "hash": "e" * 64}, {"hash": "e" * 64}
    told = {**facts, "hash": "f" * 64}
    held.decode("page", full(cells, history=[hashed], facts=told), BOUNDS)
    short = change(cells, cells, history=[named, last], facts={"hash": "f" * 64})
    wanted = decode_request(plain(cells, history=[event, last], facts=facts))
    assert held.decode("page", short, BOUNDS) == wanted
    assert unknown(held, "page", change(cells, cells, history=[{"hash": "d" * 64}]))
    assert unknown(held, "page", change(cells, cells, facts={"hash": "d" * 64}))


@pytest.mark.parametrize(
    "broken",
    [
        {"order": ["c0", "nobody"]},
        {"order": "c0"},
        {"order": [1]},
        {"cells": [{"id": "new", "type": "code", "source": ""}]},
        {"cells": None},
        {"cells": ["c0"]},
    ],
)
def test_a_change_that_cannot_be_made_is_refused_by_what_is_wrong(broken: dict[str, Any]) -> None:
    held, cells = HeldStates(), notebook()
    held.decode("page", full(cells), BOUNDS)
    request = change(cells, cells)
    request["notebook"] |= broken
    with pytest.raises(WireError) as refused:
        held.decode("page", request, BOUNDS)
    assert refused.value.code == "bad_request"


def test_who_holds_nothing_refuses_version_2_and_reads_version_1() -> None:
    cells = notebook()
    with pytest.raises(WireError, match="send everything"):
        decode_request(full(cells))
    assert decode_request({**plain(cells), "version": 1}) == decode_request(plain(cells))


def test_any_json_in_place_of_a_part_is_refused_and_never_a_crash() -> None:
    cells = notebook()
    held = HeldStates()
    held.decode("page", full(cells), BOUNDS)
    draw = random.Random(3)
    values: list[Any] = [None, 1, "x", [], {}, [None], {"hash": 1}, [{"hash": []}], True, 1e400]
    for _ in range(500):
        request = change(cells, cells)
        request["history"], request["facts"] = draw.choice(values), draw.choice(values)
        part = draw.choice(("hash", "base", "cells", "order", "language"))
        request["notebook"][part] = draw.choice(values)
        assert refusal(held, "page", request) in (None, "bad_request", "unknown_state")
