"""A bundle of one's own: the base bundle fine-tuned on a user's own code, on their processor.

Low-rank adapters are trained for as long as there is time and merged. A fifth of the user's files
and edits is held out; the bundle is promoted only if it finds what stands there more likely than
the base does, and finishes no fewer edits. Nothing leaves the machine.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from nextedit_jupyter.bundles.manifest import digests, write_manifest
from nextedit_jupyter.core import EditEvent
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.core.history_store import HistoryStore
from nextedit_jupyter.engine import Engine
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.control import PAD
from nextedit_jupyter.prompt.format import EditFormat
from nextedit_jupyter.training.cases import answer_nats, made_up_edits
from nextedit_jupyter.training.commits.git import Repository
from nextedit_jupyter.training.commits.mine import mine_commits, repository_jobs
from nextedit_jupyter.training.commits.real_edit import RealEdit, Source, read_edits
from nextedit_jupyter.training.commits.steps import Step, hunks, targets
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.corpus.extract import Skipped, extract_file, walk_folder
from nextedit_jupyter.training.corpus.quality import NearDuplicates, clean, without_duplicates
from nextedit_jupyter.training.cpu import use_threads
from nextedit_jupyter.training.examples import Mix, real_edit, session_document
from nextedit_jupyter.training.export import int8_graph, replace_folder
from nextedit_jupyter.training.from_bundle import bundle_weights
from nextedit_jupyter.training.lora import adapt, adapters, merge
from nextedit_jupyter.training.memorisation import Memorisation, check_memorisation
from nextedit_jupyter.training.mixture import training_format
from nextedit_jupyter.training.model import Decoder, Shape
from nextedit_jupyter.training.packing import NO_LOSS, pack, split_targets

MAX_CHARS = 20_000_000
MIN_FILES = 3  # one to hold out, one to choose by, one to learn from
MIN_CASES = 10  # held-out edits below which nothing can be said
HELD_OUT, CHOICE = 0.2, 0.1
MIN_GAIN = 0.002


@dataclass(frozen=True, slots=True)
class Own:
    """A user's code: documents and real edits, each with the file it belongs to as its key."""

    documents: tuple[tuple[str, Document], ...] = ()
    edits: tuple[tuple[str, RealEdit], ...] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """What is learnt from, chosen by, and held out."""

    train: Own
    choice: Own
    held_out: Own


@dataclass(frozen=True, slots=True)
class Plan:
    """How to fine-tune. The budget is `minutes` in all, or `steps` of training."""

    minutes: float | None = 10.0
    steps: int | None = None
    rank: int = 8
    lr: float = 2e-3
    batch: int = 4
    length: int = 512  # tokens
    looks: int = 5  # at the part that is chosen by
    cases: int = 80  # edits held out, real ones first
    threads: int = 2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Scores:
    """On held-out data: nats of each answer, edits finished exactly, nats a token of code."""

    edits: tuple[float, ...]
    exact: int
    loss: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `low` and `high` are the 95 % interval of the mean change of an edit's
    nats, which is negative where the new bundle is better."""

    promoted: bool
    why: str
    base: Scores
    mine: Scores
    low: float
    high: float
    steps: int
    memorisation: Memorisation | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        return {
            "held_out_edits": len(self.base.edits),
            "nats_an_edit": [_mean(self.base.edits), _mean(self.mine.edits)],
            "change_95": [round(self.low, 3), round(self.high, 3)],
            "exact": [self.base.exact, self.mine.exact],
            "loss": [round(self.base.loss, 4), round(self.mine.loss, 4)],
            "steps": self.steps,
            "promoted": self.promoted,
            "memorisation": self.memorisation.to_json() if self.memorisation else None,
            **self.counts,
        }


# What there is.


def gather(
    folders: Sequence[Path],
    *,
    history: HistoryStore | None = None,
    commits: int = 2_000,
    seed: int = 0,
) -> Own:
    """A user's notebooks, modules, commits and, where they asked for it, kept edits.

    Raises TrainingError for a folder that isn't there.
    """
    skipped, near = Skipped(), NearDuplicates()
    documents: list[tuple[str, Document]] = []
    edits: list[tuple[str, RealEdit]] = []
    left = MAX_CHARS
    for folder in folders:
        if not folder.is_dir():
            raise TrainingError(f"{folder} is no folder: give folders with notebooks or modules")
        root = folder.resolve()
        for name, data in walk_folder(root, skipped):
            if left < 0:
                break
            if "site-packages/" in name:
                continue
            found = [
                kept
                for document in extract_file(root.name, name, data, skipped)
                if (kept := clean(document, skipped)) is not None
            ]
            for document in without_duplicates(found, near, skipped):
                documents.append((f"{root}/{name}", document))
                left -= document.chars
        if (root / ".git").exists():
            mined = _commits(root, commits, seed)
            edits += [(f"{root}/{edit.source.path}", edit) for edit in mined]
    if history is not None:
        edits += [("", edit) for edit in kept_edits(history, seed)]
    return Own(tuple(documents), tuple(edits))


def _commits(root: Path, most: int, seed: int) -> list[RealEdit]:
    """The edits of a checkout's own commits; its licence is its user's business."""
    try:
        Repository(root)
    except TrainingError:
        return []  # a worktree's or a damaged one: there are the files
    with tempfile.TemporaryDirectory() as parts:
        jobs = repository_jobs([root], Path(parts), most=most, seed=seed, any_licence=True)
        return [edit for job in jobs for edit in read_edits(mine_commits(job).path)]


def kept_edits(history: HistoryStore, seed: int = 0) -> list[RealEdit]:
    """The edits of the store that the user opted into, as targets, oldest first."""
    ids: list[str] = []
    state: dict[str, str] = {}
    events: list[EditEvent] = []
    found: list[RealEdit] = []
    for number, kept in enumerate(history.edits()):
        event = kept.event
        if event.cell not in ids:
            ids.append(event.cell)
        state[event.cell] = event.before
        steps, text = [], event.before
        for following in hunks(event.before, event.after):
            steps.append(Step(event.cell, text, following))
            text = following
        rng = random.Random(f"{seed} {number}")
        near = ids[max(0, ids.index(event.cell) - 10) :][:20]
        texts = {id: state[id] for id in near}
        source = Source("history", "kept", event.cell, "", kept.language)
        made = targets(near, texts, steps, events[-5:], kept.language, rng, Skipped())
        found += [RealEdit(one.request, one.after, one.change, source) for one in made]
        state[event.cell] = event.after
        events = [*events[-9:], event]
    return found


def split(own: Own, seed: int = 0) -> Split:
    """Hold out whole files, and of the kept edits the newest; raises TrainingError on too little.

    What is learnt from holds no cell that an edit held out shows before or after.
    """
    files = sorted({key for key, _ in (*own.documents, *own.edits) if key})
    files.sort(key=lambda key: hashlib.sha256(f"{seed} {key}".encode()).digest())
    kept = [edit for key, edit in own.edits if not key]
    if len(files) < MIN_FILES and not kept:
        raise TrainingError(
            f"{len(files)} files with Python code are too few to learn from and to hold some out: "
            f"give folders with at least {MIN_FILES} notebooks or modules"
        )
    held = set(files[: math.ceil(HELD_OUT * len(files))])
    chosen = set(files[len(held) : len(held) + math.ceil(CHOICE * len(files))])
    parts: dict[str, list[list[tuple[str, Any]]]] = {}
    for name, those in (("documents", own.documents), ("edits", own.edits)):
        groups: list[list[tuple[str, Any]]] = [[], [], []]
        for key, item in those:
            if key:
                groups[2 if key in held else 1 if key in chosen else 0].append((key, item))
        parts[name] = groups
    first = math.ceil(len(kept) * (1 - HELD_OUT - CHOICE))
    second = math.ceil(len(kept) * (1 - HELD_OUT))
    for group, some in zip(parts["edits"], (kept[:first], kept[first:second], kept[second:])):
        group += [("", edit) for edit in some]
    secret = {
        text.strip()
        for _, edit in (*parts["edits"][1], *parts["edits"][2])
        for text in (edit.request.cell.source, edit.after)
    }
    parts["documents"][0] = [
        (key, replace(document, cells=cells))
        for key, document in parts["documents"][0]
        if (cells := tuple(cell for cell in document.cells if cell.strip() not in secret))
    ]
    owns = [
        Own(tuple(documents), tuple(edits))
        for documents, edits in zip(parts["documents"], parts["edits"], strict=True)
    ]
    return Split(*owns)


# Training.


def fine_tune(
    folder: Path,
    parts: Split,
    plan: Plan,
    *,
    end: float | None = None,
    now: Callable[[], float] = time.time,
    progress: Callable[[str], None] = print,
) -> tuple[Decoder, int]:
    """The base bundle in `folder`, adapted and merged, and the number of steps of the best look.

    `end` is in seconds as `now` counts them; None with a plan in steps.
    """
    use_threads(plan.threads)
    shape, weights = bundle_weights(folder)
    tokenizer = BundleTokenizer(folder / "tokenizer.json")
    fmt = format_of(folder)
    model = Decoder(shape)
    model.load_state_dict(weights)
    learnt = adapt(model, rank=plan.rank, seed=plan.seed)
    optimizer = torch.optim.AdamW(learnt, lr=plan.lr, betas=(0.9, 0.98), weight_decay=0.0)
    choice = _choice(parts.choice, tokenizer, plan)

    def look() -> float:
        model.eval()
        nats = [n for n in answer_nats(model, choice[0], tokenizer, fmt) if n is not None]
        return _mean(nats) / 10 + document_loss(model, choice[1])

    began = now()
    best, best_step, best_state = look(), 0, _state(model)
    progress(f"before: {best:.4f}")
    looked, step, epoch = 0, 0, 0
    rows = _epoch(parts.train, tokenizer, fmt, plan, epoch)
    if not len(rows):
        raise TrainingError("the code gives no training text: give folders with more of it")
    row = 0
    while True:
        if plan.steps is not None:
            share = step / plan.steps
        else:
            assert end is not None
            share = (now() - began) / max(1e-9, end - began)
        if share >= (looked + 1) / plan.looks or share >= 1:
            looked = int(share * plan.looks)
            found = look()
            progress(f"step {step}: {found:.4f}")
            if found < best:
                best, best_step, best_state = found, step, _state(model)
        if share >= 1:
            break
        if row + plan.batch > len(rows):
            epoch, row = epoch + 1, 0
            rows = _epoch(parts.train, tokenizer, fmt, plan, epoch)
        taken = rows[row : row + plan.batch]
        row += plan.batch
        inputs, wanted = (torch.from_numpy(part) for part in split_targets(taken))
        for group in optimizer.param_groups:
            group["lr"] = plan.lr * min(1.0, (step + 1) / 10) * max(0.02, 1.0 - share)
        model.train()
        loss = model.loss(inputs, wanted)
        if torch.isfinite(loss):
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(learnt, 1.0)
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
    for adapter, state in zip(adapters(model), best_state, strict=True):
        adapter.load_state_dict(state, strict=False)
    merge(model)
    return model.eval(), best_step


def _epoch(own: Own, tokenizer: BundleTokenizer, fmt: EditFormat, plan: Plan, epoch: int) -> Any:
    """Another rendering of all that is learnt from, packed; numpy uint16 [rows, length + 1]."""
    rng, mix = random.Random(f"{plan.seed} {epoch}"), Mix()
    size = plan.length + 1
    pieces: list[list[int]] = []
    for _, document in own.documents:
        pieces += session_document(document, tokenizer, rng, mix, length=size)
    edits = [edit for _, edit in own.edits]
    for _, document in own.documents:
        edits += made_up_edits([document], 1 + len(document.cells) // 4, rng)
    for edit in edits:
        rendered = real_edit(edit, tokenizer, length=size, fmt=fmt)
        pieces += [rendered] if rendered else []
    rng.shuffle(pieces)
    rows = pack(pieces, length=plan.length, pad=tokenizer.control(PAD))
    # A batch of the last rows is filled up from the start.
    short = -len(rows) % plan.batch
    order = [*range(len(rows)), *(i % len(rows) for i in range(short))] if len(rows) else []
    return rows[order] if order else rows


def _choice(
    own: Own, tokenizer: BundleTokenizer, plan: Plan
) -> tuple[list[RealEdit], list[list[int]]]:
    return held_out_edits(own, plan.cases // 2, plan.seed), sessions(own, tokenizer, plan)


def held_out_edits(own: Own, count: int, seed: int) -> list[RealEdit]:
    """At most `count` edits: real ones first, then some made up from the documents."""
    rng = random.Random(seed)
    real = [edit for _, edit in own.edits if edit.source.language == "python"]
    chosen = rng.sample(real, min(len(real), count))
    documents = [document for _, document in own.documents]
    return chosen + made_up_edits(documents, count - len(chosen), rng)


def sessions(own: Own, tokenizer: BundleTokenizer, plan: Plan, most: int = 24) -> list[list[int]]:
    """Some stretches of the documents as training renders them."""
    rng = random.Random(plan.seed)
    pieces: list[list[int]] = []
    for _, document in own.documents:
        pieces += session_document(document, tokenizer, rng, Mix(), length=plan.length + 1)
    rng.shuffle(pieces)
    return pieces[:most]


@torch.no_grad()
def document_loss(model: Decoder, pieces: Sequence[Sequence[int]]) -> float:
    """Nats a token over pieces, 0 if there are none."""
    total, count = 0.0, 0
    for piece in pieces:
        ids = torch.tensor([[id & (NO_LOSS - 1) for id in piece]])
        wanted = torch.tensor([[-1 if id & NO_LOSS else id for id in piece]])[:, 1:]
        counted = int((wanted >= 0).sum())
        if counted:
            total += float(model.loss(ids[:, :-1], wanted)) * counted
            count += counted
    return total / max(1, count)


def _state(model: Decoder) -> list[dict[str, torch.Tensor]]:
    return [
        {"first": a.first.detach().clone(), "second": a.second.detach().clone()}
        for a in adapters(model)
    ]


# Judging.


def score(folder: Path, edits: Sequence[RealEdit], pieces: Sequence[Sequence[int]]) -> Scores:
    """A bundle's scores: what its INT8 weights say, and what it writes as it is served."""
    shape, weights = bundle_weights(folder)
    tokenizer = BundleTokenizer(folder / "tokenizer.json")
    model = Decoder(shape)
    model.load_state_dict(weights)
    nats = [n for n in answer_nats(model, edits, tokenizer, format_of(folder)) if n is not None]
    exact = finished_exactly(folder, shape, tokenizer, edits)
    return Scores(tuple(nats), exact, document_loss(model.eval(), pieces))


def finished_exactly(
    folder: Path, shape: Shape, tokenizer: BundleTokenizer, edits: Sequence[RealEdit]
) -> int:
    """How many edits a bundle finishes exactly, or is silent on where nothing is to do."""
    engine = Engine(
        folder / "model.onnx",
        tokenizer,
        layers=shape.layers,
        kv_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        context=shape.context,
    )
    fmt = format_of(folder)
    count = 0
    for edit in edits:
        prompt = fmt.next_edit(edit.request, tokenizer, 600)
        completion = engine.complete(
            prompt, max_new=128, deadline=time.monotonic() + 60, cancelled=lambda: False
        )
        parsed = fmt.parse_next_edit(edit.request, completion.ids, tokenizer)
        now = edit.request.cell.source
        text = parsed[1].apply(now) if parsed and parsed[1].fits(now) else now
        count += text == edit.after
    return count


def judge(base: Scores, mine: Scores, *, seed: int = 0, draws: int = 2_000) -> tuple[
    bool, str, float, float
]:  # fmt: skip
    """Whether the new bundle is better, why or why not, and the interval of the change.

    Better: the answers of held-out edits are likelier by more than `MIN_GAIN` of what they cost,
    with 95 % of the resampled means (rounding anew alone may gain a hundredth of a per cent); no
    fewer edits are finished exactly; and held-out code is no less likely.
    """
    changes = [b - a for a, b in zip(base.edits, mine.edits, strict=True)]
    if len(changes) < MIN_CASES:
        return False, f"{len(changes)} held-out edits are too few to tell", 0.0, 0.0
    rng = random.Random(seed)
    means = sorted(sum(rng.choices(changes, k=len(changes))) / len(changes) for _ in range(draws))
    low, high = means[int(0.025 * draws)], means[int(0.975 * draws) - 1]
    if high >= -MIN_GAIN * _mean(base.edits):
        why = "held-out edits are not surely likelier than to the base"
    elif mine.exact < base.exact:
        why = "fewer held-out edits are finished exactly"
    elif mine.loss > base.loss:
        why = "held-out code is less likely than to the base"
    else:
        return True, "it beats the base on what was held out", low, high
    return False, why, low, high


# The whole.


def personalise(
    base: Path,
    own: Own,
    out: Path,
    plan: Plan,
    *,
    id: str = "nextedit-personal",
    version: str | None = None,
    keep: bool = False,
    now: Callable[[], float] = time.time,
    progress: Callable[[str], None] = print,
) -> Outcome:
    """Fine-tune, judge, and write the bundle `out` if it was promoted or is to be kept anyway.

    Raises TrainingError if the base cannot be trained on or there is too little code.
    """
    began = now()
    manifest = _base_manifest(base)
    parts = split(own, plan.seed)
    tokenizer, fmt = BundleTokenizer(base / "tokenizer.json"), format_of(base)
    edits = held_out_edits(parts.held_out, plan.cases, plan.seed)
    pieces = sessions(parts.held_out, tokenizer, plan)
    # Only what can be rendered is compared; the tokenizer, and so what that is, stays the same.
    edits = [e for e in edits if real_edit(e, tokenizer, length=700, fmt=fmt) is not None]
    if len(edits) < MIN_CASES:
        raise TrainingError(
            f"only {len(edits)} edits can be held out, {MIN_CASES} are needed to tell whether the "
            "bundle is better: give more code"
        )
    counts = {
        "documents": len(parts.train.documents),
        "edits": len(parts.train.edits),
        "held_out_real": sum(edit.source.revision != "made up" for edit in edits),
    }
    progress(
        f"learns from {counts['documents']} documents and {counts['edits']} real edits; "
        f"{len(edits)} edits are held out, {counts['held_out_real']} of them real"
    )
    before = score(base, edits, pieces)
    judged_s = now() - began
    end = None if plan.minutes is None else began + 60 * plan.minutes - 2 * judged_s - 5
    model, steps = fine_tune(base, parts, plan, end=end, now=now, progress=progress)

    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".bundle-", dir=out.parent))
    try:
        shape = model.shape
        weights = {name: value.float().numpy() for name, value in model.state_dict().items()}
        learnt_from = sessions(parts.train, tokenizer, plan)
        calibration = [[id & (NO_LOSS - 1) for id in piece] for piece in learnt_from]
        graph = int8_graph(shape, weights, calibration)
        (staging / "model.onnx").write_bytes(graph.SerializeToString())
        shutil.copyfile(base / "tokenizer.json", staging / "tokenizer.json")
        mine = {**manifest, "id": id, "version": version or version_at(began)}
        write_manifest(staging, mine)
        after = score(staging, edits, pieces)
        good, why, low, high = judge(before, after, seed=plan.seed)
        recital = None
        learnt = [document for _, document in parts.train.documents]
        try:
            held = [document for _, document in parts.held_out.documents]
            recital = check_memorisation(staging, learnt, held, prompts=20, seed=plan.seed)
        except TrainingError:
            progress("no cell is long enough for a memorisation check")
        outcome = Outcome(good, why, before, after, low, high, steps, recital, counts)
        if good or keep:
            _finish(staging, mine, manifest, outcome)
            os.chmod(staging, 0o700)
            replace_folder(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return outcome


def version_at(seconds: float) -> str:
    """A version that rises with time: days and seconds of the day since 2020, `0.2520.41400`."""
    days, rest = divmod(int(seconds) - 1_577_836_800, 86_400)
    return f"0.{max(0, days)}.{rest}"


def format_of(folder: Path) -> EditFormat:
    """A bundle's prompt format; raises TrainingError for one that no bundle is trained in."""
    return training_format(_base_manifest(folder)["prompt_format"])


def _base_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
        manifest["prompt_format"], manifest["version"], manifest["id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"the base {folder} is no bundle ({type(error).__name__})") from None
    return manifest


def _finish(staging: Path, mine: dict[str, Any], base: dict[str, Any], outcome: Outcome) -> None:
    """Card and manifest."""
    (staging / "CARD.md").write_text(render_card(mine, base, outcome), encoding="utf-8")
    made = {
        **mine,
        "licence": "private: weights trained on the user's own code",
        "based_on": f"{base['id']}/{base['version']}",
        "card": "CARD.md",
        "quality": {"personal": outcome.report()},
        "files": digests(staging),
    }
    write_manifest(staging, made)


def render_card(mine: dict[str, Any], base: dict[str, Any], outcome: Outcome) -> str:
    """The card of a personal bundle."""
    report = outcome.report()
    recital = outcome.memorisation
    before, after = report["nats_an_edit"]
    return f"""\
# {mine["id"]} {mine["version"]}

{base["id"]} {base["version"]}, fine-tuned on this user's own code with low-rank adapters
({outcome.steps} steps), merged. It may repeat that code: keep it to yourself.

| on what was held out | base | this |
|---|---|---|
| nats an edit ({report["held_out_edits"]} edits, {report["held_out_real"]} real) | \
{before:.2f} | {after:.2f} |
| edits finished exactly | {outcome.base.exact} | {outcome.mine.exact} |
| nats a token of code | {outcome.base.loss:.3f} | {outcome.mine.loss:.3f} |

The change of an edit's nats lies between {outcome.low:.2f} and {outcome.high:.2f} (95 %):
{"promoted" if outcome.promoted else "not promoted"}, {outcome.why}.

## Memorisation
{recital.to_card() if recital else "No cell was long enough to check."}
"""


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def describe(outcome: Outcome) -> str:
    """What came of it, for people."""
    report = outcome.report()
    before, after = report["nats_an_edit"]
    lines = [
        f"held-out edits: {before:.2f} nats each before, {after:.2f} after "
        f"(change {outcome.low:+.2f} to {outcome.high:+.2f}, 95 %)",
        f"finished exactly: {outcome.base.exact} of {len(outcome.base.edits)} before, "
        f"{outcome.mine.exact} after",
        f"held-out code: {outcome.base.loss:.3f} nats a token before, "
        f"{outcome.mine.loss:.3f} after",
    ]
    if outcome.memorisation is not None:
        lines.append(outcome.memorisation.to_card())
    return "\n".join(lines)
