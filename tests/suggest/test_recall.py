"""Typing through a reply, and what ends it."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.core import Caret, Cell, KernelFacts, NamedObject, Notebook, SuggestRequest
from nextedit_jupyter.core.text_edit import TextEdit
from nextedit_jupyter.suggest.recall import KeptReply, PendingEdit, Recall
from nextedit_jupyter.suggest.trim import GeneratedToken


def at(text: str, other: str = "", facts: KernelFacts | None = None) -> SuggestRequest:
    before, _, after = text.partition("|")
    cells = (Cell("c", "code", before + after), Cell("o", "code", other))
    return SuggestRequest(
        Notebook("python", cells), Caret("c", len(before)), facts=facts or KernelFacts()
    )


def reply(before: str, *tokens: tuple[str, float]) -> KeptReply:
    text, found = "", []
    for token, probability in tokens:
        text += token
        found.append(GeneratedToken(len(text), math.log(probability)))
    return KeptReply(before, text, tuple(found), True)


def test_what_is_typed_as_foretold_leaves_the_rest() -> None:
    recall = Recall()
    recall.keep(at("df|"), reply("df", (".head", 0.5), ("()", 0.9), ("", 0.8)))
    left = recall.find(at("df.he|"))
    assert left is not None
    assert (left.before, left.text) == ("df.he", "ad()")
    assert [step.end for step in left.steps] == [2, 4, 4]


def test_a_doubtful_token_that_was_typed_counts_no_more() -> None:
    recall = Recall()
    recall.keep(at("df|"), reply("df", (".head", 0.1), ("()", 0.9), ("", 0.8)))
    left = recall.find(at("df.head|"))
    assert left is not None
    assert math.exp(left.steps[0].logprob) > 0.89


def test_typing_something_else_ends_the_reply() -> None:
    recall = Recall()
    recall.keep(at("df|"), reply("df", (".head", 0.9), ("()", 0.9)))
    assert recall.find(at("df.t|")) is None
    assert recall.find(at("df.head()|")) is None
    assert recall.find(at("d|")) is None


def test_deleting_what_was_typed_finds_the_reply_again() -> None:
    recall = Recall()
    recall.keep(at("df|"), reply("df", (".head()", 0.9)))
    assert recall.find(at("df.x|")) is None
    found = recall.find(at("df.|"))
    assert found is not None
    assert found.text == "head()"


def test_another_text_after_the_caret_or_in_another_cell_is_another_place() -> None:
    recall = Recall()
    recall.keep(at("df|"), reply("df", (".head()", 0.9)))
    assert recall.find(at("df|)")) is None
    assert recall.find(at("df|", other="x = 1")) is None
    named = KernelFacts(names=(NamedObject("df", "pandas.DataFrame"),))
    assert recall.find(at("df|", facts=named)) is None


def test_the_least_recently_used_replies_leave() -> None:
    recall = Recall(size=20)
    for i in range(100):
        recall.keep(at(f"x|{i}"), reply("x", (" = 1", 0.9)))
    assert len(recall) <= 20
    assert recall.find(at("x|99")) is not None
    assert recall.find(at("x|0")) is None


@given(st.text(max_size=20), st.text(min_size=1, max_size=20), st.integers(0, 20))
def test_typing_any_part_of_a_reply_leaves_its_rest(before: str, text: str, typed: int) -> None:
    typed = min(typed, len(text) - 1)
    made = KeptReply(before, text, (GeneratedToken(len(text), -0.5),), True)
    left = made.typed_through(before + text[:typed])
    assert left is not None
    assert left.before + left.text == before + text


def test_a_next_edit_is_rebased_through_typing_a_part_of_it() -> None:
    request = at("x = old|")
    edit = TextEdit.replace(4, 7, "newest")
    pending = PendingEdit.of(request, edit, 0.9)
    typed = at("x = new|old")
    left = pending.typed_through(typed)
    assert left is not None
    assert left.apply(typed.cell.source) == "x = newest"
    assert pending.typed_through(at("x = zzz|old")) is None
    assert pending.typed_through(at("x = new|old", other="y")) is None
