"""A small model learns what a larger bundle says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from tiny_bundle import SHAPE, make_bundle  # noqa: E402

from nextedit_jupyter.core.errors import TrainingError  # noqa: E402
from nextedit_jupyter.prompt.tokenizer import BundleTokenizer  # noqa: E402
from nextedit_jupyter.training.bpe import train_tokenizer  # noqa: E402
from nextedit_jupyter.training.cli import main  # noqa: E402
from nextedit_jupyter.training.distil import (  # noqa: E402
    Teacher,
    distilled_loss,
    loss_by,
    with_vocabulary,
)
from nextedit_jupyter.training.export import Graphs  # noqa: E402
from nextedit_jupyter.training.from_bundle import bundle_weights  # noqa: E402
from nextedit_jupyter.training.gate import row_prompts  # noqa: E402
from nextedit_jupyter.training.network import DecoderModule, Shape  # noqa: E402
from nextedit_jupyter.training.packing import NO_LOSS, write_packed  # noqa: E402
from nextedit_jupyter.training.run_folder import read_checkpoint  # noqa: E402

STUDENT = Shape(
    vocab_size=SHAPE.vocab_size,
    width=32,
    layers=1,
    heads=2,
    kv_heads=1,
    head_dim=16,
    hidden=48,
    context=64,
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def work(bundle: Path, tmp_path: Path) -> Path:
    (tmp_path / "tokenizer.json").write_bytes((bundle / "tokenizer.json").read_bytes())
    rows = np.random.default_rng(0).integers(30, 300, (12, 33)).astype(np.uint16)
    rows[:, :5] |= NO_LOSS
    write_packed(tmp_path / "tune.npy", rows)
    return tmp_path


def test_the_loss_is_of_the_teacher_and_of_the_text_by_their_shares() -> None:
    student = DecoderModule(STUDENT)
    ids = torch.randint(0, SHAPE.vocab_size, (2, 12))
    targets = ids.roll(-1, 1)
    targets[:, :4] = -1
    said = torch.randn(16, SHAPE.vocab_size)
    logits = student(ids)[targets >= 0]
    soft = F.cross_entropy(logits, said.softmax(-1))
    hard = F.cross_entropy(logits, targets[targets >= 0])
    for share in (0.0, 0.3, 1.0):
        loss = distilled_loss(student, ids, targets, said, share=share)
        torch.testing.assert_close(loss, share * soft + (1 - share) * hard)


def test_rows_without_a_target_teach_nothing_and_break_nothing(bundle: Path) -> None:
    student = DecoderModule(STUDENT)
    ids = torch.randint(0, SHAPE.vocab_size, (1, 12))
    loss = loss_by(Teacher(bundle, threads=1), student)(ids, torch.full_like(ids, -1))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0.0
    assert all(p.grad is None or not p.grad.any() for p in student.parameters())


def test_the_teacher_says_what_its_bundle_says_at_the_places_that_are_asked(bundle: Path) -> None:
    shape, weights = bundle_weights(bundle)
    exact = DecoderModule(shape)
    exact.load_state_dict(weights)
    ids = torch.randint(0, SHAPE.vocab_size, (2, 20))
    wanted = torch.rand(2, 20) < 0.5
    with torch.no_grad():
        torch.testing.assert_close(
            Teacher(bundle, threads=1).logits(ids, wanted), exact(ids)[wanted], atol=0.05, rtol=0.05
        )


def test_a_bundle_made_over_for_its_own_tokenizer_is_as_it_was(bundle: Path) -> None:
    shape, weights = with_vocabulary(bundle, bundle / "tokenizer.json", size=SHAPE.vocab_size)
    was = bundle_weights(bundle)[1]
    assert shape.vocab_size == SHAPE.vocab_size
    used = BundleTokenizer(bundle / "tokenizer.json").vocab_size
    assert torch.equal(weights["embedding.weight"][:used], was["embedding.weight"][:used])


def test_a_token_of_another_tokenizer_begins_as_the_mean_of_its_pieces(
    bundle: Path, tmp_path: Path
) -> None:
    other = tmp_path / "tokenizer.json"
    train_tokenizer(["histogram(weights=None)\n"] * 9, other, vocab_size=340)
    _, weights = with_vocabulary(bundle, other, size=400)
    new, old = BundleTokenizer(other), BundleTokenizer(bundle / "tokenizer.json")
    rows = bundle_weights(bundle)[1]["embedding.weight"]
    longest = max(new.encode("histogram"), key=lambda id: len(new.token_bytes(id)))
    pieces = old.encode(new.token_bytes(longest).decode())
    assert len(pieces) > 1
    torch.testing.assert_close(weights["embedding.weight"][longest], rows[pieces].mean(0))


def test_the_command_teaches_a_student_what_the_teacher_says(bundle: Path, work: Path) -> None:
    sizes = '{"width": 32, "layers": 1, "heads": 2, "kv_heads": 1, "head_dim": 16, "hidden": 48}'
    given = ["train", "distil", "--teacher", str(bundle), "--work", str(work), "--shape", sizes]
    rest = ["--batch", "4", "--threads", "1", "--share", "1", "--steps"]
    teacher = Teacher(bundle, threads=1)

    def distance() -> float:
        payload = read_checkpoint(work / "distil" / "final.pt")
        student = DecoderModule(Shape(**payload["shape"]))
        student.load_state_dict(payload["model"])
        ids = torch.from_numpy(np.load(work / "tune.npy")[:, :-1].astype(np.int64) & (NO_LOSS - 1))
        said = teacher.logits(ids, torch.ones_like(ids, dtype=torch.bool)).log_softmax(-1)
        with torch.no_grad():
            mine = student(ids).flatten(0, 1).log_softmax(-1)
        return F.kl_div(mine, said, log_target=True, reduction="batchmean").item()

    assert main([*given, *rest, "1"]) == 0
    at_first = distance()
    assert main([*given, *rest, "30", "--resume", "latest.pt"]) == 0
    assert read_checkpoint(work / "distil" / "final.pt")["state"]["step"] == 30
    assert distance() < 0.8 * at_first


def test_a_student_can_begin_as_a_small_bundle(bundle: Path, work: Path) -> None:
    given = ["train", "distil", "--teacher", str(bundle), "--work", str(work), "--init"]
    assert main([*given, str(bundle), "--steps", "1", "--threads", "1"]) == 0
    assert Shape(**read_checkpoint(work / "distil" / "final.pt")["shape"]).layers == SHAPE.layers


def test_a_tokenizer_of_more_tokens_than_the_teacher_has_is_refused(
    bundle: Path, work: Path
) -> None:
    words = ["".join(chr(97 + (n * k) % 26) for k in range(1, 9)) for n in range(1, 200)]
    train_tokenizer([" ".join(words)] * 3, work / "tokenizer.json", vocab_size=500)
    with pytest.raises(TrainingError, match="not the teacher's"):
        main(["train", "distil", "--teacher", str(bundle), "--work", str(work), "--steps", "1"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--steps", "1", "--minutes", "1"], "either"),
        ([], "either"),
        (["--steps", "1", "--share", "2"], "between 0 and 1"),
        (["--steps", "1", "--init", "x", "--resume", "latest.pt"], "not both"),
        (["--steps", "1", "--init", "x", "--shape", '{"layers": 1}'], "shape"),
    ],
)
def test_orders_that_contradict_themselves_are_refused(
    more: list[str], message: str, bundle: Path, work: Path
) -> None:
    with pytest.raises(TrainingError, match=message):
        main(["train", "distil", "--teacher", str(bundle), "--work", str(work), *more])


def test_a_teacher_of_another_vocabulary_or_none_at_all_is_refused(
    bundle: Path, tmp_path: Path
) -> None:
    other = Shape(vocab_size=100, width=32, layers=1, heads=2, kv_heads=1, head_dim=16)
    with pytest.raises(TrainingError, match="one tokenizer"):
        loss_by(Teacher(bundle, threads=1), DecoderModule(other))
    with pytest.raises(TrainingError, match="cannot be used as a teacher"):
        Teacher(tmp_path)


def test_a_student_is_exported_by_the_sequences_that_it_learnt_from(
    bundle: Path, work: Path
) -> None:
    taught = ["train", "distil", "--teacher", str(bundle), "--work", str(work), "--init"]
    main([*taught, str(bundle), "--steps", "1", "--threads", "1"])
    export = ["train", "export", "--work", str(work), "--checkpoint", "distil/final.pt"]
    rest = ["--rows", "tune.npy", "--format", "cells-lines-v1", "--out", str(work / "out")]
    with pytest.raises(TrainingError, match="tune-validation"):  # nothing to gate by
        main([*export, *rest])
    assert not (work / "out").exists()
    thresholds = {"inline": 0.7, "line_start": 0.5, "next_edit": 0.2}
    main([*export, *rest, "--no-gate", "--thresholds", json.dumps(thresholds)])
    manifest = json.loads((work / "out" / "manifest.json").read_text())
    assert manifest["prompt_format"] == "cells-lines-v1"
    assert manifest["thresholds"] == thresholds
    assert Teacher(work / "out", threads=1).vocab_size == SHAPE.vocab_size


def test_an_export_that_loses_too_much_of_held_out_sequences_is_refused(
    bundle: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught = ["train", "distil", "--teacher", str(bundle), "--work", str(work), "--init"]
    main([*taught, str(bundle), "--steps", "1", "--threads", "1"])
    (work / "tune-validation.npy").write_bytes((work / "tune.npy").read_bytes())
    monkeypatch.setattr("nextedit_jupyter.training.gate.MAX_NATS", -1.0)
    export = ["train", "export", "--work", str(work), "--checkpoint", "distil/final.pt"]
    with pytest.raises(TrainingError, match="nats per token"):
        main([*export, "--rows", "tune.npy", "--out", str(work / "out")])
    assert not (work / "out").exists()
    graphs = Graphs(work / "distil" / "final.pt")
    rows = row_prompts(work / "tune.npy", 3)
    assert abs(graphs.agreement(rows, with_losses=True).nats_lost) < 0.05
