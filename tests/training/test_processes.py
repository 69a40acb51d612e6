"""Several processes, started as users start them, train as one does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nextedit_jupyter.core.errors import TrainingError  # noqa: E402
from nextedit_jupyter.training.bpe import train_tokenizer  # noqa: E402
from nextedit_jupyter.training.cli import main  # noqa: E402
from nextedit_jupyter.training.packing import NO_LOSS, write_packed  # noqa: E402
from nextedit_jupyter.training.processes import choose_device  # noqa: E402
from nextedit_jupyter.training.run_folder import read_checkpoint  # noqa: E402

pytestmark = pytest.mark.alone

SHAPE = '{"width": 32, "layers": 2, "heads": 2, "kv_heads": 1, "head_dim": 16, "hidden": 48}'
WIDER = SHAPE.replace("32", "64")
STEPS = ["--steps", "20", "--decay-steps", "10"]


def command(work: Path, run: str, *more: str, shape: str = SHAPE) -> list[str]:
    line = ["train", "sft", "--work", str(work), "--run", run, "--stage", "s1", "--stage", "s2"]
    line += ["--shape", shape, "--no-compile", "--float32", "--threads", "1", "--device", "cpu"]
    return [*line, *more]


def in_two(line: list[str]) -> subprocess.CompletedProcess[str]:
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    return subprocess.run(
        # Without `--` torchrun takes our `--run` for its own `--run-path`.
        [sys.executable, *torchrun, "-m", "--", "nextedit_jupyter.cli", *line],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )


def entries(folder: Path) -> list[dict[str, Any]]:
    """The log, without what the clock says."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in ("at", "tokens_s")} for line in lines]


def weights(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = read_checkpoint(folder / "final.pt")["model"]
    return found


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, and in `two` a run of two processes with a batch of 4 each."""
    work = tmp_path_factory.mktemp("work")
    train_tokenizer(["x = 1\n"] * 3, work / "tokenizer.json", vocab_size=320)
    random = np.random.default_rng(0)
    rows = random.integers(1, 64, (96, 33)).astype(np.uint16)
    rows[:, 1::2] = rows[:, :-1:2]  # every other token repeats the one before
    second = np.arange(96) // 4 % 2 == 1  # the second process's rows
    rows[second, 8:] |= NO_LOSS
    rows[20:24] |= NO_LOSS  # once it has no targets at all
    write_packed(work / "s1.npy", rows[:40])
    write_packed(work / "s2.npy", rows[40:])
    write_packed(work / "validation.npy", rows[:8])
    done = in_two(command(work, "two", "--batch", "4", *STEPS))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("20 steps") == 1
    return work


def test_two_processes_train_as_one_with_twice_the_batch(work: Path) -> None:
    assert main(command(work, "one", "--batch", "8", *STEPS)) == 0
    assert main(command(work, "start", "--batch", "8", "--steps", "0")) == 0
    begun, ours, theirs = (weights(work / run) for run in ("start", "two", "one"))
    for name, start in begun.items():
        # Muon rounds to bfloat16, and so makes much of a gradient's last bit: merely to read a
        # batch's rows in another order moves its matrices by up to 8 %, AdamW's weights by 0.3 %.
        limit = 0.15 if "layers" in name and start.ndim == 2 else 0.01
        assert (ours[name] - theirs[name]).norm() < limit * (theirs[name] - start).norm(), name
    for mine, other in zip(entries(work / "two"), entries(work / "one"), strict=True):
        assert mine == pytest.approx(other, abs=2e-3)


def test_two_processes_that_go_on_from_a_checkpoint_come_to_the_same(work: Path) -> None:
    (work / "again").mkdir()
    shutil.copy(work / "two" / "stable.pt", work / "again")
    done = in_two(command(work, "again", "--batch", "4", "--resume", "stable.pt", *STEPS))
    assert done.returncode == 0, done.stderr
    whole = [entry for entry in entries(work / "two") if entry["step"] > 10]
    assert entries(work / "again") == whole
    ours, theirs = weights(work / "again"), weights(work / "two")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_checkpoint_of_another_shape_ends_all_processes(work: Path) -> None:
    line = command(work, "two", "--resume", "latest.pt", *STEPS, shape=WIDER)
    done = in_two(line)
    assert done.returncode != 0
    assert "is of another shape" in done.stderr
    assert "nextedit_jupyter/training" not in done.stderr  # no traceback of ours


def test_a_gpu_that_is_not_there_is_not_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert choose_device() == torch.device("cuda", 1)
    assert choose_device("cpu") == torch.device("cpu")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(TrainingError, match="--nproc-per-node"):
        choose_device()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device() == torch.device("cpu")
    with pytest.raises(TrainingError, match="--device cpu"):
        choose_device("cuda")
