"""The steps of reinforcement learning after supervised training. `rl_questions` provides questions,
`rl_verdict` decides whether it helped.

Answers to a prompt are sampled in groups and compared with their group's mean (GRPO: Shao et al.,
"DeepSeekMath", 2024); a frozen copy of the initial model regularises it (KL by the k3 estimator of
Schulman, 2020). Advantages are not divided by the group's deviation, and losses not by an answer's
length (Dr. GRPO: Liu et al., "Understanding R1-Zero-like training", 2025): most groups here differ
only by the cost of a token, and division would make that count as much as right versus wrong.

Silence is not a loophole: if the initial model would show something right, silence costs as much as
that is worth.

A run's folder has the layout of `sft`: `latest.pt`, `final.pt`, `log.jsonl`; and `start.pt`, the
initial state, which is the reference when the run is resumed, and what to ship if nothing was
gained.
"""

from __future__ import annotations

import copy
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.cpu import use_threads
from nextedit_jupyter.training.lora import mixed_precision
from nextedit_jupyter.training.network import DecoderModule, Shape
from nextedit_jupyter.training.reward import Verdict
from nextedit_jupyter.training.rl_questions import Question, Questions, likeliest
from nextedit_jupyter.training.rl_settings import RlSettings
from nextedit_jupyter.training.run_folder import Run, read_checkpoint
from nextedit_jupyter.training.sampling import Sample, answer_logprobs, sample
from nextedit_jupyter.training.schedule import RunBudget, ScheduleState


@dataclass(frozen=True, slots=True)
class Group:
    """Answers to one question and their verdicts."""

    question: Question
    samples: Sequence[Sample]
    verdicts: Sequence[Verdict]

    @property
    def advantages(self) -> list[float]:
        """Each answer's reward minus the group's mean."""
        rewards = [verdict.reward for verdict in self.verdicts]
        mean = sum(rewards) / len(rewards)
        return [value - mean for value in rewards]


def draw_groups(
    model: DecoderModule,
    questions: Sequence[Question],
    settings: RlSettings,
    generator: torch.Generator,
    reference: DecoderModule | None = None,
) -> list[Group]:
    """`settings.samples` answers to each question, judged; silence is compared with what
    `reference` shows."""
    kept = standing(reference, questions, settings) if reference else [0.0] * len(questions)
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
        Group(question, samples, [_beside(question.judge(found.ids), lost) for found in samples])
        for question, samples, lost in zip(questions, drawn, kept, strict=True)
    ]


def standing(
    reference: DecoderModule, questions: Sequence[Question], settings: RlSettings
) -> list[float]:
    """The reward of the reference's most likely answer to each question; 0 if none would be
    shown."""
    return [
        max(0.0, question.judge(found.ids).reward)
        if math.exp(sum(found.logprobs)) >= settings.shown
        else 0.0
        for question, found in zip(
            questions, likeliest(reference, questions, settings), strict=True
        )
    ]


def _beside(verdict: Verdict, lost: float) -> Verdict:
    """A verdict in which silence loses the reward of what was shown before."""
    return replace(verdict, reward=verdict.reward - lost) if verdict.silent else verdict


def group_loss(
    now: Sequence[Tensor],
    drawn: Sequence[Tensor],
    reference: Sequence[Tensor],
    advantages: Sequence[float],
    settings: RlSettings,
) -> tuple[Tensor, Tensor]:
    """The loss of one group, summed over its answers, and its KL, summed over tokens.

    The log-probabilities of each answer, float32 [length]: of the present model, of the model when
    the answer was sampled, and of the reference. The loss is a sum over tokens divided by
    `max_new`, the same for short answers and long ones.
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
    """A model, its optimizers, and the frozen reference model."""

    def __init__(self, run: Run, reference: DecoderModule, settings: RlSettings) -> None:
        self.run = run
        self.settings = settings
        self.reference = reference.eval().requires_grad_(False)
        self.device = run.model.embedding.weight.device

    def step(self, questions: Questions) -> dict[str, Any]:
        """One sampling and its updates; returns the log entry. Depends only on the step's
        number."""
        settings, state = self.settings, self.run.state
        began = time.perf_counter()
        label = f"{settings.seed}-{state.step}"
        generator = torch.Generator(self.device)
        generator.manual_seed(random.Random(label).getrandbits(62))
        asked = questions.draw(f"rl-{label}", settings.prompts)
        with mixed_precision(self.run.model):
            groups = draw_groups(self.run.model, asked, settings, generator, self.reference)
        drawn_s = time.perf_counter() - began
        kl = 0.0
        for update in range(settings.updates):
            found = self._update(groups)
            kl = found if update == 0 else kl
        state.step += 1
        verdicts = [verdict for group in groups for verdict in group.verdicts]
        tokens = sum(len(found.ids) for group in groups for found in group.samples)
        state.tokens += tokens
        answered = [verdict for verdict in verdicts if not verdict.silent]
        seconds = time.perf_counter() - began
        state.seconds += seconds
        return {
            "step": state.step,
            "reward": round(sum(v.reward for v in verdicts) / len(verdicts), 5),
            "kl": round(kl, 6),
            "silent": round(1 - len(answered) / len(verdicts), 4),
            "parsed": round(sum(v.parsed for v in answered) / max(1, len(answered)), 4),
            "exact": round(sum(v.exact for v in verdicts) / len(verdicts), 4),
            "uneven": round(sum(any(g.advantages) for g in groups) / len(groups), 4),
            "tokens": tokens,
            "draw_s": round(drawn_s, 3),
            "s": round(seconds, 3),
        }

    def _update(self, groups: Sequence[Group]) -> float:
        """One update of the weights; returns the mean KL per token before it."""
        settings, run = self.settings, self.run
        model, optimizer = run.model, run.optimizers[0]
        count = sum(len(group.samples) for group in groups)
        kl_sum, tokens, total = 0.0, 0, 0.0
        for group in groups:
            answers = [found.ids for found in group.samples]
            prompt, temperature = group.question.ids, settings.temperature
            with mixed_precision(model):
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
    reference: DecoderModule,
    questions: Questions,
    settings: RlSettings,
    budget: RunBudget,
    *,
    now: Callable[[], float] = time.time,
    progress: Callable[[str], None] = print,
) -> ScheduleState:
    """Train until the budget is spent; the final state is saved as `final.pt`.

    An interrupted and resumed run ends with the same weights as an uninterrupted one.
    """
    use_threads(settings.threads)
    trainer = Trainer(run, reference, settings)
    saved = now()
    recent: list[dict[str, Any]] = []
    while not budget.spent(run.state.step, now()):
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


def _line(entries: Sequence[Mapping[str, Any]], budget: RunBudget, time_now: float) -> str:
    def mean(key: str) -> float:
        return float(sum(entry[key] for entry in entries)) / len(entries)

    return (
        f"step {entries[-1]['step']} reward {mean('reward'):+.3f} kl {mean('kl'):.4f} "
        f"silent {mean('silent'):.2f} parsed {mean('parsed'):.2f} exact {mean('exact'):.2f} "
        f"{mean('s'):.1f} s a step{budget.left(time_now)}"
    )


def open_run(
    folder: Path,
    model: DecoderModule | None,
    settings: RlSettings,
    *,
    resume: Path | None = None,
    device: str = "cpu",
) -> tuple[Run, DecoderModule]:
    """A run in `folder` and its reference: new with a model, or resumed.

    The trainable part of `model` (all of it, or its adapters) is stored as `start.pt`, which is the
    reference of a run resumed from the checkpoint `resume`; `model` may then be None for a plain
    decoder. Raises TrainingError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if resume is not None:
        held = read_checkpoint(folder / "start.pt")
        model = model or DecoderModule(Shape(**held["shape"]))
        Run(folder, model, []).load_weights(held, folder / "start.pt")
    elif model is None:
        raise TrainingError("a run begins with a bundle or a checkpoint, or resumes one")
    elif not Run(folder, model, []).save("start.pt"):
        raise TrainingError(f"{folder} has no room for a checkpoint: free some disk space")
    reference = copy.deepcopy(model).to(device)
    model = model.to(device)
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        learnt, lr=settings.lr, betas=(0.9, 0.95), eps=1e-9, weight_decay=0.0
    )
    run = Run(folder, model, [optimizer])
    if resume is not None:
        run.load(resume)
    return run, reference
