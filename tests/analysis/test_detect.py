"""Renames in the record of edits, as a person makes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nextedit_jupyter.analysis.rename import RenamePlan, align, detect
from nextedit_jupyter.analysis.rename.half_typed import is_whole
from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellRun,
    EditEvent,
    EditHistory,
    KernelFacts,
    NamedObject,
    Notebook,
    Origin,
    Silence,
    SuggestRequest,
    text_hash,
)

SOURCES = ("total = price * 2", "print(total)", "report(total, total)")


class TypingSimulator:
    """Edits cells as a person does and asks after each pause."""

    def __init__(self, *sources: str) -> None:
        self.texts = {f"c{i}": source for i, source in enumerate(sources)}
        self.history = EditHistory()
        self.caret = Caret("c0", 0)
        self.now = 0.0

    def put(self, cell: str, start: int, end: int, text: str, origin: Origin = "typed") -> None:
        before = self.texts[cell]
        after = before[:start] + text + before[end:]
        self.history.append(EditEvent(cell, before, after, origin, self.now))
        self.texts[cell] = after
        self.caret = Caret(cell, start + len(text))

    def type_over(self, cell: str, start: int, end: int, text: str, gap: float = 0.1) -> None:
        """Select a stretch and type, one key every `gap` seconds."""
        for i, key in enumerate(text):
            self.now += gap
            self.put(cell, start + i, end if i == 0 else start + i, key)

    def ask(self, facts: KernelFacts | None = None) -> RenamePlan | Silence:
        cells = tuple(Cell(id, "code", text) for id, text in self.texts.items())
        return detect(
            SuggestRequest(
                Notebook("python", cells),
                self.caret,
                self.history.events,
                facts or KernelFacts(),
            )
        )


def offered(found: RenamePlan | Silence) -> tuple[str, str, int]:
    assert isinstance(found, RenamePlan), found
    return found.old, found.new, len(found.changes)


@pytest.mark.parametrize("gap", [0.1, 3.0])
def test_a_name_typed_letter_by_letter_is_offered_at_the_pause_whatever_the_speed(
    gap: float,
) -> None:
    typist = TypingSimulator(*SOURCES)
    typist.type_over("c0", 0, 5, "amount", gap)
    assert offered(typist.ask()) == ("total", "amount", 3)


def test_no_wrong_name_is_offered_on_the_way_by_backspace() -> None:
    typist = TypingSimulator(*SOURCES)
    for end in range(5, 0, -1):
        typist.now += 2
        typist.put("c0", end - 1, end, "")
        assert isinstance(typist.ask(), Silence)
    for i, key in enumerate("amount"):
        typist.now += 0.3
        typist.put("c0", i, i, key)
        found = typist.ask()
        if isinstance(found, RenamePlan):
            assert found.old == "total"
    assert offered(typist.ask()) == ("total", "amount", 3)


def test_a_name_that_grows_at_its_end_is_the_old_name_s_rename_at_each_pause() -> None:
    typist = TypingSimulator(*SOURCES)
    for i, key in enumerate("_sum"):
        typist.now += 2
        typist.put("c0", 5 + i, 5 + i, key)
        found = typist.ask()
        assert isinstance(found, Silence) if key in "_s" else offered(found)[0] == "total"


def test_typing_on_in_the_same_burst_keeps_the_offer() -> None:
    typist = TypingSimulator(*SOURCES)
    typist.type_over("c0", 0, 5, "amount")
    typist.type_over("c0", len(typist.texts["c0"]), len(typist.texts["c0"]), "\nshow(amount)")
    assert offered(typist.ask()) == ("total", "amount", 3)


def test_an_edit_elsewhere_lets_the_offer_stand_for_a_while() -> None:
    typist = TypingSimulator(*SOURCES, "x = 1")
    typist.type_over("c0", 0, 5, "amount")
    for n in range(1, 4):
        typist.now += 5
        typist.put("c3", 4, len(typist.texts["c3"]), str(n * 11))
        found = typist.ask()
        assert isinstance(found, RenamePlan) == (n < 3)


def test_two_renames_at_one_place_are_the_second_once_the_first_was_applied() -> None:
    typist = TypingSimulator(*SOURCES)
    typist.type_over("c0", 0, 5, "amount")
    typist.put("c1", 6, 11, "amount", "accepted")
    typist.put("c2", 7, 12, "amount", "accepted")
    typist.put("c2", 15, 20, "amount", "accepted")
    assert isinstance(typist.ask(), Silence)
    typist.now += 60
    typist.type_over("c0", 0, 6, "cost")
    assert offered(typist.ask()) == ("amount", "cost", 3)


def test_a_rename_taken_back_by_hand_leaves_nothing() -> None:
    typist = TypingSimulator(*SOURCES)
    typist.put("c0", 0, 5, "amount")
    typist.now += 5
    typist.put("c0", 0, 6, "total")
    assert isinstance(typist.ask(), Silence)


def test_a_cell_that_ran_after_the_rename_does_not_make_the_new_name_a_stranger() -> None:
    typist = TypingSimulator("from pylab import *\n" + SOURCES[0], *SOURCES[1:])
    start = len("from pylab import *\n")
    typist.put("c0", start, start + 5, "amount")
    names = (NamedObject("amount", "float"), NamedObject("total", "float"))
    stranger = KernelFacts(names=names)
    assert isinstance(typist.ask(stranger), Silence)
    ran = replace(stranger, runs=(CellRun("c0", text_hash(typist.texts["c0"])),))
    found = typist.ask(ran)
    assert offered(found) == ("total", "amount", 3)
    assert isinstance(found, RenamePlan)
    assert "`total` still exists in the kernel" in found.notes


def test_edits_that_the_kernel_recorded_count_as_edits() -> None:
    typist = TypingSimulator(*SOURCES)
    typist.put("c0", 0, 5, "amount", "executed")
    assert offered(typist.ask()) == ("total", "amount", 3)


def test_an_empty_history_says_so() -> None:
    assert TypingSimulator(*SOURCES).ask() == Silence("no_change", "nothing was edited")


@pytest.mark.parametrize(
    ("before", "after", "swaps", "pure"),
    [
        ("y = 1", "x = 1", [("y", "x")], True),
        ("y = y + 1", "x = x + 1", [("y", "x"), ("y", "x")], True),
        ("my_value = 1", "my_values = 1", [("my_value", "my_values")], True),
        ("f(a)", "f(a, b)", [], False),
        ("a = 1", "a = 1\nb = 1", [], False),
        ("x = 'é😀'; y", "x = 'é😀'; z", [("y", "z")], True),
        ("a b c", "a b c", [], True),
        ("ﬁne = 1", "good = 1", [("fine", "good")], True),
    ],
)
def test_words_are_laid_beside_words(
    before: str, after: str, swaps: list[tuple[str, str]], pure: bool
) -> None:
    found = align(before, after)
    assert [(s.old, s.new) for s in found.swaps] == swaps
    assert found.pure == pure
    for start in range(len(before)):
        place = found.map(start)
        swapped = any(s.start <= start < s.start + len(s.old) for s in found.swaps)
        if place is not None and not swapped:
            assert after[place : place + 1] == before[start]


@pytest.mark.parametrize(
    ("old", "new", "whole"),
    [
        ("total_sum", "total", True),
        ("items", "item", True),
        ("totals", "tot", False),
        ("x", "x", True),
        ("clean_frame", "clean_", False),
    ],
)
def test_a_name_is_whole_where_it_ends_at_the_edge_of_a_word(
    old: str, new: str, whole: bool
) -> None:
    assert is_whole(old, new) is whole


@pytest.mark.parametrize("own", [True, False])
def test_a_use_that_was_typed_just_before_the_rename_goes_along(own: bool) -> None:
    """In the cell of the definition as well as in another one, typed in one go or in several."""
    typist = TypingSimulator("total = price * 2\n", "print(total)", "")
    at = "c0" if own else "c2"
    typist.type_over(at, len(typist.texts[at]), len(typist.texts[at]), "mean = to")
    typist.now += 60
    end = len(typist.texts[at])
    typist.put(at, end, end, "tal / 3", origin="accepted")
    typist.now += 60
    typist.type_over("c0", 0, 5, "amount")
    found = typist.ask()
    assert isinstance(found, RenamePlan)
    assert (found.old, found.new) == ("total", "amount")
    after = {e.cell: e.edit.apply(typist.texts[e.cell]) for e in found.edits()}
    assert after["c1"] == "print(amount)"
    assert after[at].endswith("mean = amount / 3")


def test_a_use_typed_before_the_rename_and_changed_after_it_is_not_offered_again() -> None:
    typist = TypingSimulator("total = price * 2", "print(total)", "")
    typist.type_over("c2", 0, 0, "mean = total / 3")
    typist.now += 60
    typist.type_over("c0", 0, 5, "amount")
    typist.now += 60
    typist.put("c2", 7, 12, "amount", origin="accepted")
    found = typist.ask()
    assert isinstance(found, RenamePlan)
    assert [e.cell for e in found.edits()] == ["c1"]


def test_an_alias_that_two_imports_share_is_renamed_where_both_got_the_new_one() -> None:
    typist = TypingSimulator(
        "try:\n    import cjson as json\nexcept ImportError:\n    import json", "json.x"
    )
    text = typist.texts["c0"]
    typist.type_over("c0", text.rindex("json"), len(text), "json as js")
    typist.type_over("c0", text.index(" json"), text.index(" json") + 5, " js")
    assert offered(typist.ask()) == ("json", "js", 1)
