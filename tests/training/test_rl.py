"""Answers are drawn as the plain model would, steps follow their rewards, runs resume exactly."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tiny_bundle import make_bundle  # noqa: E402

from nextedit_jupyter.bundles.bundle import Bundle  # noqa: E402
from nextedit_jupyter.core.errors import TrainingError  # noqa: E402
from nextedit_jupyter.prompt import BundleTokenizer, get_format  # noqa: E402
from nextedit_jupyter.training.cli import main  # noqa: E402
from nextedit_jupyter.training.corpus.document import Document, write_documents  # noqa: E402
from nextedit_jupyter.training.network import DecoderModule, Shape  # noqa: E402
from nextedit_jupyter.training.reward import Verdict  # noqa: E402
from nextedit_jupyter.training.rl import (  # noqa: E402
    Trainer,
    draw_groups,
    group_loss,
    open_run,
    train,
)
from nextedit_jupyter.training.rl_questions import CorpusQuestions, Question  # noqa: E402
from nextedit_jupyter.training.rl_settings import RlSettings  # noqa: E402
from nextedit_jupyter.training.rl_verdict import Measurement, compare, format_report  # noqa: E402
from nextedit_jupyter.training.run_folder import read_checkpoint  # noqa: E402
from nextedit_jupyter.training.sampling import answer_logprobs, sample  # noqa: E402
from nextedit_jupyter.training.schedule import RunBudget  # noqa: E402

pytestmark = pytest.mark.slow

SHAPE = Shape(
    vocab_size=64, width=32, layers=2, heads=4, kv_heads=2, head_dim=8, hidden=48, context=128
)
PROMPTS = [[1, 2, 3], [4] * 9, [7, 8, 9, 10, 11]]
SETTINGS = RlSettings(prompts=3, samples=8, length=16, max_new=4, lr=3e-3, threads=1)


def model_of(seed: int = 1) -> DecoderModule:
    """Weights large enough that what is likely depends on the prompt."""
    model = DecoderModule(SHAPE, seed=seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(8)
    return model.eval()


def plain_logprobs(model: DecoderModule, prompt: Sequence[int], answer: Sequence[int]) -> Any:
    logits = model(torch.tensor([[*prompt, *answer]]))[0, len(prompt) - 1 : -1]
    return torch.log_softmax(logits, -1).gather(-1, torch.tensor(answer)[:, None])[:, 0]


def quiet(line: str) -> None:
    pass


def test_drawn_answers_have_the_log_probabilities_of_the_plain_model() -> None:
    model = model_of()
    stops = [frozenset(range(30)), frozenset(), frozenset([5])]
    generator = torch.Generator().manual_seed(0)
    drawn = sample(model, PROMPTS, stops, each=4, max_new=12, generator=generator)
    assert [len(answers) for answers in drawn] == [4, 4, 4]
    lengths = {len(answer.ids) for answers in drawn for answer in answers}
    assert len(lengths) > 2  # some stopped, and the others went on without them
    for prompt, stop, answers in zip(PROMPTS, stops, drawn, strict=True):
        for answer in answers:
            plain = plain_logprobs(model, prompt, answer.ids)
            assert torch.allclose(torch.tensor(answer.logprobs), plain, atol=1e-4)
            assert answer.stopped == (answer.ids[-1] in stop)
            assert answer.stopped or len(answer.ids) == 12
            assert not stop & set(answer.ids[:-1])


def test_the_likeliest_answer_is_what_the_plain_model_would_choose() -> None:
    model = model_of()
    stops = [frozenset[int]()] * 3
    for prompt, (answer,) in zip(
        PROMPTS, sample(model, PROMPTS, stops, max_new=6, temperature=0.0), strict=True
    ):
        ids = list(prompt)
        for _ in range(6):
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
        assert list(answer.ids) == ids[len(prompt) :]


def test_answers_read_in_one_pass_have_the_plain_log_probabilities_and_gradient() -> None:
    prompt, answers = PROMPTS[2], [[3, 4, 5], [6], [7, 7, 7, 7, 7, 7]]
    model = model_of()
    together = answer_logprobs(model, prompt, answers)
    torch.stack([found.sum() for found in together]).sum().backward()
    gradient = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    apart = [plain_logprobs(model, prompt, answer) for answer in answers]
    sum(found.sum() for found in apart).backward()
    for ours, theirs in zip(together, apart, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4)
    for ours, parameter in zip(gradient, model.parameters(), strict=True):
        assert torch.allclose(ours, parameter.grad, atol=1e-3)


@pytest.mark.parametrize("prompts", [[], [[]], [[1] * 120]])
def test_prompts_that_cannot_be_answered_are_refused(prompts: list[list[int]]) -> None:
    with pytest.raises(ValueError, match=r"prompt"):
        sample(model_of(), prompts, [frozenset()], max_new=16)


class Toy:
    """Questions whose right answer begins with the prompt's first id."""

    def draw(self, seed: str, count: int) -> list[Question]:
        def of(first: int) -> Question:
            def judge(ids: Sequence[int]) -> Verdict:
                right = ids[0] == first
                return Verdict(1.0 if right else -0.25, parsed=True, exact=right)

            return Question((first, 2, 3), frozenset(range(64)), judge)

        return [of(10 + i % 3) for i in range(count)]


def rewards(folder: Path) -> list[float]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [json.loads(line)["reward"] for line in lines]


def begin(folder: Path, **more: Any) -> Any:
    return open_run(folder, DecoderModule(SHAPE, seed=1), replace(SETTINGS, **more))


def test_the_mean_reward_rises(tmp_path: Path) -> None:
    settings = replace(SETTINGS, samples=16, lr=1e-2)
    run, reference = begin(tmp_path, lr=1e-2)
    train(run, reference, Toy(), settings, RunBudget(steps=45), progress=quiet)
    found = rewards(tmp_path)
    assert sum(found[:5]) / 5 < -0.15
    assert sum(found[-5:]) / 5 > 0.5


def test_a_strong_pull_to_the_reference_keeps_the_model_where_it_was(tmp_path: Path) -> None:
    shift = {}
    for kl in (0.0, 100.0):
        settings = replace(SETTINGS, kl=kl, lr=1e-3)
        run, reference = begin(tmp_path / str(kl), lr=1e-3)
        train(run, reference, Toy(), settings, RunBudget(steps=15), progress=quiet)
        ids = torch.tensor([[10, 2, 3]])
        now, then = (torch.log_softmax(model(ids)[0, -1], -1) for model in (run.model, reference))
        shift[kl] = float((now - then).detach().abs().max())
    assert shift[100.0] < shift[0.0] / 2


def test_a_run_that_was_interrupted_comes_to_the_same_weights(tmp_path: Path) -> None:
    run, reference = begin(tmp_path / "whole")
    train(run, reference, Toy(), SETTINGS, RunBudget(steps=6), progress=quiet)
    whole = read_checkpoint(tmp_path / "whole" / "final.pt")

    folder = tmp_path / "parts"
    run, reference = begin(folder)
    train(run, reference, Toy(), SETTINGS, RunBudget(steps=4), progress=quiet)
    run, reference = open_run(folder, None, SETTINGS, resume=folder / "latest.pt")
    train(run, reference, Toy(), SETTINGS, RunBudget(steps=6), progress=quiet)
    parts = read_checkpoint(folder / "final.pt")

    assert rewards(tmp_path / "whole") == rewards(folder)
    assert parts["state"]["step"] == 6
    assert all(torch.equal(whole["model"][name], value) for name, value in parts["model"].items())


def test_the_kl_is_nothing_at_the_start_and_grows(tmp_path: Path) -> None:
    run, reference = begin(tmp_path)
    trainer = Trainer(run, reference, SETTINGS)
    entries = [trainer.step(Toy()) for _ in range(8)]
    assert entries[0]["kl"] == 0.0
    assert entries[-1]["kl"] > 0.0


def test_a_time_budget_ends_and_what_was_begun_with_is_kept(tmp_path: Path) -> None:
    clock = iter(range(100))
    run, reference = begin(tmp_path)
    budget = RunBudget(end=7.0)
    state = train(
        run, reference, Toy(), SETTINGS, budget, now=lambda: float(next(clock)), progress=quiet
    )
    assert 1 <= state.step <= 7
    start = read_checkpoint(tmp_path / "start.pt")["model"]
    assert all(torch.equal(start[name], value) for name, value in reference.state_dict().items())
    final = read_checkpoint(tmp_path / "final.pt")["model"]
    assert not all(torch.equal(start[name], final[name]) for name in start)


def test_a_group_in_which_all_earn_the_same_changes_nothing(tmp_path: Path) -> None:
    model = DecoderModule(SHAPE, seed=1)
    question = Question((1, 2), frozenset(), lambda ids: Verdict(-0.25))
    groups = draw_groups(model, [question], SETTINGS, torch.Generator().manual_seed(0))
    assert groups[0].advantages == [0.0] * SETTINGS.samples


def test_silence_costs_what_the_start_would_have_shown_right() -> None:
    """Where it was right and sure enough; elsewhere silence is worth what it was."""
    model = model_of()
    prompt = tuple(PROMPTS[0])
    ((best,),) = sample(model, [prompt], [frozenset(range(64))], max_new=4, temperature=0.0)
    right = best.ids

    def judge(ids: Sequence[int]) -> Verdict:
        return Verdict(0.8, exact=True) if tuple(ids) == right else Verdict(0.0, silent=True)

    question = Question(prompt, frozenset(range(64)), judge)
    sure = math.exp(sum(best.logprobs))
    for shown, lost in ((sure * 0.9, -0.8), (min(1.0, sure * 1.1), 0.0)):
        settings = replace(SETTINGS, shown=shown, temperature=3.0, samples=64)
        (group,) = draw_groups(model, [question], settings, torch.Generator().manual_seed(0), model)
        assert {v.reward for v in group.verdicts if v.silent} == {lost}
        assert {v.reward for v in group.verdicts if not v.silent} == {0.8}


def test_a_ratio_far_from_one_earns_no_more_and_loses_in_full() -> None:
    settings = replace(SETTINGS, kl=0.0, max_new=1)
    drawn = [torch.zeros(1)]
    far = [torch.ones(1)]  # e times as likely as when it was drawn
    gain, _ = group_loss(far, drawn, far, [1.0], settings)
    loss, _ = group_loss(far, drawn, far, [-1.0], settings)
    assert float(gain) == pytest.approx(-1.2)
    assert float(loss) == pytest.approx(2.71828, abs=1e-4)


CELLS = (
    "import numpy as np\nimport pandas as pd",
    "df = pd.read_csv('data.csv')\ndf.head()",
    "total = np.sum(df['price'])\nprint(total)\nshare = df['price'] / total",
    "for i in range(10):\n    print(i, total)",
    "df.plot('price', total)\ndf.hist('price')",
)


@pytest.fixture
def corpus() -> list[Document]:
    return [Document("mine", f"{i}.ipynb", "notebook", CELLS) for i in range(3)]


@pytest.fixture
def tokenizer(tmp_path: Path) -> BundleTokenizer:
    return BundleTokenizer(make_bundle(tmp_path / "base") / "tokenizer.json")


@pytest.mark.parametrize("name", ["cells-spm-v1", "edit-span-v1", "edit-blocks-psm-v1"])
def test_questions_are_the_same_for_the_same_seed_in_any_format(
    corpus: list[Document], tokenizer: BundleTokenizer, name: str
) -> None:
    settings = RlSettings(length=200, max_new=200)
    fmt = get_format(name)
    drawn = CorpusQuestions(corpus, fmt, tokenizer, settings).draw("a", 30)
    again = CorpusQuestions(corpus, get_format(name), tokenizer, settings).draw("a", 30)
    assert [q.ids for q in drawn] == [q.ids for q in again]
    assert {q.kind for q in drawn} == {"next_edit", "inline"}
    assert {q.wanted for q in drawn if q.kind == "next_edit"} == {True, False}
    assert all(len(q.ids) <= 232 for q in drawn)
    end = tokenizer.control("<|end|>")
    silent = [q.judge([end]) for q in drawn]
    assert {verdict.reward for verdict in silent} == {0.0}
    assert [verdict.exact for verdict in silent] == [not q.wanted for q in drawn]


def test_the_rest_of_a_line_is_right_and_another_is_wrong(
    corpus: list[Document], tokenizer: BundleTokenizer
) -> None:
    settings = RlSettings(length=200, inline=1.0)
    questions = CorpusQuestions(corpus, get_format("cells-spm-v1"), tokenizer, settings)
    end = tokenizer.control("<|end|>")
    lines = {line for cell in CELLS for line in cell.split("\n")}
    for question in questions.draw("b", 20):
        typed = tokenizer.decode(question.ids).rpartition("\n")[2]
        rests = {line[len(typed) :] for line in lines if line.startswith(typed)}
        verdicts = [question.judge([*tokenizer.encode(rest), end]) for rest in rests if rest]
        if question.wanted and verdicts:
            assert any(verdict.exact and verdict.reward > 0.9 for verdict in verdicts)
        wrong = question.judge([*tokenizer.encode(" qq qq qq qq"), end])
        assert wrong.reward < 0


def test_a_corpus_that_offers_nothing_is_refused(tokenizer: BundleTokenizer) -> None:
    fmt, settings = get_format("cells-spm-v1"), RlSettings(length=200)
    with pytest.raises(TrainingError, match="no notebooks"):
        CorpusQuestions([Document("m", "a.py", "module", CELLS)], fmt, tokenizer, settings)
    short = [Document("m", "a.ipynb", "notebook", ("x", "y"))]
    with pytest.raises(TrainingError, match="more documents"):
        CorpusQuestions(short, fmt, tokenizer, settings).draw("a", 2)


def measured(*verdicts: Verdict, wanted: Sequence[bool] = ()) -> Measurement:
    marks = list(wanted) or [True] * len(verdicts)
    questions = [Question((1,), frozenset(), lambda ids: Verdict(0.0), wanted=w) for w in marks]
    return Measurement(questions, verdicts)


RIGHT, WRONG = Verdict(1.0, parsed=True, exact=True), Verdict(-0.25, parsed=True)
QUIET, BROKEN = Verdict(0.0, silent=True), Verdict(-1.0)


@pytest.mark.parametrize(
    ("before", "after", "helps", "why"),
    [
        ([WRONG, RIGHT] * 20, [RIGHT, RIGHT] * 20, True, ""),
        ([WRONG, RIGHT] * 20, [WRONG, RIGHT] * 20, False, "not surely rise"),
        ([WRONG, RIGHT] * 20, [QUIET, QUIET] * 20, False, "fewer answers are exact"),
        ([BROKEN, RIGHT] * 20, [WRONG, RIGHT] * 20, True, ""),
        ([QUIET, QUIET, WRONG] * 20, [RIGHT, BROKEN, RIGHT] * 20, False, "parses"),
        ([QUIET] * 19 + [RIGHT], [WRONG] + [RIGHT] * 19, False, "wrong"),
    ],
)
def test_it_helps_only_if_nothing_got_worse(
    before: list[Verdict], after: list[Verdict], helps: bool, why: str
) -> None:
    report = compare(measured(*before), measured(*after))
    assert report["helps"] is helps
    assert why in "; ".join(report["why_not"])
    text = format_report({"steps": 3, "seconds": 60, **report})
    assert "| exact of wanted |" in text
    assert ("ship final.pt" if helps else "start.pt") in text


def test_the_command_trains_compares_resumes_and_its_checkpoint_is_exported(
    corpus: list[Document], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, work = make_bundle(tmp_path / "base"), tmp_path / "work"
    (work / "corpus").mkdir(parents=True)
    for split in ("train", "validation"):
        write_documents(work / "corpus" / f"{split}.jsonl", corpus)
    line = ["train", "rl", "--work", str(work), "--prompts", "2", "--samples", "2"]
    line += ["--length", "120", "--max-new", "48", "--tasks", "5", "--threads", "1"]
    assert main([*line, "--init", str(base), "--steps", "2"]) == 0
    assert "before and after" in capsys.readouterr().out
    assert main([*line, "--resume", "latest.pt", "--steps", "3"]) == 0
    report = json.loads((work / "rl" / "report.json").read_text())
    assert (report["steps"], report["format"]) == (3, "cells-spm-v1")
    assert report["before"]["all"]["tasks"] == 5
    assert len(rewards(work / "rl")) == 3
    export = ["train", "export", "--work", str(work), "--checkpoint", "rl/final.pt", "--no-gate"]
    assert main([*export, "--out", str(tmp_path / "out")]) == 0
    assert Bundle.open(tmp_path / "out").label
    with pytest.raises(TrainingError, match="at least 1"):
        main([*line, "--init", str(base), "--steps", "2", "--samples", "0"])
    with pytest.raises(TrainingError, match="has no run to continue"):
        main([*line, "--resume", "latest.pt", "--steps", "3", "--run", "other"])
