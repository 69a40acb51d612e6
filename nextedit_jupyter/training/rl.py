"""Reinforcement learning after supervised training, top to bottom: tasks, steps, a verdict.

Answers to a prompt are drawn in groups and weighed against their group's mean (GRPO: Shao et al.,
"DeepSeekMath", 2024); a frozen copy of the model that the run began with holds it back (KL by the
k3 estimator of Schulman, 2020). Advantages are not divided by the group's deviation, and losses not
by an answer's length (Dr. GRPO: Liu et al., "Understanding R1-Zero-like training", 2025): most
groups here differ by a token's price only, and division would make that count as much as right
against wrong.

A run's folder is laid out as `sft`'s: `latest.pt`, `final.pt`, `log.jsonl`; and `start.pt`, what it
began with, which is the reference when the run goes on, and what to ship if nothing was won.
"""

from __future__ import annotations

import copy
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.evals.heldout import held_out
from nextedit_jupyter.evals.metrics import wilson
from nextedit_jupyter.evals.typing import typing_request
from nextedit_jupyter.prompt import Prompt, PromptFormat, TextTokenizer
from nextedit_jupyter.prompt.lines import changed_lines
from nextedit_jupyter.training.cases import made_up_edits
from nextedit_jupyter.training.commits.real_edit import RealEdit
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.cpu import use_threads
from nextedit_jupyter.training.model import Decoder, Shape
from nextedit_jupyter.training.reward import SILENT, UNREADABLE, Said, Task, Verdict, judge
from nextedit_jupyter.training.sampling import Sample, answer_logprobs, sample
from nextedit_jupyter.training.sft import Run, State, read_checkpoint

TRIES = 50  # draws for one question, many of which offer none


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run needs besides its data."""

    prompts: int = 4  # a step
    samples: int = 4  # a prompt
    length: int = 384  # tokens of a prompt, at most
    max_new: int = 64  # tokens of an answer, at most
    temperature: float = 1.0
    lr: float = 2e-5
    warmup_steps: int = 10
    updates: int = 1  # of the weights for one draw; the ratio is clipped from the second on
    ratio: float = 0.2  # how far from 1 the ratio of probabilities counts
    kl: float = 0.04  # DeepSeekMath's
    clip: float = 1.0
    inline: float = 0.5  # share of typing carets; the rest are next edits
    real: float = 0.5  # share of mined edits among the next edits, where there are some
    seed: int = 0
    threads: int = 2
    checkpoint_s: float = 300.0

    def __post_init__(self) -> None:
        if min(self.prompts, self.samples, self.length, self.max_new, self.updates) < 1:
            raise ValueError("prompts, samples, length, max_new and updates are at least 1")
        if self.temperature <= 0 or not 0 <= self.inline <= 1:
            raise ValueError("the temperature is above 0, the share of carets between 0 and 1")


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop: after `steps` in all, or at `end` in Unix seconds."""

    steps: int | None = None
    end: float | None = None


# Questions.


@dataclass(frozen=True, slots=True)
class Question:
    """Ids to go on from, the ids that end an answer, and what an answer is worth.

    `wanted` is whether there is something to say.
    """

    ids: tuple[int, ...]
    stop: frozenset[int]
    judge: Callable[[Sequence[int]], Verdict]
    kind: Kind = "next_edit"
    wanted: bool = True


class Questions(Protocol):
    """Where a run's questions come from."""

    def draw(self, seed: str, count: int) -> list[Question]:
        """`count` questions, the same for the same seed. Raises TrainingError."""


class CorpusQuestions:
    """Next edits and typing carets of a corpus, in any prompt format.

    Next edits are made up as training makes them (`training.edits`), or mined ones. At a typing
    caret the rest of the line is wanted, nothing at the line's end. A caret stands where a token of
    the cell ends; what the format holds back of the last word is read with the prompt, as sampling
    is not constrained.
    """

    def __init__(
        self,
        documents: Sequence[Document],
        fmt: PromptFormat,
        tokenizer: TextTokenizer,
        settings: Settings,
        *,
        edits: Sequence[RealEdit] = (),
    ) -> None:
        self._documents = [document for document in documents if document.kind != "module"]
        self._edits = edits
        self._format = fmt
        self._tokenizer = tokenizer
        self._settings = settings
        self._edits_too = "next_edit" in getattr(fmt, "kinds", ("next_edit",))
        self._newlines = frozenset(
            id for id in range(tokenizer.vocab_size) if tokenizer.token_bytes(id)[:1] == b"\n"
        )
        if not self._documents:
            raise TrainingError("the corpus has no notebooks, galleries or guides to ask about")

    def draw(self, seed: str, count: int) -> list[Question]:
        rng = random.Random(seed)
        found: list[Question] = []
        for _ in range(TRIES * count):
            if len(found) == count:
                return found
            typing = rng.random() < self._settings.inline or not self._edits_too
            question = self._caret(rng) if typing else self._edit(rng)
            if question is not None:
                found.append(question)
        if len(found) < count:
            raise TrainingError(
                f"the corpus gave {len(found)} of {count} questions: give it more documents, or "
                "longer prompts"
            )
        return found

    def _edit(self, rng: random.Random) -> Question | None:
        if self._edits and rng.random() < self._settings.real:
            edit = rng.choice(self._edits)
        else:
            document = rng.choice(self._documents)
            made = made_up_edits([document], 1, rng) if document.cells else []
            if not made:
                return None
            edit = made[0]
        request = edit.request
        old, new = changed_lines(request.cell.source, edit.after)
        tokens = len(self._tokenizer.encode(new))
        if len(self._tokenizer.encode(old)) + tokens + 2 > self._settings.max_new:
            return None  # it can't be said: only silence could be learnt from it
        task = Task("next_edit", request, edit.after, tokens)
        prompt = self._format.next_edit(request, self._tokenizer, self._settings.length)
        return self._question(task, prompt, (), self._read_edit)

    def _caret(self, rng: random.Random) -> Question | None:
        document = rng.choice(self._documents)
        cells = document.cells
        fit = [
            i
            for i, text in enumerate(cells)
            if 20 <= len(text) <= 1_000 and not text.lstrip().startswith("%%")
        ]
        if not fit:
            return None
        index = rng.choice(fit)
        text, ids = cells[index], self._tokenizer.encode(cells[index])
        before = self._tokenizer.decode(ids[: rng.randrange(1, len(ids))])
        if not text.startswith(before):
            return None  # in the midst of a character
        rest = text[len(before) :].split("\n", 1)[0].rstrip()
        if not before.rpartition("\n")[2].strip() and not rest:
            return None  # an empty line
        notebook = held_out(document.package, document.path, document.kind, cells).notebook
        request = typing_request(notebook, index, len(before))
        tokens = len(self._tokenizer.encode(changed_lines(before, before + rest)[1]))
        task = Task("inline", request, before + rest, tokens)
        prompt = self._format.inline(request, self._tokenizer, self._settings.length)
        held = self._tokenizer.encode(prompt.heal.decode("utf-8", "replace"))
        if len(self._tokenizer.encode(rest)) + 1 > self._settings.max_new:
            return None
        return self._question(task, prompt, held, self._read_inline)

    def _question(
        self,
        task: Task,
        prompt: Prompt,
        held: Sequence[int],
        read: Callable[[Task, Sequence[int]], Said],
    ) -> Question | None:
        ids = (*prompt.ids, *held)
        if not prompt.ids or len(ids) > self._settings.length + 32:
            return None
        stop = prompt.stop | self._newlines if task.kind == "inline" else prompt.stop

        def judged(answer: Sequence[int]) -> Verdict:
            return judge(task, read(task, answer))

        return Question(ids, stop, judged, task.kind, task.wanted)

    def _read_edit(self, task: Task, ids: Sequence[int]) -> Said:
        """What a next edit's answer says; a control token at once is silence."""
        if len(ids) == 1 and not self._tokenizer.token_bytes(ids[0]):
            return SILENT
        parsed = self._format.parse_next_edit(task.request, ids, self._tokenizer)
        if parsed is None:
            return UNREADABLE
        cell, edit = parsed
        now = task.now
        if cell != task.request.caret.cell:
            return Said(now)  # the caret's cell stays as it is
        return self._said(now, edit.apply(now)) if edit.fits(now) else UNREADABLE

    def _read_inline(self, task: Task, ids: Sequence[int]) -> Said:
        """What stands at the caret after an answer; blanks alone are silence."""
        ended = ids[-1] in self._newlines or not self._tokenizer.token_bytes(ids[-1])
        text = self._tokenizer.decode(ids[:-1] if ended else ids).rstrip()
        if not text:
            return SILENT if ended else UNREADABLE
        now, at = task.now, task.request.caret.offset
        return self._said(now, now[:at] + text + now[at:])

    def _said(self, now: str, text: str) -> Said:
        return Said(text, len(self._tokenizer.encode(changed_lines(now, text)[1])))


# Steps.


@dataclass(frozen=True, slots=True)
class Group:
    """Answers to one question and their verdicts."""

    question: Question
    samples: Sequence[Sample]
    verdicts: Sequence[Verdict]

    @property
    def advantages(self) -> list[float]:
        """Each answer's reward less the group's mean."""
        rewards = [verdict.reward for verdict in self.verdicts]
        mean = sum(rewards) / len(rewards)
        return [value - mean for value in rewards]


def draw_groups(
    model: Decoder, questions: Sequence[Question], settings: Settings, generator: torch.Generator
) -> list[Group]:
    """`settings.samples` answers to each question, judged."""
    drawn = sample(
        model,
        [question.ids for question in questions],
        [question.stop for question in questions],
        each=settings.samples,
        max_new=settings.max_new,
        temperature=settings.temperature,
        generator=generator,
    )
    return [
        Group(question, samples, [question.judge(found.ids) for found in samples])
        for question, samples in zip(questions, drawn, strict=True)
    ]


def group_loss(
    now: Sequence[Tensor],
    drawn: Sequence[Tensor],
    reference: Sequence[Tensor],
    advantages: Sequence[float],
    settings: Settings,
) -> tuple[Tensor, Tensor]:
    """The loss of one group, summed over its answers, and its KL, summed over tokens.

    The log-probabilities of each answer, float32 [length]: as the model has them now, as it had
    them when the answer was drawn, and as the reference has them. The loss is a sum over tokens
    divided by `max_new`, the same for short answers and long ones.
    """
    loss = kl_sum = torch.zeros((), device=now[0].device)
    for mine, before, theirs, advantage in zip(now, drawn, reference, advantages, strict=True):
        ratio = (mine - before).exp()
        near = ratio.clamp(1 - settings.ratio, 1 + settings.ratio)
        gain = torch.minimum(ratio * advantage, near * advantage)
        log_ratio = theirs - mine
        kl = log_ratio.exp() - log_ratio - 1.0
        loss = loss - (gain - settings.kl * kl).sum() / settings.max_new
        kl_sum = kl_sum + kl.detach().sum()
    return loss, kl_sum


class Trainer:
    """A model, what it learns with, and the frozen model that holds it back."""

    def __init__(self, run: Run, reference: Decoder, settings: Settings) -> None:
        self.run = run
        self.settings = settings
        self.reference = reference.eval().requires_grad_(False)
        self.device = run.model.embedding.weight.device

    def step(self, questions: Questions) -> dict[str, Any]:
        """One draw and its updates; gives what goes into the log. Depends on the step alone."""
        settings, state = self.settings, self.run.state
        began = time.perf_counter()
        label = f"{settings.seed}-{state.step}"
        generator = torch.Generator(self.device)
        generator.manual_seed(random.Random(label).getrandbits(62))
        asked = questions.draw(f"rl-{label}", settings.prompts)
        groups = draw_groups(self.run.model, asked, settings, generator)
        drawn_s = time.perf_counter() - began
        kl = 0.0
        for update in range(settings.updates):
            found = self._update(groups)
            kl = found if update == 0 else kl
        state.step += 1
        verdicts = [verdict for group in groups for verdict in group.verdicts]
        tokens = sum(len(found.ids) for group in groups for found in group.samples)
        state.tokens += tokens
        said = [verdict for verdict in verdicts if not verdict.silent]
        seconds = time.perf_counter() - began
        state.seconds += seconds
        return {
            "step": state.step,
            "reward": round(sum(v.reward for v in verdicts) / len(verdicts), 5),
            "kl": round(kl, 6),
            "silent": round(1 - len(said) / len(verdicts), 4),
            "parsed": round(sum(v.parsed for v in said) / max(1, len(said)), 4),
            "exact": round(sum(v.exact for v in verdicts) / len(verdicts), 4),
            "uneven": round(sum(any(g.advantages) for g in groups) / len(groups), 4),
            "tokens": tokens,
            "draw_s": round(drawn_s, 3),
            "s": round(seconds, 3),
        }

    def _update(self, groups: Sequence[Group]) -> float:
        """One update of the weights; gives the mean KL a token before it."""
        settings, run = self.settings, self.run
        model, optimizer = run.model, run.optimizers[0]
        count = sum(len(group.samples) for group in groups)
        kl_sum, tokens, total = 0.0, 0, 0.0
        for group in groups:
            answers = [found.ids for found in group.samples]
            prompt, temperature = group.question.ids, settings.temperature
            with torch.no_grad():
                reference = answer_logprobs(
                    self.reference, prompt, answers, temperature=temperature
                )
            now = answer_logprobs(model, prompt, answers, temperature=temperature)
            drawn = [torch.tensor(found.logprobs, device=self.device) for found in group.samples]
            loss, kl = group_loss(now, drawn, reference, group.advantages, settings)
            (loss / count).backward()  # type: ignore[no-untyped-call]
            kl_sum += kl.item()
            total += loss.item()
            tokens += sum(map(len, answers))
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        for group_of in optimizer.param_groups:
            warm = min(1.0, (run.state.step + 1) / max(1, settings.warmup_steps))
            group_of["lr"] = settings.lr * warm
        if math.isfinite(total) and bool(torch.isfinite(norm)):
            optimizer.step()
        else:
            run.log({"step": run.state.step, "warning": "loss is not finite: step left out"})
        model.zero_grad(set_to_none=True)
        return kl_sum / max(1, tokens)


def train(
    run: Run,
    reference: Decoder,
    questions: Questions,
    settings: Settings,
    budget: Budget,
    *,
    now: Callable[[], float] = time.time,
    progress: Callable[[str], None] = print,
) -> State:
    """Train until the budget is spent; the final state is saved as `final.pt`.

    A run that was interrupted and goes on comes to the same weights as one that wasn't.
    """
    use_threads(settings.threads)
    trainer = Trainer(run, reference, settings)
    saved = now()
    recent: list[dict[str, Any]] = []
    while (budget.steps is None or run.state.step < budget.steps) and (
        budget.end is None or now() < budget.end
    ):
        entry = trainer.step(questions)
        run.log({**entry, "at": round(now())})
        recent.append(entry)
        if len(recent) == 10:
            progress(_line(recent, budget, now()))
            recent = []
        if now() - saved > settings.checkpoint_s:
            run.save()
            saved = now()
    run.save()
    run.save("final.pt")
    return run.state


def _line(entries: Sequence[Mapping[str, Any]], budget: Budget, time_now: float) -> str:
    def mean(key: str) -> float:
        return float(sum(entry[key] for entry in entries)) / len(entries)

    left = "" if budget.end is None else f" left {max(0.0, budget.end - time_now) / 60:.0f} min"
    return (
        f"step {entries[-1]['step']} reward {mean('reward'):+.3f} kl {mean('kl'):.4f} "
        f"silent {mean('silent'):.2f} parsed {mean('parsed'):.2f} exact {mean('exact'):.2f} "
        f"{mean('s'):.1f} s a step{left}"
    )


def open_run(
    folder: Path,
    start: tuple[Shape, Mapping[str, Tensor]] | None,
    settings: Settings,
    *,
    resume: Path | None = None,
    device: str = "cpu",
) -> tuple[Run, Decoder]:
    """A run in `folder` and its reference: begun with some weights, or gone on with.

    `start` are the shape and float32 weights to begin with, kept as `start.pt`; None where the run
    goes on from the checkpoint `resume`. Raises TrainingError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if resume is None:
        if start is None:
            raise TrainingError("a run begins with a bundle or a checkpoint, or resumes one")
        shape, weights = start
    else:
        held = read_checkpoint(folder / "start.pt")
        shape, weights = Shape(**held["shape"]), held["model"]
    model = Decoder(shape)
    model.load_state_dict(dict(weights))
    reference = copy.deepcopy(model).to(device)
    model = model.to(device)
    if resume is None and not Run(folder, model, []).save("start.pt"):
        raise TrainingError(f"{folder} has no room for a checkpoint: free some disk space")
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.lr, betas=(0.9, 0.95), eps=1e-9, weight_decay=0.0
    )
    run = Run(folder, model, [optimizer])
    if resume is not None:
        run.load(resume)
    return run, reference


# The verdict.


@dataclass(frozen=True, slots=True)
class Measured:
    """A model's verdicts on some questions, in their order."""

    questions: Sequence[Question]
    verdicts: Sequence[Verdict]

    def counts(self, kind: Kind | None = None) -> dict[str, int]:
        """How many questions of a kind, or of all, and what was made of them."""
        pairs = [
            (question, verdict)
            for question, verdict in zip(self.questions, self.verdicts, strict=True)
            if kind in (None, question.kind)
        ]
        said = [(question, verdict) for question, verdict in pairs if not verdict.silent]
        return {
            "tasks": len(pairs),
            "wanted": sum(question.wanted for question, _ in pairs),
            "none": sum(not question.wanted for question, _ in pairs),
            "said": len(said),
            "parsed": sum(verdict.parsed for _, verdict in said),
            "exact": sum(question.wanted and verdict.exact for question, verdict in said),
            "wrong": sum(verdict.wrong for _, verdict in said),
            "silent_of_none": sum(q.wanted is False and v.silent for q, v in pairs),
        }

    @property
    def rewards(self) -> list[float]:
        return [verdict.reward for verdict in self.verdicts]


def ask(model: Decoder, questions: Sequence[Question], settings: Settings) -> Measured:
    """The likeliest answer to each question, judged; without thresholds, gates and filter."""
    verdicts: list[Verdict] = []
    for at in range(0, len(questions), 16):
        some = questions[at : at + 16]
        drawn = sample(
            model,
            [question.ids for question in some],
            [question.stop for question in some],
            max_new=settings.max_new,
            temperature=0.0,
        )
        verdicts += [
            question.judge(answers[0].ids) for question, answers in zip(some, drawn, strict=True)
        ]
    return Measured(questions, verdicts)


def measure(model: Decoder, tasks: Sequence[Question], settings: Settings) -> dict[str, Any]:
    """Counts over all tasks and by kind, and the mean reward, of greedy answers."""
    return _described(ask(model, tasks, settings))


def _described(measured: Measured) -> dict[str, Any]:
    kinds = sorted({question.kind for question in measured.questions})
    return {
        "reward": round(sum(measured.rewards) / max(1, len(measured.rewards)), 4),
        "all": measured.counts(),
        **{kind: measured.counts(kind) for kind in kinds},
    }


def compare(before: Measured, after: Measured, *, seed: int = 0) -> dict[str, Any]:
    """Before and after on the same tasks, whether it helped, and why not.

    It helped if all of these hold: the mean reward rose, with 95 % of the resampled means of the
    tasks' changes above 0; no fewer exact answers; no larger a share of what is said is wrong; no
    smaller a share of it parses.
    """
    changes = [b - a for a, b in zip(before.rewards, after.rewards, strict=True)]
    low, high = _interval(changes, seed)
    old, new = before.counts(), after.counts()
    why = []
    if low <= 0:
        why.append("the reward on held-out tasks did not surely rise")
    if new["exact"] < old["exact"]:
        why.append("fewer answers are exact")
    if _share(new["wrong"], new["said"]) > _share(old["wrong"], old["said"]):
        why.append("more of what is said is wrong")
    if _share(new["parsed"], new["said"], 1.0) < _share(old["parsed"], old["said"], 1.0):
        why.append("less of what is said parses")
    return {
        "helps": not why,
        "why_not": why,
        "change": [round(sum(changes) / max(1, len(changes)), 4), round(low, 4), round(high, 4)],
        "before": _described(before),
        "after": _described(after),
    }


def _interval(changes: Sequence[float], seed: int, draws: int = 2_000) -> tuple[float, float]:
    """The 95 % interval of a mean, the values drawn anew."""
    if not changes:
        return 0.0, 0.0
    rng = random.Random(seed)
    means = sorted(sum(rng.choices(changes, k=len(changes))) / len(changes) for _ in range(draws))
    return means[int(0.025 * draws)], means[int(0.975 * draws) - 1]


def _share(part: int, whole: int, without: float = 0.0) -> float:
    return part / whole if whole else without


_ROWS = (
    ("said something", "said", "tasks"),
    ("parse of said", "parsed", "said"),
    ("wrong of said (noise)", "wrong", "said"),
    ("exact of wanted", "exact", "wanted"),
    ("silent where nothing is to do", "silent_of_none", "none"),
)


def format_report(report: Mapping[str, Any]) -> str:
    """The comparison as Markdown, shares with their 95 % intervals."""
    change, low, high = report["change"]
    lines = [
        "# Reinforcement learning, before and after",
        "",
        f"{report['steps']} steps, {report['seconds'] / 60:.0f} min; "
        f"{report['before']['all']['tasks']} held-out tasks, greedy, without thresholds.",
        f"Mean reward {report['before']['reward']:+.3f} before, {report['after']['reward']:+.3f} "
        f"after: {change:+.3f} ({low:+.3f} to {high:+.3f}).",
    ]
    for kind, title in (("all", "All tasks"), ("next_edit", "Next edits"), ("inline", "Typing")):
        if kind not in report["before"]:
            continue
        lines += ["", f"## {title}", "", "| | before | after |", "|---|---|---|"]
        for name, part, whole in _ROWS:
            cells = [_cell(report[when][kind], part, whole) for when in ("before", "after")]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", conclusion(report)]
    return "\n".join(lines)


def _cell(counts: Mapping[str, int], part: str, whole: str) -> str:
    if not counts[whole]:
        return "none"
    low, high = wilson(counts[part], counts[whole])
    share = counts[part] / counts[whole]
    return f"{share:.3f} ({low:.3f} to {high:.3f}), {counts[part]} of {counts[whole]}"


def conclusion(report: Mapping[str, Any]) -> str:
    """What to ship, in a sentence."""
    if report["helps"]:
        return (
            "It helps: ship final.pt, with thresholds chosen anew by `train evaluate` (the model's "
            "probabilities have changed)."
        )
    return f"It does not help ({'; '.join(report['why_not'])}): ship what it began with, start.pt."
