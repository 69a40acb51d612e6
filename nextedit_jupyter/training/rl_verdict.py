"""Decides whether reinforcement learning helped: the same held-out questions before and after."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.evals.measures import wilson
from nextedit_jupyter.training.lora import mixed_precision
from nextedit_jupyter.training.network import DecoderModule
from nextedit_jupyter.training.reward import Verdict
from nextedit_jupyter.training.rl_questions import Question, likeliest
from nextedit_jupyter.training.rl_settings import RlSettings


@dataclass(frozen=True, slots=True)
class Measurement:
    """A model's verdicts on some questions, in order."""

    questions: Sequence[Question]
    verdicts: Sequence[Verdict]

    def counts(self, kind: Kind | None = None) -> dict[str, int]:
        """The number of questions of a kind, or of all, and of each outcome."""
        pairs = [
            (question, verdict)
            for question, verdict in zip(self.questions, self.verdicts, strict=True)
            if kind in (None, question.kind)
        ]
        answered = [(question, verdict) for question, verdict in pairs if not verdict.silent]
        return {
            "tasks": len(pairs),
            "wanted": sum(question.wanted for question, _ in pairs),
            "none": sum(not question.wanted for question, _ in pairs),
            "said": len(answered),
            "parsed": sum(verdict.parsed for _, verdict in answered),
            "exact": sum(question.wanted and verdict.exact for question, verdict in answered),
            "wrong": sum(verdict.wrong for _, verdict in answered),
            "silent_of_none": sum(q.wanted is False and v.silent for q, v in pairs),
        }

    @property
    def rewards(self) -> list[float]:
        return [verdict.reward for verdict in self.verdicts]


def ask(model: DecoderModule, questions: Sequence[Question], settings: RlSettings) -> Measurement:
    """The most likely answer to each question, judged, without thresholds, gates and filter."""
    verdicts: list[Verdict] = []
    for at in range(0, len(questions), 16):
        some = questions[at : at + 16]
        with mixed_precision(model):
            answers = likeliest(model, some, settings)
        verdicts += [
            question.judge(answer.ids) for question, answer in zip(some, answers, strict=True)
        ]
    return Measurement(questions, verdicts)


def measure(
    model: DecoderModule, tasks: Sequence[Question], settings: RlSettings
) -> dict[str, Any]:
    """Counts over all tasks and by kind, and the mean reward, for greedy answers."""
    return _described(ask(model, tasks, settings))


def _described(measured: Measurement) -> dict[str, Any]:
    kinds = sorted({question.kind for question in measured.questions})
    return {
        "reward": round(sum(measured.rewards) / max(1, len(measured.rewards)), 4),
        "all": measured.counts(),
        **{kind: measured.counts(kind) for kind in kinds},
    }


def compare(before: Measurement, after: Measurement, *, seed: int = 0) -> dict[str, Any]:
    """Before and after on the same tasks, whether it helped, and why not.

    It helped if all of these hold: the mean reward rose, with 95 % of the resampled means of the
    tasks' changes above 0; no fewer exact answers; no larger share of the answers is wrong; no
    smaller share of them parses.
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
    """The 95 % bootstrap interval of a mean."""
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
            "It helps: ship final.pt, with thresholds chosen again by `train evaluate` (the "
            "model's probabilities have changed)."
        )
    return f"It does not help ({'; '.join(report['why_not'])}): ship what it began with, start.pt."
