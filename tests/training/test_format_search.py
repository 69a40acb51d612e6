from __future__ import annotations

import random
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt.control import END
from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
from nextedit_jupyter.prompt.variants import VARIANTS, Layout, variant
from nextedit_jupyter.training.bpe import train_tokenizer
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.format_search import (
    CAP,
    FormatTrial,
    TrialBudget,
    answer_losses,
    format_table,
    offspring,
    search,
)
from nextedit_jupyter.training.network import DecoderModule, Shape
from nextedit_jupyter.training.packing import NO_LOSS
from nextedit_jupyter.training.product_tasks import edit_tasks, line_tasks, render

CELLS = (
    "import numpy as np\nframe = np.zeros(10)",
    "mean = frame.mean()\nprint(frame, mean)",
    "plot(frame, color='red')\nplot(mean, color='red')",
    "total = frame.sum() + mean\nprint(total, 'red')",
)
DOCUMENTS = [Document("p", f"{i}.ipynb", "notebook", CELLS[i % 3 :] + CELLS) for i in range(6)]
TINY = TrialBudget(
    tokens=1_500, batch_tokens=600, length=200, tasks=8, lines=4, matrix_lr=0.01, other_lr=1e-2
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> BundleTokenizer:
    path = tmp_path_factory.mktemp("search") / "tokenizer.json"
    train_tokenizer(["\n".join(CELLS)] * 20, path, vocab_size=420)
    return BundleTokenizer(path)


@pytest.fixture
def model(tokenizer: BundleTokenizer) -> DecoderModule:
    return DecoderModule(
        Shape(tokenizer.vocab_size, width=32, layers=1, heads=2, kv_heads=1, head_dim=16, hidden=64)
    )


def test_tasks_are_what_the_product_asks(tokenizer: BundleTokenizer) -> None:
    changes = set()
    for task in islice(edit_tasks(DOCUMENTS, random.Random(0)), 60):
        changes.add(task.change)
        assert (task.target == task.request.cell.source) == (task.change == "none")
    assert {"none", "rename", "literal"} <= changes
    for task in islice(line_tasks(DOCUMENTS, random.Random(0)), 30):
        at = task.request.caret.offset
        text = task.request.cell.source
        whole = text[:at] + task.target + text[at:]
        assert any(cell.startswith(whole) or whole == cell for cell in CELLS)
        assert task.target.strip("\n") == task.target != ""


@pytest.mark.parametrize("name", ["cells-spm-v1", *sorted(VARIANTS)])
def test_a_task_is_rendered_with_loss_on_its_answer_alone(
    name: str, tokenizer: BundleTokenizer
) -> None:
    from nextedit_jupyter.training.mixture import training_format

    fmt = training_format(name)
    end = tokenizer.control(END)
    rng = random.Random(1)
    tasks = [*islice(edit_tasks(DOCUMENTS, rng), 20), *islice(line_tasks(DOCUMENTS, rng), 10)]
    written = 0
    for task in tasks:
        made = render(task, fmt, tokenizer, length=300)
        if made is None:
            continue
        written += 1
        packed = made.packed
        assert len(packed) <= 300
        assert all(id & NO_LOSS for id in packed[: len(made.prompt)])
        assert packed[len(made.prompt) :] == list(made.answer)
        assert made.answer[-1] == end
        if task.kind == "edit":
            now = task.request.cell.source
            found = fmt.parse_next_edit(task.request, made.answer, tokenizer)
            assert (found[1].apply(now) if found else now) == task.target
    assert written > 15


def test_answers_losses_are_those_of_each_task_alone(
    model: DecoderModule, tokenizer: BundleTokenizer
) -> None:
    fmt = variant("edit-span-numbers-v1")
    made = [
        one
        for task in islice(edit_tasks(DOCUMENTS, random.Random(2)), 8)
        if (one := render(task, fmt, tokenizer, length=200)) is not None
    ]
    together = answer_losses(model, made)
    for one, losses in zip(made, together, strict=True):
        ids = torch.tensor([[*one.prompt, *one.answer]])
        targets = ids[:, 1:].clone()
        targets[:, : len(one.prompt) - 1] = -1
        alone = model.loss(ids[:, :-1], targets)
        assert losses.mean().item() == pytest.approx(alone.item(), rel=1e-4)


def run(
    model: DecoderModule, tokenizer: BundleTokenizer, folder: Path, **more: object
) -> list[FormatTrial]:
    arguments: dict[str, object] = {
        "trials": 4, "children": 2, "parents": 2, "budget": TINY, "progress": lambda line: None,
        "names": ("edit-span-near-v1", "edit-blocks-v1"), **more,
    }  # fmt: skip
    return search(model, tokenizer, DOCUMENTS, DOCUMENTS[:2], folder, **arguments)  # type: ignore[arg-type]


def without_time(trials: list[FormatTrial]) -> list[FormatTrial]:
    return [replace(trial, seconds=0.0) for trial in trials]


def test_a_search_is_seeded_resumable_and_leaves_the_model_alone(
    model: DecoderModule, tokenizer: BundleTokenizer, tmp_path: Path
) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    whole = run(model, tokenizer, tmp_path / "a")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert len({trial.label for trial in whole}) == 4
    assert [trial.score for trial in whole] == sorted((t.score for t in whole), reverse=True)
    assert {trial.generation for trial in whole} == {0, 1}
    assert all(0 < trial.nats <= CAP and trial.tasks == 8 for trial in whole)

    run(model, tokenizer, tmp_path / "b", trials=1)
    with (tmp_path / "b" / "trials.jsonl").open("a") as file:
        file.write('{"label": "half a li')
    held = (tmp_path / "b" / "trials.jsonl").read_text().splitlines()[0]
    (tmp_path / "b" / "trials.jsonl").write_text(held + '\n{"label": "half\n')
    again = run(model, tokenizer, tmp_path / "b")
    assert without_time(again) == without_time(whole)
    assert (tmp_path / "b" / "report.md").read_text() == format_table(again)

    with pytest.raises(TrainingError, match="another seed or budget"):
        run(model, tokenizer, tmp_path / "a", seed=1)
    with pytest.raises(TrainingError, match="validation"):
        search(model, tokenizer, DOCUMENTS, [], tmp_path / "c", budget=TINY)


def test_training_makes_the_answers_likelier(
    model: DecoderModule, tokenizer: BundleTokenizer, tmp_path: Path
) -> None:
    names = ("edit-span-near-v1",)
    short = run(model, tokenizer, tmp_path / "a", trials=1, names=names)[0]
    budget = replace(TINY, tokens=12_000)
    longer = run(model, tokenizer, tmp_path / "b", trials=1, names=names, budget=budget)[0]
    assert longer.nats < short.nats - 0.5


def test_children_take_after_their_parents_and_are_new() -> None:
    parents = [Layout("span", numbers=True, window=6), Layout("blocks", events=1)]
    known = {parent.label for parent in parents}
    found = offspring(parents, known, random.Random(3), count=6)
    assert len(found) == 6
    assert not known & {child.label for child in found}
    assert len({child.label for child in found}) == 6
    assert all(child.numbers for child in found if child.answer == "rows")
    assert offspring(parents, known, random.Random(3), count=6) == found


def test_a_stage_keeps_the_rows_of_a_part_together(
    tokenizer: BundleTokenizer, tmp_path: Path
) -> None:
    from nextedit_jupyter.training.mixture import read_stages, render_stage

    recipe = tmp_path / "r.toml"
    recipe.write_text(
        '[[stage]]\nname = "s"\nseed = 1\nformat = "edit-span-numbers-v1"\nbatch = 4\n'
        "[[stage.phase]]\nparts = [\n"
        '{ form = "session", kinds = ["notebook"], passes = 8.0 },\n'
        '{ form = "task", kinds = ["notebook"], tokens = 6000, room = [1.0] },\n]\n'
    )
    (stage,) = read_stages(recipe)
    rows = render_stage(stage, DOCUMENTS, tokenizer, length=256)
    assert len(rows) % 4 == 0
    few = [(row < NO_LOSS).mean() < 0.5 for row in rows]  # of tasks, most is without loss
    groups = [few[at : at + 4] for at in range(0, len(few), 4)]
    assert all(len(set(group)) == 1 for group in groups)
    assert {group[0] for group in groups} == {True, False}
    assert (render_stage(stage, DOCUMENTS, tokenizer, length=256) == rows).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('parts = [{ form = "task", kinds = ["notebook"] }]', "needs tokens"),
        ('parts = [{ form = "no", kinds = ["notebook"] }]', "form must be one of"),
    ],
)
def test_what_a_recipe_lacks_is_said(text: str, said: str, tmp_path: Path) -> None:
    from nextedit_jupyter.training.mixture import read_stages

    recipe = tmp_path / "r.toml"
    recipe.write_text(f'[[stage]]\nname = "s"\nseed = 1\n[[stage.phase]]\n{text}\n')
    with pytest.raises(TrainingError, match=said):
        read_stages(recipe)


def test_a_foreign_format_is_not_trained_in() -> None:
    from nextedit_jupyter.training.mixture import training_format

    with pytest.raises(TrainingError, match="another family"):
        training_format("fim-qwen")


def test_documents_without_anything_to_edit_end_the_tasks() -> None:
    dull = [Document("p", "a.ipynb", "notebook", ("x", "y"))]
    assert list(line_tasks(dull, random.Random(0))) == []
    assert list(edit_tasks(dull, random.Random(0))) == []
