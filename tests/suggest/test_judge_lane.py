"""What the judge offers, what it leaves to the other lanes, and when it is silent."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextedit_jupyter.analysis.syntax import error_count
from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, Suggestion, SuggestRequest
from nextedit_jupyter.core.history import Origin
from nextedit_jupyter.suggest import Suggester


def ask(
    cells: dict[str, str],
    *edits: tuple[str, str] | tuple[str, str, Origin],
    caret: int | None = None,
    want: Any = ("rename", "next_edit"),
) -> SuggestRequest:
    """A request after edits of cells: each gives a cell and its text before; the text after is the
    one that the next edit of the cell begins with, or the present one."""
    present = dict(cells)
    events: list[EditEvent] = []
    for at, (cell, before, *origin) in reversed(list(enumerate(edits))):
        kind: Origin = origin[0] if origin else "typed"
        events.insert(0, EditEvent(cell, before, present[cell], kind, float(at)))
        present[cell] = before
    last = events[-1]
    written = max((r.start + len(r.text) for r in last.edit), default=0)
    return SuggestRequest(
        Notebook("python", tuple(Cell(id, "code", text, 1) for id, text in cells.items())),
        Caret(last.cell, written if caret is None else caret),
        tuple(events),
        want=want,
        deadline_ms=10_000,
    )


def offers(request: SuggestRequest) -> list[Suggestion]:
    return list(Suggester().answer(request).suggestions)


def texts(request: SuggestRequest) -> dict[str, str]:
    """The cells as the offers leave them, the first one that touches a cell."""
    found: dict[str, str] = {}
    for said in offers(request):
        for cell, text in (said.apply(request.notebook) or {}).items():
            found.setdefault(cell, text)
    return found


STATEMENT = "model.fit(X_train, y_train, epochs=10, verbose=1)"
QUIETER = "model.fit(X_train, y_train, epochs=10, verbose=0)"


def test_the_same_statement_elsewhere_is_offered_after_two_examples() -> None:
    request = ask(
        {"a": QUIETER, "b": "x = 1", "c": QUIETER, "d": STATEMENT, "e": f"{STATEMENT}\nplot()"},
        ("a", STATEMENT),
        ("c", STATEMENT),
    )
    assert texts(request) == {"d": QUIETER, "e": f"{QUIETER}\nplot()"}


def test_a_call_of_several_tokens_is_carried_over() -> None:
    old, new = "tf.contrib.layers.dense(h, 10)", "tf.keras.layers.Dense(10)(h)"
    request = ask(
        {"a": f"x = {new}", "b": f"y = {new}", "c": f"z = {old}"},
        ("a", f"x = {old}"),
        ("b", f"y = {old}"),
    )
    assert texts(request) == {"c": f"z = {new}"}


def test_what_is_only_judged_is_not_called_a_rename() -> None:
    request = ask(
        {"a": QUIETER, "c": QUIETER, "d": STATEMENT, "e": STATEMENT},
        ("a", STATEMENT),
        ("c", STATEMENT),
    )
    said = offers(request)
    assert said
    for suggestion in said:
        assert suggestion.lane == "patterns"
        assert "rename" not in suggestion.label


def test_a_rule_that_says_where_it_applies_needs_no_other_reason() -> None:
    old, new = "plt.plot(a, lw=1)", "plt.plot(a, linewidth=1)"
    whole, *_ = offers(ask({"a": new, "b": old, "c": old}, ("a", old)))
    assert "in calls of plot" in whole.label
    assert whole.notes == ()


def test_a_reason_that_all_places_share_is_not_counted() -> None:
    cells = {"a": "print(acc_train)", "b": "print(acc)", "c": "plot(acc)"}
    whole, *_ = offers(ask(cells, ("a", "print(acc)")))
    assert whole.notes == ("the same word as in your edit",)
    before = "plt.hist(a, bins=20)\nplt.hist(b, bins=20)"
    whole, *_ = offers(ask({"a": before.replace("20", "30", 1)}, ("a", before)))
    assert whole.notes == ("the same text as in your edit",)


def test_a_renamed_definition_stays_the_symbols_lanes() -> None:
    request = ask(
        {"a": "total = load()", "b": "print(tot)", "c": "plot(tot)"}, ("a", "tot = load()")
    )
    first = offers(request)[0]
    assert (first.lane, first.kind) == ("symbols", "rename")
    assert first.label.startswith("rename tot to total")
    assert texts(request) == {"b": "print(total)", "c": "plot(total)"}


def test_an_attribute_that_is_assigned_under_another_name_is_a_definition() -> None:
    before = (
        "class Box:\n    def __init__(self, w):\n        self.w = w\n"
        "    def area(self):\n        return self.w * self.w"
    )
    after = before.replace("self.w = w", "self.width = w")
    request = ask({"a": after}, ("a", before))
    assert offers(request)[0].lane == "symbols"


@pytest.mark.parametrize(
    ("other", "made"),
    [
        ("other.warn('e')", "log.error('{}')|log.warn('{}')"),
        ("bx.plot(y)", "ax.scatter({})|ax.plot({})"),
        ("second.head()", "first.tail()  # {}|first.head()  # {}"),
    ],
)
def test_a_method_chosen_for_one_object_is_not_chosen_for_another(other: str, made: str) -> None:
    new, old = made.split("|")
    request = ask(
        {"a": new.format("a"), "b": "q = 1\n" + new.format("b"), "c": other},
        ("a", old.format("a")),
        ("b", "q = 1\n" + old.format("b")),
    )
    assert texts(request) == {}


def test_a_method_that_replaces_another_for_several_objects_follows_for_the_rest() -> None:
    request = ask(
        {
            "a": "first.to_numpy(copy=True)",
            "b": "second.to_numpy(copy=True)",
            "c": "third.to_numpy(copy=True)",
            "d": "fourth.as_matrix(copy=True)",
        },
        ("a", "first.as_matrix(copy=True)"),
        ("b", "second.as_matrix(copy=True)"),
        ("c", "third.as_matrix(copy=True)"),
    )
    assert texts(request) == {"d": "fourth.to_numpy(copy=True)"}


def test_a_key_of_another_dictionary_is_left_alone() -> None:
    request = ask(
        {
            "a": "cfg = {'rate': 1}\nopt = {'lr': 3}",
            "b": "print(cfg['lr'], opt['lr'])",
        },
        ("a", "cfg = {'lr': 1}\nopt = {'lr': 3}"),
    )
    assert "opt['rate']" not in texts(request).get("b", "")
    assert texts(request).get("a", "opt = {'lr'").count("'lr'") == 1


@pytest.mark.parametrize(
    ("calls", "left", "becomes"),
    [
        (["ax.plot(x, lw=2{})", "bx.plot(y{})"], "ax.plot(z)", "ax.plot(z, alpha=0.5)"),
        (["m.fit({})", "n.fit({})"], "k.fit()", "k.fit(alpha=0.5)"),
        (["load(a{})", "load(b{})"], "load(c, alpha=1)", "load(c, alpha=1)"),
        (["load(a{})", "load(b{})"], "load(c, **kw)", "load(c, **kw)"),
        (["load(a{})", "load(b{})"], "save(c)", "save(c)"),
    ],
)
def test_a_keyword_that_two_calls_got_is_offered_to_the_others(
    calls: list[str], left: str, becomes: str
) -> None:
    def written(call: str) -> str:
        return call.format("alpha=0.5" if "({}" in call else ", alpha=0.5")

    one, two = calls
    cells = {"a": written(one), "b": written(two), "c": left}
    assert texts(ask(cells, ("a", one.format("")))).get("c", left) == left
    request = ask(cells, ("a", one.format("")), ("b", two.format("")))
    assert texts(request).get("c", left) == becomes
    assert not any(said.label.startswith("rename") for said in offers(request))


def test_a_word_written_twice_is_whole() -> None:
    cells = {"a": "f('s')", "b": "g('size')\nh('size')", "c": "k('size')"}
    once = ask(cells, ("a", "f('size')"))
    assert "c" not in texts(once)
    cells = {**cells, "b": "g('s')\nh('s')"}
    twice = ask(cells, ("a", "f('size')"), ("b", "g('size')\nh('size')"), caret=4)
    assert texts(twice) == {"c": "k('s')"}


def test_a_keyword_changed_with_its_variable_goes_on_as_a_keyword() -> None:
    before = "edges = [1, 2]\nspec.plot(edges=edges)\nspec.show(edges=edges)"
    cells = {
        "a": before.replace("edges", "bounds"),
        "b": "ax = spec.plot(edges=edges, power=2)",
    }
    request = ask(cells, ("a", before))
    both, proved, *_ = (s.apply(request.notebook) or {} for s in offers(request))
    assert both["b"] == "ax = spec.plot(bounds=bounds, power=2)"
    assert proved["b"] == "ax = spec.plot(edges=bounds, power=2)"
    whole, rename, *_ = offers(request)
    assert whole.label == "change `edges` to `bounds`: 2 places in 1 cell"
    assert "proved by bindings: 1 place" in whole.notes
    assert (whole.lane, rename.lane) == ("patterns", "symbols")
    assert rename.label.startswith("rename edges to bounds")


def test_a_place_in_a_locked_cell_is_counted_nowhere_and_makes_no_offer_of_its_own() -> None:
    cells = {"a": "amount = 1", "b": "print(amount)", "c": "total + 1", "d": "print(total)"}
    request = ask(cells, ("a", "total = 1"), ("b", "print(total)", "accepted"))
    locked = tuple(replace(c, editable=c.id != "d") for c in request.notebook.cells)
    request = replace(request, notebook=replace(request.notebook, cells=locked))
    (rename,) = offers(request)
    assert rename.label == "rename total to amount: 1 place in 1 cell"
    assert rename.notes == ("cell 4 is locked: not changed",)


def test_a_use_that_became_another_name_takes_no_definition_along_that_is_unsure() -> None:
    cells = {
        "a": "region = 'us-east1'",
        "b": "client = connect(region)",
        "c": "copy(location, bucket)",
        "d": "print(region)",
    }
    request = ask(cells, ("c", "copy(region, bucket)"))
    assert "a" not in texts(request)


def test_a_place_that_was_undone_is_passed_over_and_the_others_are_not() -> None:
    cells = {"a": "fit(a, rate=1)", "b": "fit(b, lr=2)", "c": "fit(c, rate=3)", "d": "fit(d, lr=4)"}
    request = ask(
        cells,
        ("a", "fit(a, lr=1)"),
        ("b", "fit(b, lr=2)", "accepted"),
        ("b", "fit(b, rate=2)", "undone"),
        ("c", "fit(c, lr=3)"),
    )
    assert texts(request) == {"d": "fit(d, rate=4)"}


def test_places_that_are_less_sure_are_listed_and_not_chosen() -> None:
    cells = {"a": "q.append(1)", "b": "q.append(2)", "c": "q.push(3)\nstack.push(4)"}
    (whole, *_) = offers(ask(cells, ("a", "q.push(1)"), ("b", "q.push(2)")))
    assert [r.start for c in whole.edits for r in c.edit] == [2]
    assert [r.start for c in whole.optional for r in c.edit] == [16]
    assert any("not chosen" in note for note in whole.notes)


def test_who_writes_something_new_elsewhere_has_moved_on() -> None:
    cells = {"a": "plt.plot(x, linewidth=2)", "b": "plt.plot(y, lw=2)", "c": "z = 3"}
    assert texts(ask(cells, ("a", "plt.plot(x, lw=2)"), ("c", ""))) == {}


def test_after_an_undo_nothing_is_offered() -> None:
    request = ask(
        {"a": QUIETER, "b": QUIETER, "c": STATEMENT, "d": STATEMENT},
        ("a", STATEMENT),
        ("b", STATEMENT),
        ("c", QUIETER, "undone"),
    )
    assert texts(request) == {}


def test_a_half_typed_word_is_not_spread() -> None:
    old, half = "plt.plot(x, linewidth=2)", "plt.plot(x, linew=2)"
    request = ask(
        {"a": half, "b": old.replace("x", "y")}, ("a", old), caret=len("plt.plot(x, linew")
    )
    assert texts(request) == {}


def test_an_edit_that_stands_alone_has_no_followers() -> None:
    request = ask(
        {
            "a": "threshold = compute(data, window=5)\nprint(threshold)",
            "b": "result = transform(data)",
            "c": "window = 3\nsmooth(result, window)",
        },
        ("a", "threshold = compute(data)\nprint(threshold)"),
    )
    assert texts(request) == {}


def test_silence_says_how_sure_the_surest_place_was() -> None:
    request = ask({"a": "f(x, 2)", "b": "g = 1", "c": "h(1, k=g)"}, ("a", "f(x, 1)"))
    silence = Suggester().answer(request).silence
    assert silence["rename"].reason == "low_confidence"
    assert re.fullmatch(r"the likeliest of 2 places found is \d+% likely", silence["rename"].detail)


def test_a_cell_that_is_switched_off_is_neither_read_nor_changed() -> None:
    request = ask({"a": QUIETER, "b": QUIETER, "c": STATEMENT}, ("a", STATEMENT), ("b", STATEMENT))
    cells = tuple(
        Cell(c.id, c.type, c.source, c.execution_count, ("nextedit-off",)) if c.id == "c" else c
        for c in request.notebook.cells
    )
    off = SuggestRequest(
        Notebook("python", cells), request.caret, request.history, want=request.want
    )
    assert texts(off) == {}


def locked(request: SuggestRequest, *ids: str) -> SuggestRequest:
    cells = tuple(replace(c, editable=c.id not in ids) for c in request.notebook.cells)
    return replace(request, notebook=replace(request.notebook, cells=cells))


def test_places_in_a_locked_cell_are_not_counted_and_the_cell_is_named() -> None:
    cells = {"a": QUIETER, "b": QUIETER, "c": STATEMENT, "d": STATEMENT}
    request = ask(cells, ("a", STATEMENT), ("b", STATEMENT))
    (whole, *_) = offers(locked(request, "c"))
    assert [c.cell for c in whole.edits] == ["d"]
    assert whole.label == "change `1` to `0`"  # and not "(1 more)"
    assert "cell 3 is locked: not changed" in whole.notes
    answer = Suggester().answer(locked(request, "c", "d"))
    assert not answer.suggestions
    assert answer.silence["rename"].detail == "cells 3, 4 are locked: not changed"


def test_a_locked_cell_that_a_rename_and_the_judge_leave_out_is_named_once() -> None:
    text = "show(tot)\ntable['tot'] = tot"
    cells = {"a": "total = load()\ntable['total'] = total", "b": text, "c": text}
    request = ask(cells, ("a", "tot = load()\ntable['tot'] = tot"))
    free = offers(request)
    whole = next(said for said in free if said.lane == "patterns" and said.kind == "rename")
    assert {c.cell for c in whole.edits} == {"b", "c"}
    for said in offers(locked(request, "b")):
        assert {c.cell for c in said.edits} == {"c"}
        if said.kind == "rename":
            assert [n for n in said.notes if "locked" in n] == ["cell 2 is locked: not changed"]
            assert said.left_alone == ("b",)
            assert "in 1 cell" in said.label


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([STATEMENT, "x = f(a, b)\n", "f('a')", "a.b(c)", ""]), min_size=3),
    st.sampled_from(["f(a)", QUIETER, "x = f(b)\n", "f('b')", "a.c(c)", "(", "'"]),
    st.integers(0, 2),
)
def test_no_offer_makes_a_cell_parse_worse(cells: list[str], new: str, at: int) -> None:
    named = {f"c{n}": text for n, text in enumerate(cells)}
    before = named[f"c{at}"]
    if before == new:
        return
    named[f"c{at}"] = new
    request = ask(named, (f"c{at}", before))
    for cell, text in texts(request).items():
        assert error_count(text) <= error_count(named[cell])


@pytest.mark.parametrize("typed", ["CATALOG_", "CA", "CATALOG_RE"])
def test_a_half_typed_name_of_an_import_is_not_spread(typed: str) -> None:
    old = "from catalogs import SOURCES"
    now = old.replace("SOURCES", typed)
    rest = {"b": "print(SOURCES)", "c": "from catalogs import SOURCES", "d": "x = CATALOG, REPORT"}
    assert texts(ask({"a": now, **rest}, ("a", old), caret=len(now))) == {}
    whole = old.replace("SOURCES", "CATALOG_REPORT")
    found = texts(ask({"a": whole, **rest}, ("a", old), caret=len(whole)))
    assert found["b"] == "print(CATALOG_REPORT)"


def test_a_number_that_lost_its_decimals_is_whole() -> None:
    old, now = "plot(x, size=2.0)", "plot(x, size=2)"
    request = ask({"a": now, "b": "plot(y, size=2.0)"}, ("a", old), caret=len(now) - 1)
    assert texts(request) == {"b": "plot(y, size=2)"}
