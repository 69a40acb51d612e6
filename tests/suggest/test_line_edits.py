"""Next edits line by line: what is asked, in which order, and what is made of the answers."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

from prompt_letters import Letters, answer, request, shown

from nextedit_jupyter.core import Cell, EditEvent, Notebook, SuggestRequest, TokenCounts
from nextedit_jupyter.engine import Completion
from nextedit_jupyter.prompt import Prompt
from nextedit_jupyter.prompt.cells_lines_v1 import CellsLinesV1
from nextedit_jupyter.prompt.control import CONTROL_TOKENS
from nextedit_jupyter.suggest.model_lane import ModelAnswer, ModelLane, ModelSettings


class Ascii(Letters):
    vocab_size = 128 + len(CONTROL_TOKENS)


LETTERS = Ascii()
HISTORY = (EditEvent("c0", "a = old(1)", "a = new(1)"),)
TOLD = "<|bos|><|old|>a = old(1)<|new|>a = new(1)"


@dataclass
class Scripted:
    """Answers each stretch with what `says` has for it, with its probability."""

    says: dict[str, tuple[str, float]]
    finish: str = "stop"
    asked: list[Prompt] = field(default_factory=list)

    def complete(self, prompt: Prompt, **how: Any) -> Completion:
        self.asked.append(prompt)
        stretch = shown(prompt).rpartition("<|edit|>")[2]
        text, probability = self.says.get(stretch, ("", 0.01))
        finish = self.finish
        if finish == "stop" and math.log(probability) < how["floor"]:
            finish = "unlikely"
        ids = tuple(answer(LETTERS, f"<|new|>{text}<|end|>"))
        logprobs = (math.log(probability), *(0.0 for _ in ids[1:]))
        return Completion(ids, text, logprobs, finish, TokenCounts(3, 0, len(ids)))  # type: ignore[arg-type]


def ask(engine: Scripted, asked: SuggestRequest, threshold: float = 0.3) -> ModelAnswer:
    settings = ModelSettings(next_edit_threshold=threshold)
    lane = ModelLane(engine, CellsLinesV1(), LETTERS, settings)  # type: ignore[arg-type]
    return lane.next_edit(asked, time.monotonic() + 1, lambda: False)


def texts(answered: ModelAnswer, asked: SuggestRequest) -> dict[str, str]:
    (suggestion,) = answered.suggestions
    return dict(suggestion.apply(asked.notebook) or {})


NOTEBOOK = request(
    "a = new(1)", "import os", "b = old(2)", "c = old(3) + old(4)", caret=(0, 3), history=HISTORY
)


def test_a_like_line_in_another_cell_becomes_what_the_model_says() -> None:
    engine = Scripted({"b = old(2)": ("b = new(2)", 0.9)})
    answered = ask(engine, NOTEBOOK)
    assert texts(answered, NOTEBOOK) == {"c2": "b = new(2)"}
    assert answered.suggestions[0].confidence == 0.9
    assert shown(engine.asked[0]) == f"{TOLD}<|edit|>b = old(2)"
    assert len(engine.asked) == 1


def test_lines_are_asked_about_with_the_answers_before_in_sight() -> None:
    engine = Scripted({"c = old(3) + old(4)": ("c = new(3) + new(4)", 0.8)})
    assert texts(ask(engine, NOTEBOOK), NOTEBOOK) == {"c3": "c = new(3) + new(4)"}
    assert shown(engine.asked[-1]) == f"{TOLD}<|edit|>b = old(2)<|end|><|edit|>c = old(3) + old(4)"


def test_the_model_rests_where_no_line_is_alike() -> None:
    engine = Scripted({})
    answered = ask(engine, request("a = new(1)", "import os", caret=(0, 3), history=HISTORY))
    assert not engine.asked
    assert answered.silence["next_edit"].reason == "no_change"


def test_an_unsure_answer_is_not_shown_and_the_silence_says_so() -> None:
    answered = ask(Scripted({"b = old(2)": ("b = new(2)", 0.1)}), NOTEBOOK)
    assert not answered.suggestions
    assert answered.silence["next_edit"].reason == "low_confidence"


def test_a_request_that_is_over_ends_the_questions() -> None:
    for finish, reason in (("deadline", "deadline"), ("cancelled", "throttled")):
        engine = Scripted({}, finish)
        answered = ask(engine, NOTEBOOK)
        assert len(engine.asked) == 1
        assert answered.silence["next_edit"].reason == reason


def test_nothing_is_asked_about_cells_that_may_not_be_changed() -> None:
    cells = (
        Cell("c0", "code", "a = new(1)"),
        Cell("c1", "code", "b = old(2)", editable=False),
        Cell("c2", "markdown", "c = old(3)"),
    )
    locked = SuggestRequest(Notebook("python", cells), NOTEBOOK.caret, history=HISTORY)
    engine = Scripted({})
    ask(engine, locked)
    assert not engine.asked


def test_a_change_is_not_taken_back() -> None:
    history = (*HISTORY, EditEvent("c1", "b = old(2)", "b = new(2)"))
    notebook = request("a = new(1)", "b = new(2)", "q = new(1)", caret=(0, 3), history=history)
    engine = Scripted({"a = new(1)": ("a = old(1)", 0.99), "b = new(2)": ("b = old(2)", 0.99)})
    assert not ask(engine, notebook).suggestions


def test_the_cell_just_changed_needs_more_certainty() -> None:
    home = request("a = new(1)\nb = old(2)", "import os", caret=(0, 3), history=HISTORY)
    assert not ask(Scripted({"b = old(2)": ("b = new(2)", 0.35)}), home).suggestions
    assert ask(Scripted({"b = old(2)": ("b = new(2)", 0.5)}), home).suggestions


def test_what_all_questions_cost_is_counted() -> None:
    answered = ask(Scripted({}), NOTEBOOK)
    assert answered.tokens.prompt == 6
