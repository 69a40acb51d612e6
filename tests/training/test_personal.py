"""Training on one's own code: adapters, the judgement, recited texts, and the command."""

from __future__ import annotations

import json
import sysconfig
from functools import partial
from pathlib import Path

import pytest
import torch
from tiny_bundle import make_bundle

from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.core.history import EditEvent
from nextedit_jupyter.core.history_store import HistoryStore
from nextedit_jupyter.training import personal
from nextedit_jupyter.training.cli import main
from nextedit_jupyter.training.commits.real_edit import RealEdit
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.lora import adapt, adapters, merge
from nextedit_jupyter.training.memorisation import Texts
from nextedit_jupyter.training.network import DecoderModule, Shape
from nextedit_jupyter.training.personal import Scores, gather, judge, split
from nextedit_jupyter.training.personal.fine_tuning import PersonalPlan, fine_tune
from nextedit_jupyter.training.personal.user_corpus import held_out_edits

SHAPE = Shape(vocab_size=64, width=32, layers=2, heads=4, kv_heads=2, head_dim=8, hidden=48)
IDS = torch.arange(20)[None] % 64


def test_a_model_with_new_adapters_says_what_it_said() -> None:
    model = DecoderModule(SHAPE, seed=1)
    before = model(IDS)
    trained = adapt(model, rank=4)
    assert torch.equal(model(IDS), before)
    assert {parameter.shape[0] == 4 or parameter.shape[1] == 4 for parameter in trained} == {True}
    assert len(list(adapters(model))) == 5 * SHAPE.layers


def test_merged_adapters_say_what_they_said_beside_the_matrices() -> None:
    model = DecoderModule(SHAPE, seed=1)
    names = set(model.state_dict())
    before = model(IDS)
    for parameter in adapt(model, rank=4):
        with torch.no_grad():
            parameter.add_(torch.randn(parameter.shape) * 0.1)
    beside = model(IDS)
    merge(model)
    assert set(model.state_dict()) == names
    assert torch.allclose(model(IDS), beside, atol=1e-4)
    assert not torch.allclose(beside, before, atol=1e-2)


def scores(*edits: float, loss: float = 3.0) -> Scores:
    return Scores(tuple(edits), 0, loss)


def test_a_bundle_is_better_only_if_its_edits_surely_are() -> None:
    base = scores(*[10.0 + i % 3 for i in range(60)])
    better = judge(base, scores(*[8.0 + i % 3 for i in range(60)]))
    same = judge(base, base)
    luck = judge(base, scores(*[4.0] * 5, *[10.5 + i % 3 for i in range(55)]))
    assert [found[0] for found in (better, same, luck)] == [True, False, False]


def test_a_long_span_of_few_texts_is_recited_and_boilerplate_is_not() -> None:
    own = "".join(f"value_{i} = compute({i}, scale={i * 7})\n" for i in range(12))
    common = "import numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt\n" * 3
    documents = [Document("mine", f"{i}.py", "module", (common,)) for i in range(4)]
    documents.append(Document("mine", "own.py", "module", (own,)))
    texts = Texts(documents)
    assert texts.longest("x = 1\n" + own[20:260], "") >= 200
    assert texts.longest(own[20:260], own) == 0  # it stood in the prompt
    assert texts.longest(common[:200], "") == 0
    assert texts.longest("nothing of this stands there, however long the line may be made", "") == 0


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    library = Path(sysconfig.get_paths()["stdlib"])
    for name in ("json/decoder.py", "json/encoder.py", "textwrap.py", "bisect.py", "heapq.py"):
        text = (library / name).read_text(encoding="utf-8")
        (folder / name.replace("/", "_")).write_text(text, encoding="utf-8")
    return folder


def test_kept_edits_are_learnt_from_and_secrets_never_come_so_far(
    code: Path, tmp_path: Path
) -> None:
    store = HistoryStore(tmp_path / "history.sqlite")
    for i in range(12):
        before = f"def area_{i}(width, height):\n    return width * height\n"
        store.keep("python", EditEvent(f"c{i}", before, before.replace("height", "depth")))
    store.keep("python", EditEvent("k", "", 'key = "sk-' + 'proj-Zk81hQpLw02nVbRt77aaYeTu"'))
    own = gather([code], history=store)
    assert own.edits
    assert "Zk81hQ" not in repr(own.edits)
    halves = split(own)
    assert halves.train.documents
    assert halves.held_out.documents or halves.held_out.edits


def test_as_many_edits_are_held_out_as_are_asked_for_of_those_that_can_be_said(code: Path) -> None:
    def is_even(edit: RealEdit) -> bool:
        return len(edit.after) % 2 == 0

    found = held_out_edits(gather([code]), 12, 0, is_even)
    assert len(found) == 12
    assert all(map(is_even, found))


@pytest.mark.parametrize(("look_s", "looks"), [(1.0, 3), (30.0, 1)])
def test_where_a_look_takes_long_the_time_is_for_learning(
    code: Path, tmp_path: Path, look_s: float, looks: int
) -> None:
    clock, said = [0.0], []

    def now() -> float:
        clock[0] += 0.5
        return clock[0]

    def look(line: str) -> None:
        said.append(line)
        clock[0] += look_s

    fine_tune(
        make_bundle(tmp_path / "base"),
        split(gather([code])),
        PersonalPlan(looks=3, batch=1, length=64, cases=4, threads=1),
        end=120.0,
        now=now,
        progress=look,
    )
    assert [line.split()[0] for line in said] == ["before:", *["step"] * looks]
    assert "step 0:" not in " ".join(said)
    assert clock[0] <= 120.0 + look_s


@pytest.mark.slow
def test_the_command_writes_a_bundle_of_its_own_only_if_it_is_better_or_told_to(
    code: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = partial(personal.PersonalPlan, cases=12)  # each takes a second, four times
    monkeypatch.setattr(personal, "PersonalPlan", few)
    base = make_bundle(tmp_path / "base")
    line = ["train", "personal", str(code), "--base", str(base), "--steps", "2", "--rank", "2"]
    line += ["--lr", "1e-9", "--threads", "1"]  # learns nothing
    out = tmp_path / "out"
    assert main([*line, "--out", str(out)]) == 1
    assert "nothing was written" in capsys.readouterr().out
    assert not out.exists()
    assert main([*line, "--out", str(out), "--keep"]) == 1
    bundle = Bundle.open(out)
    assert bundle.id == "nextedit-personal"
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["language"] == "python"
    card = (out / "CARD.md").read_text(encoding="utf-8")
    assert "greedy continuations" in card


def test_a_folder_without_code_and_no_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    out = ["--out", str(tmp_path / "out"), "--steps", "1"]
    for folders in ([], [str(tmp_path / "empty")], [str(tmp_path / "nowhere")]):
        with pytest.raises(TrainingError):
            main(["train", "personal", *folders, *out])
