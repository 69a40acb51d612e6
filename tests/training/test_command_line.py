"""The stages as the guides give them, one command after another, to a bundle with its card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.training.cli import main
from nextedit_jupyter.training.corpus.document import Document, write_documents

CELLS = (
    "import numpy as np\nimport pandas as pd\nframe = pd.DataFrame({'price': [1, 2], 'name': 'a'})",
    "mean = frame['price'].mean()\nprint(mean, frame['price'].max())",
    "def plot(values, color='red'):\n    print(values, color)\n    return values + 1",
    "plot(frame['price'], color='blue')\nplot(frame['name'], color='blue')",
    "total = np.sum(frame['price'])\nprint('the total of all the prices is', total, 'in euro')",
)
LONG = "\n".join(f"frame['price_{i}'] = frame['price'] * {i} + mean" for i in range(12))
RECIPE = """
[[stage]]
name = "s1"
seed = 1
format = "edit-span-near-v1"
batch = 4
[[stage.phase]]
parts = [
  { form = "session", kinds = ["notebook"], passes = 2.0 },
  { form = "task", kinds = ["notebook"], tokens = 6000, room = [1.0] },
]
"""
SHAPE = {"width": 32, "layers": 1, "heads": 2, "kv_heads": 1, "head_dim": 16, "hidden": 64}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    corpus = tmp_path / "work" / "corpus"
    corpus.mkdir(parents=True)
    packages = []
    for split, names in (("train", "abcd"), ("validation", "v"), ("test", "t")):
        documents = [
            Document(name, f"{i}.ipynb", "notebook", (f"{name}{i} = {i}\n{LONG}", *CELLS[i % 3 :]))
            for name in names
            for i in range(4)
        ]
        write_documents(corpus / f"{split}.jsonl", documents)
        packages += [
            {"package": name, "licence": "MIT License", "split": split, "chars": {"notebook": 900}}
            for name in names
        ]
    report = {"packages": packages, "near_duplicates": 0}
    (corpus / "report.json").write_text(json.dumps(report), encoding="utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return tmp_path / "work"


@pytest.mark.slow
def test_from_a_corpus_to_a_bundle_with_its_card(
    work: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nextedit_jupyter.training.commands.export.RECITED_PROMPTS", 10)
    place, bundle = ["--work", str(work)], tmp_path / "bundle"

    def train(*words: str) -> str:
        assert main(["train", *words]) == 0
        return capsys.readouterr().out

    assert "characters per token" in train("tokenizer", *place, "--vocab-size", "420")
    assert "s1: " in train("examples", str(tmp_path / "recipe.toml"), *place, "--length", "256")
    run = ["--stage", "s1", "--steps", "4", "--batch", "4", "--no-compile", "--float32"]
    train("sft", *place, *run, "--shape", json.dumps(SHAPE))
    assert (work / "run" / "loss.png").exists()
    export = ["export", *place, "--out", str(bundle), "--format", "edit-span-near-v1"]
    train(*export, "--no-gate")
    for split in ("validation", "test"):
        report = ["--cells", "2", "--edits", "4", "-o", str(tmp_path / f"{split}.json")]
        train("evaluate", *place, "--bundle", str(bundle), "--split", split, *report)
    reports = [f"--{split}={tmp_path / split}.json" for split in ("validation", "test")]
    train(*export, "--no-gate", *reports, "--version", "0.2.0", "--compute", "a laptop",
          "--recipe", "mine.toml", "--history", "It began with nothing.")  # fmt: skip

    opened = Bundle.open(bundle)
    assert (opened.version, opened.prompt_format) == ("0.2.0", "edit-span-near-v1")
    card = (bundle / "CARD.md").read_text(encoding="utf-8")
    for part in (
        "## Memorisation", "greedy continuations", "a laptop", "edit-span-near-v1", "MIT",
        "`mine.toml`", "It began with nothing.",
    ):  # fmt: skip
        assert part in card
