"""The model lane with a scripted engine: what is asked of it, and what is made of its replies."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    Notebook,
    SuggestRequest,
    TextEdit,
    TokenCounts,
)
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.engine import Completion
from nextedit_jupyter.prompt import Prompt
from nextedit_jupyter.prompt.healing import Pieces
from nextedit_jupyter.suggest.acceptance import FEATURES, AcceptanceFilter
from nextedit_jupyter.suggest.model_lane import ModelLane, ModelSettings

END = 0


class Letters:
    """A tokenizer of one token a character; 0 ends."""

    vocab_size = 128

    pieces: Pieces = "own"

    def encode(self, text: str) -> list[int]:
        return [ord(char) for char in text]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(chr(id) for id in ids if id)

    def control(self, name: str) -> int:
        return END

    def token_bytes(self, id: int) -> bytes:
        return bytes([id]) if id else b""


class Format:
    name = "letters"
    control_tokens = ()
    kinds: tuple[Kind, ...] = ("inline", "next_edit")

    def __init__(self, edit: TextEdit | None = None) -> None:
        self.edit = edit

    def inline(self, request: SuggestRequest, tokenizer: Any, budget: int) -> Prompt:
        return Prompt((1, 2, 3), frozenset({END}), b"", "inline")

    def next_edit(self, request: SuggestRequest, tokenizer: Any, budget: int) -> Prompt:
        return Prompt((1, 2, 3), frozenset({END}), b"", "next_edit", (7, 8))

    def parse_next_edit(
        self, request: SuggestRequest, completion_ids: Sequence[int], tokenizer: Any
    ) -> tuple[str, TextEdit] | None:
        return None if self.edit is None else (request.caret.cell, self.edit)


@dataclass
class Scripted:
    """Says `text` with `probability` a token, and notes how it was asked."""

    text: str = ""
    probability: float = 0.99
    finish: str = "stop"
    asked: list[dict[str, Any]] = field(default_factory=list)

    def complete(self, prompt: Prompt, **how: Any) -> Completion:
        self.asked.append({"prompt": prompt, **how})
        said, stop = [], END
        for char in self.text:
            if ord(char) in prompt.stop:
                stop = ord(char)
                break
            said.append(ord(char))
        ids = (*said, stop) if self.finish == "stop" else tuple(said)
        return Completion(
            ids,
            "".join(map(chr, said)),
            (math.log(self.probability),) * len(ids),
            self.finish,  # type: ignore[arg-type]
            TokenCounts(3, 0, len(ids)),
        )

    def prefill(self, prompt: Prompt, *, cancelled: Callable[[], bool]) -> None:
        self.asked.append({"prefill": prompt})


def at(text: str, **fields: Any) -> SuggestRequest:
    before, _, after = text.partition("|")
    cells = (Cell("c", fields.pop("type", "code"), before + after),)
    return SuggestRequest(Notebook("python", cells), Caret("c", len(before)), **fields)


def lane(engine: Scripted, edit: TextEdit | None = None, **settings: Any) -> ModelLane:
    made = ModelSettings(**{"threshold": 0.5, **settings})
    return ModelLane(engine, Format(edit), Letters(), made)  # type: ignore[arg-type]


def inline(made: ModelLane, request: SuggestRequest) -> str | None:
    answer = made.inline(request, time.monotonic() + 1, lambda: False)
    if not answer.suggestions:
        return None
    (suggestion,) = answer.suggestions
    texts = suggestion.apply(request.notebook)
    assert texts is not None
    source = request.cell.source
    offset = request.caret.offset
    after = texts[request.caret.cell]
    return after[offset : len(after) - len(source) + offset]


def silence(made: ModelLane, request: SuggestRequest, kind: str = "inline") -> str:
    ask = made.inline if kind == "inline" else made.next_edit
    return next(iter(ask(request, time.monotonic() + 1, lambda: False).silence.values())).reason


def test_a_sure_completion_is_inserted_at_the_caret() -> None:
    assert inline(lane(Scripted(".head()")), at("df|")) == ".head()"


def test_in_the_middle_of_a_line_generation_stops_at_its_end() -> None:
    engine = Scripted("head()\nx = 1")
    assert inline(lane(engine), at("df.|")) == "head()"
    assert ord("\n") in engine.asked[0]["prompt"].stop


def test_on_a_blank_line_several_lines_may_come() -> None:
    assert inline(lane(Scripted("x = 1\ny = 2")), at("for i in a:\n    |")) == "x = 1\ny = 2"
    one = lane(Scripted("x = 1\ny = 2"), multi_line=False)
    assert inline(one, at("for i in a:\n    |")) == "x = 1"


def test_lines_have_thresholds_of_their_own() -> None:
    engine = Scripted("x = 1\ny = 2", 0.95)

    def said(marked: str, **more: float) -> str | None:
        return inline(lane(engine, None, threshold=0.8, **more), at(marked))

    assert said("|") == "x ="
    assert said("|", line_start=0.7) == "x = 1"
    assert said("# x\n|", line_start=0.7, lines=0.5) == "x = 1\ny = 2"
    assert said("for i in a:\n    |", line_start=0.7, lines=0.99) == "x = 1"
    assert said("y = |", line_start=0.5, lines=0.5) == "x ="  # that is no line's start


def test_the_thresholds_of_lines_hold_for_the_filter_too() -> None:
    weights = tuple(1.0 if name == "logit" else 0.0 for name in FEATURES)
    made = lane(Scripted("x = 1", 0.95), line_start=0.6)
    made.acceptance = AcceptanceFilter(weights, 0.0, 0.9)
    assert inline(made, at("|")) == "x = 1"
    assert inline(made, at("y |")) is None


def test_a_bundle_says_its_thresholds() -> None:
    made = ModelSettings.from_thresholds({"inline": 0.7, "line_start": 0.5, "lines": 0.4})
    assert (made.threshold, made.line_start, made.lines) == (0.7, 0.5, 0.4)
    assert made.needed(0.7, starts_line=False, lines=1) == 0.7
    assert made.needed(0.7, starts_line=True, lines=1) == 0.5
    assert made.needed(0.7, starts_line=True, lines=3) == 0.4


def test_typing_through_a_suggestion_asks_the_engine_once() -> None:
    engine = Scripted(".head(10)")
    made = lane(engine)
    assert inline(made, at("df|")) == ".head(10)"
    assert inline(made, at("df.|")) == "head(10)"
    assert inline(made, at("df.hea|")) == "d(10)"
    assert len(engine.asked) == 1
    assert inline(made, at("df.t|")) is not None
    assert len(engine.asked) == 2


def test_an_unsure_reply_is_kept_for_when_its_doubt_is_typed() -> None:
    engine = Scripted("abc()", 0.8)
    made = lane(engine, threshold=0.6)
    assert silence(made, at("|")) == "low_confidence"
    assert inline(made, at("abc|")) == "()"
    assert len(engine.asked) == 1


def test_what_stays_unsure_is_asked_anew_where_more_was_typed() -> None:
    engine = Scripted("abcdefgh", 0.8)
    made = lane(engine, threshold=0.9)
    assert silence(made, at("|")) == "low_confidence"
    assert silence(made, at("|")) == "low_confidence"
    assert len(engine.asked) == 1  # the same place says the same
    assert silence(made, at("a|")) == "low_confidence"
    assert len(engine.asked) == 2


def test_a_filter_decides_in_the_place_of_the_product() -> None:
    weights = tuple(5.0 if name == "stood_before" else 0.0 for name in FEATURES)
    made = lane(Scripted("ow()", 0.6), threshold=0.99)
    made.acceptance = AcceptanceFilter(weights, -2.0, 0.9)
    assert silence(made, at("plt.sh|")) == "low_confidence"
    assert inline(made, at("plt.show()\nplt.sh|")) == "ow()"


def test_what_the_editor_closed_already_is_not_closed_again() -> None:
    assert inline(lane(Scripted("x, y)")), at("plot(|)")) == "x, y"
    assert inline(lane(Scripted("g(x)")), at("f(|)")) == "g(x)"


def edit_of(made: ModelLane, request: SuggestRequest) -> tuple[int, int, str]:
    (suggestion,) = made.inline(request, time.monotonic() + 1, lambda: False).suggestions
    ((change,),) = ([c.edit.replacements for c in suggestion.edits],)
    (only,) = change
    return only.start - request.caret.offset, only.end - request.caret.offset, only.text


def test_a_text_that_goes_past_the_editors_closer_replaces_it() -> None:
    made = lane(Scripted("10):"))
    assert edit_of(made, at("for i in range(|)")) == (0, 1, "10):")
    assert edit_of(made, at("for i in range(|")) == (0, 0, "10):")


def test_what_a_text_would_leave_open_is_left_to_the_person() -> None:
    assert inline(lane(Scripted("np.zeros((3")), at("x = |")) == "np.zeros"
    assert inline(lane(Scripted("nt('hello")), at("pri|(x)")) == "nt"
    assert silence(lane(Scripted("('hello")), at("print|")) == "breaks_syntax"


def test_what_follows_the_caret_is_not_offered() -> None:
    assert silence(lane(Scripted("x = 1")), at("|\nx = 1")) == "no_change"


def test_only_code_cells_are_completed() -> None:
    engine = Scripted("x")
    assert silence(lane(engine), at("a|", type="markdown")) == "off"
    assert engine.asked == []


def test_strings_and_comments_can_be_left_alone() -> None:
    engine = Scripted("x")
    assert silence(lane(engine, in_comments=False), at("# a|")) == "off"
    assert silence(lane(engine, in_strings=False), at("x = 'a|'")) == "off"
    assert engine.asked == []


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("deadline", "deadline"), ("cancelled", "throttled"), ("invalid", "no_change")],
)
def test_an_engine_that_was_stopped_offers_nothing_and_says_why(finish: str, reason: str) -> None:
    made = lane(Scripted("x = 1", finish=finish))
    assert silence(made, at("|")) == reason
    assert silence(made, at("|")) == reason  # and it is not remembered


def test_a_next_edit_needs_something_to_go_on() -> None:
    engine = Scripted("x")
    assert silence(lane(engine), at("x = 1|"), "next_edit") == "no_change"
    assert engine.asked == []


HISTORY = (EditEvent("c", "a = 1\nb = x", "a = 1\nb = 1"),)


def test_a_next_edit_is_what_the_format_reads() -> None:
    engine = Scripted("whatever", probability=0.999)
    made = lane(engine, TextEdit.replace(4, 5, "2"))
    request = at("a = 1\nb = 1|", history=HISTORY)
    (suggestion,) = made.next_edit(request, time.monotonic() + 1, lambda: False).suggestions
    assert suggestion.apply(request.notebook) == {"c": "a = 2\nb = 1"}
    assert suggestion.kind == "next_edit"
    assert engine.asked[0]["rejoin"] == (7, 8)


def test_an_unsure_or_cut_off_next_edit_is_not_shown() -> None:
    request = at("a = 1\nb = 1|", history=HISTORY)
    edit = TextEdit.replace(4, 5, "2")
    assert silence(lane(Scripted("abc", 0.5), edit), request, "next_edit") == "low_confidence"
    cut = lane(Scripted("abc", finish="length"), edit)
    assert silence(cut, request, "next_edit") == "no_change"
    assert silence(lane(Scripted("abc"), None), request, "next_edit") == "no_change"


def test_typing_a_part_of_a_next_edit_asks_no_engine_for_the_rest() -> None:
    engine = Scripted("whatever", probability=0.999)
    made = lane(engine, TextEdit.insert(5, "23"))
    request = at("a = 1|\nb = 1", history=HISTORY)
    assert made.next_edit(request, time.monotonic() + 1, lambda: False).suggestions
    typed = at("a = 12|\nb = 1", history=HISTORY)
    (left,) = made.next_edit(typed, time.monotonic() + 1, lambda: False).suggestions
    assert left.apply(typed.notebook) == {"c": "a = 123\nb = 1"}
    assert len(engine.asked) == 1


def test_prefilling_reads_the_prompt_of_the_caret() -> None:
    engine = Scripted()
    lane(engine).prefill(at("x|"), lambda: False)
    assert engine.asked == [{"prefill": Prompt((1, 2, 3), frozenset({END}), b"", "inline")}]


class Patient(Scripted):
    """Says its text while all of it is likely enough, as the engine does."""

    said_tokens = 0

    def complete(self, prompt: Prompt, **how: Any) -> Completion:
        self.asked.append({"prompt": prompt, **how})
        script = [*self.text.encode(), END][: how["max_new"]]
        logprob = math.log(self.probability)
        count = next((n for n in range(1, len(script) + 1) if n * logprob < how["floor"]), None)
        ids = tuple(script[:count])
        self.said_tokens += len(ids)
        return Completion(
            ids,
            bytes(id for id in ids if id).decode("utf-8", "ignore"),
            (logprob,) * len(ids),
            "unlikely" if count else "stop" if ids[-1:] == (END,) else "length",
            TokenCounts(len(prompt.ids), 0, len(ids)),
        )


class Bytes(Letters):
    """A tokenizer of one token a byte."""

    vocab_size = 256


@pytest.mark.parametrize("text", ["the quick brown fox ran", "éàüñçøßåæþ", "abcde🎉fgh🎉🎉"])
def test_characters_of_several_tokens_are_shown_whole(text: str) -> None:
    engine = Patient(text, 0.999)
    made = ModelLane(engine, Format(), Bytes(), ModelSettings(0.5))  # type: ignore[arg-type]
    assert inline(made, at("x = |")) == text


def test_a_hopeless_completion_is_broken_off_early() -> None:
    engine = Patient("abcdefghijklmnopqrst", 0.5)
    assert silence(lane(engine), at("|")) == "low_confidence"
    assert engine.said_tokens < 10


def test_an_unlikely_next_edit_is_broken_off_and_silent() -> None:
    engine = Patient("abcdefghijklmnopqrst", 0.5)
    request = at("a = 1|", history=HISTORY)
    answer = lane(engine).next_edit(request, time.monotonic() + 1, lambda: False)
    assert answer.silence["next_edit"].reason == "low_confidence"
    assert engine.said_tokens < 5


def test_a_reply_that_was_broken_off_is_gone_on_with_once_it_is_sure() -> None:
    engine = Patient("abc = defghijk", 0.6)
    made = lane(engine)
    assert silence(made, at("|")) == "low_confidence"
    asked = len(engine.asked)
    inline(made, at("abc = d|"))
    assert len(engine.asked) > asked
