"""From a bundle's folder to answers, with a tiny bundle of random weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_bundle import make_bundle

from nextedit_jupyter.core import Answer, Caret, Cell, EditEvent, Notebook, SuggestRequest
from nextedit_jupyter.suggest import Suggester, SuggesterSettings, build_suggester


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def suggester(bundle: Path) -> Suggester:
    made = build_suggester(bundle, settings=SuggesterSettings(unknown_names=True))
    assert made.model is not None
    made.model.settings = replace(
        made.model.settings, threshold=1e-6, min_chars=1, min_probability=0.0
    )
    return made


def request(before: str, after: str = "", deadline_ms: float = 60_000.0) -> SuggestRequest:
    cells = (
        Cell("a", "code", "import numpy as np\nx = np.linspace(0, 1, 100)", 1),
        Cell("b", "code", before + after),
    )
    event = EditEvent("a", "import numpy", "import numpy as np\nx = np.linspace(0, 1, 100)")
    return SuggestRequest(
        Notebook("python", cells), Caret("b", len(before)), (event,), deadline_ms=deadline_ms
    )


def said(answer: Answer) -> tuple[object, object]:
    return answer.suggestions, answer.silence


TEXTS = ["", "x", "x = np.", "for i in range(10):\n    ", "df.he", "print('é", "x = 1\n\n"]


def test_a_bundle_is_opened_and_answers_each_kind(suggester: Suggester) -> None:
    assert (suggester.problem, suggester.lanes) == (None, ["symbols", "patterns", "model"])
    answer = suggester.answer(request("x = np."))
    assert answer.bundle == "nextedit-tiny/0.1.0"
    asked = {s.kind for s in answer.suggestions} | set(answer.silence)
    assert asked == {"inline", "next_edit", "rename"}
    assert answer.tokens.prompt > 0
    assert answer.timing.total >= answer.timing.prefill + answer.timing.decode


def test_the_same_request_has_the_same_answer_cold_and_warm(
    bundle: Path, suggester: Suggester
) -> None:
    assert suggester.model is not None
    cold = []
    for text in TEXTS:
        fresh = build_suggester(bundle, settings=suggester.settings)
        assert fresh.model is not None
        fresh.model.settings = suggester.model.settings
        cold.append(said(fresh.answer(request(text, "\ny = 2"))))
    for _ in range(2):
        warm = []
        for text in TEXTS:
            suggester.model.forget()  # what may be typed through; the engine's cache stays
            warm.append(said(suggester.answer(request(text, "\ny = 2"))))
        assert warm == cold


def test_whatever_is_offered_can_be_applied(suggester: Suggester) -> None:
    for text in TEXTS:
        asked = request(text, "\ny = 2")
        for suggestion in suggester.answer(asked).suggestions:
            assert suggestion.apply(asked.notebook) is not None


def test_a_cancelled_completion_stops_between_steps(suggester: Suggester) -> None:
    looks = 0

    def cancelled() -> bool:
        nonlocal looks
        looks += 1
        return looks > 1  # the suggester looks once, then the engine

    answer = suggester.answer(
        replace(request("y = np.zeros("), want=("inline",)), cancelled=cancelled
    )
    assert answer.silence["inline"].reason == "throttled"


def test_prefilling_makes_the_prompt_warm(suggester: Suggester) -> None:
    asked = replace(request("y = np."), want=("inline",))
    suggester.prefill(asked)
    tokens = suggester.answer(asked).tokens
    assert tokens.reused >= tokens.prompt - 1


def test_without_its_bundle_the_suggester_says_what_to_do(tmp_path: Path) -> None:
    made = build_suggester(tmp_path / "nowhere")
    assert made.lanes == ["symbols", "patterns"]
    assert made.problem
    answer = made.answer(request("x"))
    assert answer.bundle is None
    assert answer.silence["inline"].reason == "no_model"


def test_a_damaged_bundle_is_a_problem_and_no_crash(bundle: Path, tmp_path: Path) -> None:
    damaged = make_bundle(tmp_path / "damaged")
    (damaged / "model.onnx").write_bytes(b"garbage")
    made = build_suggester(damaged)
    assert made.lanes == ["symbols", "patterns"]
    assert made.problem


def test_logits_that_are_no_numbers_are_silence(tmp_path: Path) -> None:
    made = build_suggester(make_bundle(tmp_path / "nan", spoil=True))
    if made.model is not None:
        answer = made.answer(request("x = "))
        assert [s for s in answer.suggestions if s.lane == "model"] == []
