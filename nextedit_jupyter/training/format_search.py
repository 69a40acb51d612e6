"""Finds the prompt format that a model learns best: a genetic search over `prompt.variants`.

Each trial trains the same weights on the same tasks, written in its format, for the same number of
tokens, and is judged on tasks of held-out packages, by the probability of the right answers. A
format that expresses an edit in fewer tokens reads more edits for its budget, as in a real run. The
population begins with the named variants; parents are the best so far, and children take each field
from one of two parents, with occasional mutations.

Seeded and resumable: trials are appended to `trials.jsonl` and not run again.
"""

from __future__ import annotations

import copy
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.evals.measures import wilson
from nextedit_jupyter.prompt.answers import ANSWER_KINDS
from nextedit_jupyter.prompt.tokenizer import TextTokenizer
from nextedit_jupyter.prompt.variants import HISTORIES, VARIANTS, WINDOWS, Layout, Variant
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.network import DecoderModule
from nextedit_jupyter.training.optim import make_optimizers
from nextedit_jupyter.training.product_tasks import (
    PromptTask,
    Rendered,
    edit_tasks,
    line_tasks,
    render,
)

CAP = 25.0  # nats: the maximum loss of an answer, also for one that the format cannot express


@dataclass(frozen=True, slots=True)
class TrialBudget:
    """The budget of a trial. `tokens` are read in training, including prompts."""

    tokens: int = 48_000
    batch_tokens: int = 3_072
    length: int = 384
    tasks: int = 80  # edits judged
    lines: int = 30
    matrix_lr: float = 0.01
    other_lr: float = 1e-3
    line_share: float = 0.2  # of training tasks


@dataclass(frozen=True, slots=True)
class FormatTrial:
    """A trial's results. `nats`: the mean loss of right answers, each at most `CAP`; `ms`: per
    answer."""

    label: str
    layout: Layout
    generation: int
    tasks: int
    exact: int  # edits whose every token was the most probable, none of them `none`
    wanted: int
    silent: int  # cases with nothing to do that were answered correctly
    none: int
    nats: float
    line_exact: int
    lines: int
    line_nats: float
    unwritable: int
    prompt_tokens: float
    answer_tokens: float
    ms: float
    seconds: float

    @property
    def score(self) -> float:
        """Higher is better: the log-probability of a right edit, plus half of a right line's."""
        return -(self.nats + 0.5 * self.line_nats)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> FormatTrial:
        value = json.loads(line)
        return cls(**{**value, "layout": Layout(**value["layout"])})


def search(
    model: DecoderModule,
    tokenizer: TextTokenizer,
    train: Sequence[Document],
    validation: Sequence[Document],
    folder: Path,
    *,
    trials: int = 20,
    children: int = 4,
    parents: int = 4,
    seed: int = 0,
    budget: TrialBudget | None = None,
    names: Sequence[str] = tuple(VARIANTS),
    clock: Callable[[int, int], float] = lambda prompt, answer: 0.0,
    progress: Callable[[str], None] = print,
) -> list[FormatTrial]:
    """All trials, best first; `clock` returns the milliseconds of an answer after a prompt.

    `model` is not changed. Raises TrainingError if `folder` has a search with another seed or
    budget.
    """
    budget = budget or TrialBudget()
    folder.mkdir(parents=True, exist_ok=True)
    held = _held(folder, {"seed": seed, "budget": asdict(budget)})
    judged = _judged(validation, budget, seed)
    done: list[FormatTrial] = []
    generation = 0
    wanted = [VARIANTS[name] for name in names]
    named = {layout.label: name for name, layout in VARIANTS.items()}
    while wanted:
        for layout in wanted[: max(0, trials - len(done))]:
            trial = held.get(layout.label)
            if trial is None:
                trial = run_trial(
                    model, layout, tokenizer, train, judged, budget, seed=seed,
                    generation=generation, clock=clock,
                )  # fmt: skip
                with (folder / "trials.jsonl").open("a", encoding="utf-8") as file:
                    file.write(trial.to_json() + "\n")
            done.append(trial)
            progress(
                f"{len(done)}/{trials} {named.get(trial.label, trial.label)}: "
                f"{trial.exact}/{trial.wanted} exact, {trial.nats:.2f} nats an edit, "
                f"{trial.line_nats:.2f} a line, {trial.prompt_tokens:.0f}+{trial.answer_tokens:.0f}"
                f" tokens, {trial.ms:.0f} ms, {trial.seconds:.0f} s"
            )
        generation += 1
        best = sorted(done, key=lambda trial: trial.score, reverse=True)[:parents]
        rng = random.Random(f"{seed}-{generation}")
        wanted = offspring(
            [trial.layout for trial in best], {trial.label for trial in done}, rng, count=children
        )
        if len(done) >= trials:
            break
    done.sort(key=lambda trial: trial.score, reverse=True)
    (folder / "report.md").write_text(format_table(done), encoding="utf-8")
    return done


def offspring(
    parents: Sequence[Layout], known: set[str], rng: random.Random, *, count: int
) -> list[Layout]:
    """New layouts: each field from one of two parents, one in five fields mutated; none is known
    yet."""
    genes: dict[str, Sequence[Any]] = {
        "answer": ANSWER_KINDS,
        "numbers": (False, True),
        "language": (False, True),
        "summary": (False, True),
        "prefix_first": (False, True),
        "window": WINDOWS,
        "events": HISTORIES,
    }
    found: list[Layout] = []
    labels = set(known)
    for _ in range(200):
        if len(found) == count:
            break
        one, other = rng.choice(parents), rng.choice(parents)
        fields = {gene: getattr(rng.choice((one, other)), gene) for gene in genes}
        for gene, values in genes.items():
            if rng.random() < 0.2:
                fields[gene] = rng.choice(values)
        child = Layout(**fields)
        if child.answer == "rows" and not child.numbers:  # rows could not be counted
            child = replace(child, numbers=True)
        if child.label not in labels:
            labels.add(child.label)
            found.append(child)
    return found


def run_trial(
    model: DecoderModule,
    layout: Layout,
    tokenizer: TextTokenizer,
    train: Sequence[Document],
    judged: Sequence[PromptTask],
    budget: TrialBudget,
    *,
    seed: int,
    generation: int = 0,
    clock: Callable[[int, int], float] = lambda prompt, answer: 0.0,
) -> FormatTrial:
    """Train a copy of the model in one format and judge it."""
    started = time.monotonic()
    fmt = Variant(name=layout.label, layout=layout)
    learner = copy.deepcopy(model)
    torch.manual_seed(seed)
    batches = list(_batches(train, fmt, tokenizer, budget, random.Random(seed)))
    optimizers = make_optimizers(learner, matrix_lr=budget.matrix_lr, other_lr=budget.other_lr)
    for step, batch in enumerate(batches):
        factor = min(1.0, (step + 1) / 5) * (1.0 - step / len(batches))
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
        loss = torch.cat(answer_losses(learner, batch)).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        learner.zero_grad(set_to_none=True)
    return _judge(learner, layout, fmt, tokenizer, judged, budget, generation, clock, started)


@torch.no_grad()
def _judge(
    model: DecoderModule,
    layout: Layout,
    fmt: Variant,
    tokenizer: TextTokenizer,
    judged: Sequence[PromptTask],
    budget: TrialBudget,
    generation: int,
    clock: Callable[[int, int], float],
    started: float,
) -> FormatTrial:
    rendered = [render(task, fmt, tokenizer, length=budget.length) for task in judged]
    order = sorted(
        (i for i, made in enumerate(rendered) if made is not None),
        key=lambda i: len(rendered[i].prompt),  # type: ignore[union-attr]
    )
    nats = [CAP] * len(judged)
    exact = [False] * len(judged)
    for start in range(0, len(order), 8):
        chunk = order[start : start + 8]
        batch = [made for i in chunk if (made := rendered[i]) is not None]
        for i, losses, right in zip(chunk, *_answers(model, batch), strict=True):
            nats[i] = min(CAP, float(losses.sum()))
            exact[i] = right
    edits = [i for i, task in enumerate(judged) if task.kind == "edit"]
    lines = [i for i, task in enumerate(judged) if task.kind == "line"]
    none = [i for i in edits if judged[i].change == "none"]
    wanted = [i for i in edits if judged[i].change != "none"]
    written = [made for i in wanted if (made := rendered[i]) is not None]
    prompt = sum(len(made.prompt) for made in written) / max(1, len(written))
    answer = sum(len(made.answer) for made in written) / max(1, len(written))
    return FormatTrial(
        label=layout.label,
        layout=layout,
        generation=generation,
        tasks=len(edits),
        exact=sum(exact[i] for i in wanted),
        wanted=len(wanted),
        silent=sum(exact[i] for i in none),
        none=len(none),
        nats=round(sum(nats[i] for i in edits) / max(1, len(edits)), 4),
        line_exact=sum(exact[i] for i in lines),
        lines=len(lines),
        line_nats=round(sum(nats[i] for i in lines) / max(1, len(lines)), 4),
        unwritable=len(wanted) - len(written),
        prompt_tokens=round(prompt, 1),
        answer_tokens=round(answer, 1),
        ms=round(clock(round(prompt), round(answer)), 1),
        seconds=round(time.monotonic() - started, 1),
    )


def answer_losses(model: DecoderModule, batch: Sequence[Rendered]) -> list[Tensor]:
    """Nats of each token of each answer, float32 [answer length] per task."""
    return [losses for losses, _ in _each(model, batch)]


def _answers(model: DecoderModule, batch: Sequence[Rendered]) -> tuple[list[Tensor], list[bool]]:
    """The same, and whether greedy decoding would write each answer."""
    found = list(_each(model, batch))
    return [losses for losses, _ in found], [right for _, right in found]


def _each(model: DecoderModule, batch: Sequence[Rendered]) -> Iterator[tuple[Tensor, bool]]:
    rows = [[*made.prompt, *made.answer] for made in batch]
    longest = max(map(len, rows)) - 1
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    for row, text in enumerate(rows):
        ids[row, : len(text) - 1] = torch.tensor(text[:-1])
    hidden = model.hidden(ids)
    places = [
        (row, at)
        for row, made in enumerate(batch)
        for at in range(len(made.prompt) - 1, len(rows[row]) - 1)
    ]
    index = torch.tensor(places)
    # The head only at the answers: for a vocabulary of 8,192 it is a fifth of the work.
    logits = F.linear(hidden[index[:, 0], index[:, 1]], model.embedding.weight).float()
    targets = torch.tensor([id for made in batch for id in made.answer])
    losses = F.cross_entropy(logits, targets, reduction="none")
    same = logits.argmax(-1) == targets
    at = 0
    for made in batch:
        end = at + len(made.answer)
        yield losses[at:end], bool(same[at:end].all())
        at = end


def _batches(
    documents: Sequence[Document],
    fmt: Variant,
    tokenizer: TextTokenizer,
    budget: TrialBudget,
    rng: random.Random,
) -> Iterator[list[Rendered]]:
    """Tasks in the format, up to the budget of tokens, batched by similar length."""
    edits, lines = edit_tasks(documents, rng), line_tasks(documents, rng)
    made: list[Rendered] = []
    left = budget.tokens
    while left > 0:
        task = next(lines if rng.random() < budget.line_share else edits, None)
        if task is None:
            raise TrainingError("the corpus has no cells in which an edit could be half done")
        one = render(task, fmt, tokenizer, length=budget.length)
        if one is not None:
            made.append(one)
            left -= len(one.prompt) + len(one.answer)
    batches: list[list[Rendered]] = []
    for start in range(0, len(made), 64):
        chunk = sorted(made[start : start + 64], key=lambda one: len(one.prompt))
        batch: list[Rendered] = []
        for one in chunk:
            longest = max(len(one.prompt) + len(one.answer), *(len(o.prompt) for o in batch), 1)
            if batch and longest * (len(batch) + 1) > budget.batch_tokens:
                batches.append(batch)
                batch = []
            batch.append(one)
        batches.append(batch)
    rng.shuffle(batches)
    yield from batches


def _judged(documents: Sequence[Document], budget: TrialBudget, seed: int) -> list[PromptTask]:
    rng = random.Random(seed + 1)
    tasks = [*islice(edit_tasks(documents, rng), budget.tasks)]
    tasks += islice(line_tasks(documents, rng), budget.lines)
    if len(tasks) < budget.tasks + budget.lines:
        raise TrainingError("no held-out notebooks: name some packages as validation")
    return tasks


def _held(folder: Path, settings: dict[str, Any]) -> dict[str, FormatTrial]:
    """The trials that a search with the same settings has already done."""
    path = folder / "settings.json"
    text = json.dumps(settings, sort_keys=True)
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise TrainingError(
            f"{folder} holds a search with another seed or budget: take another folder"
        )
    path.write_text(text, encoding="utf-8")
    trials = folder / "trials.jsonl"
    lines = trials.read_text(encoding="utf-8").splitlines() if trials.exists() else []
    held = {}
    for line in lines:
        try:
            trial = FormatTrial.from_json(line)
        except (ValueError, TypeError, KeyError):
            continue  # the search was interrupted while writing this
        held[trial.label] = trial
    return held


def format_table(trials: Sequence[FormatTrial]) -> str:
    """The trials as a Markdown table, best first."""
    named = {layout.label: name for name, layout in VARIANTS.items()}
    lines = [
        "| format | exact (95 %) | silent where nothing is to do | nats an edit | nats a line "
        "| tokens read + written | ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for trial in trials:
        low, high = wilson(trial.exact, trial.wanted)
        name = named.get(trial.label)
        lines.append(
            f"| {f'`{name}`, ' if name else ''}{trial.label} | {trial.exact} of {trial.wanted} "
            f"({low:.2f} to {high:.2f}) | {trial.silent} of {trial.none} | {trial.nats:.2f} | "
            f"{trial.line_nats:.2f} | {trial.prompt_tokens:.0f} + {trial.answer_tokens:.0f} | "
            f"{trial.ms:.0f} |"
        )
    return "\n".join(lines) + "\n"


class Clock:
    """Milliseconds that a bundle's INT8 graph takes for a prompt and the tokens after it.

    The time depends only on the token counts, so one bundle is used for all formats.
    """

    def __init__(self, bundle: Path, *, threads: int = 2, repeats: int = 5) -> None:
        from nextedit_jupyter.training.export import GraphRunner
        from nextedit_jupyter.training.from_bundle import bundle_weights

        shape, _ = bundle_weights(bundle)
        self._runner = GraphRunner(bundle / "model.onnx", shape, threads=threads)
        self._repeats = repeats
        self._vocab = shape.vocab_size

    def __call__(self, prompt: int, answer: int) -> float:
        if prompt < 1 or answer < 1:
            return 0.0
        ids = np.random.default_rng(0).integers(32, self._vocab, prompt + answer).tolist()
        best = math.inf
        for _ in range(self._repeats):
            started = time.perf_counter()
            self._runner.logits(ids[:prompt], start=prompt - 1)
            for at in range(prompt, prompt + answer - 1):
                self._runner.logits(ids[at : at + 1], position=at)
            best = min(best, time.perf_counter() - started)
        return best * 1000
