from __future__ import annotations

import errno
import io
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nextedit_jupyter.core.errors import TrainingError  # noqa: E402
from nextedit_jupyter.training.network import DecoderModule, Shape  # noqa: E402
from nextedit_jupyter.training.optim import orthogonalise  # noqa: E402
from nextedit_jupyter.training.packing import write_packed  # noqa: E402
from nextedit_jupyter.training.run_folder import Run, TokenRows, read_checkpoint  # noqa: E402
from nextedit_jupyter.training.schedule import RunBudget, ScheduleState, lr_factor  # noqa: E402
from nextedit_jupyter.training.sft import SftSettings, open_run, train  # noqa: E402

pytestmark = pytest.mark.slow

SHAPE = Shape(vocab_size=64, width=32, layers=2, heads=2, kv_heads=1, head_dim=16, hidden=48)
SETTINGS = SftSettings(batch=4, warmup_steps=5, compile=False, threads=1)


def quiet(line: str) -> None:
    pass


@pytest.fixture
def data(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    rows = random.integers(1, 64, (60, 33)).astype(np.uint16)
    rows[:, 1::2] = rows[:, :-1:2]  # every other token repeats the one before
    write_packed(tmp_path / "data.npy", rows)
    return tmp_path / "data.npy"


def losses(folder: Path) -> dict[int, float]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    return {entry["step"]: entry["loss"] for entry in entries if "loss" in entry}


def weights(folder: Path, name: str = "final.pt") -> dict[str, Any]:
    found: dict[str, Any] = read_checkpoint(folder / name)["model"]
    return found


def test_a_run_that_was_interrupted_goes_on_to_the_same_losses(data: Path, tmp_path: Path) -> None:
    budget = RunBudget(steps=40, decay_steps=15)
    whole = open_run(tmp_path / "whole", SHAPE, SETTINGS)
    train(whole, data, SETTINGS, budget, progress=quiet)

    parts = open_run(tmp_path / "parts", SHAPE, SETTINGS)
    (tmp_path / "parts" / "log.jsonl").touch()
    for stop in (10, 30):  # once in the stable part, once in the decay
        calls = {"left": stop - parts.state.step}

        def count(calls: dict[str, int] = calls) -> float:
            return 0.0

        _train_until(parts, data, budget, stop)
        parts = open_run(
            tmp_path / "parts", SHAPE, SETTINGS, resume=tmp_path / "parts" / "latest.pt"
        )
    train(parts, data, SETTINGS, budget, progress=quiet)

    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")
    ours, theirs = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def _train_until(run: Run, data: Path, budget: RunBudget, stop: int) -> None:
    """Train to a step, then be stopped by the control file."""
    control = run.folder / "control.json"

    def watch(line: str) -> None:
        if line.startswith(f"step {stop} "):
            control.write_text('{"stop": true}')

    train(run, data, SETTINGS, budget, progress=watch)
    control.unlink()


def test_the_loss_falls(data: Path, tmp_path: Path) -> None:
    run = open_run(tmp_path / "run", SHAPE, SETTINGS)
    train(run, data, SETTINGS, RunBudget(steps=60, decay_steps=20), progress=quiet)
    found = losses(tmp_path / "run")
    assert found[60] < found[10] - 0.3


def test_the_schedule_warms_up_stays_and_decays() -> None:
    def factor(state: ScheduleState) -> float:
        return lr_factor(state, warmup_steps=10, final_lr=0.0)

    assert factor(ScheduleState(step=4)) == 0.5
    assert factor(ScheduleState(step=500)) == 1.0
    decaying = [
        factor(ScheduleState(step=step, decay_start=100, decay_steps=10))
        for step in range(100, 110)
    ]
    assert decaying == sorted(decaying, reverse=True)
    assert decaying[-1] == 0.0


def test_a_time_budget_ends_in_a_decay(data: Path, tmp_path: Path) -> None:
    clock = {"now": 0.0}

    def tick() -> float:
        clock["now"] += 1.0
        return clock["now"]

    run = open_run(tmp_path / "run", SHAPE, SETTINGS)
    budget = RunBudget(end=600.0, decay_minutes=4.0)
    state = train(run, data, SETTINGS, budget, now=tick, progress=quiet)
    assert state.decay_start is not None
    assert state.decay_done > 0.9
    assert clock["now"] < 660
    assert (tmp_path / "run" / "stable.pt").exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("budget", [RunBudget(steps=20), RunBudget(end=600.0, decay_minutes=4.0)])
def test_a_terminal_shows_a_bar_and_all_else_gets_lines(
    data: Path,
    tmp_path: Path,
    budget: RunBudget,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ticks = itertools.count(0.0, 5.0)
    terminal, pipe = Terminal(), io.StringIO()
    monkeypatch.setattr("sys.stderr", terminal)
    run = open_run(tmp_path / "drawn", SHAPE, SETTINGS)
    train(run, data, SETTINGS, budget, validation=data, now=lambda: next(ticks))
    drawn = terminal.getvalue()
    assert "training: 100%" in drawn
    assert "step 20, loss" in drawn
    said = capsys.readouterr().out
    assert "validation" in said
    assert "step 20" not in said

    ticks = itertools.count(0.0, 5.0)
    monkeypatch.setattr("sys.stderr", pipe)
    run = open_run(tmp_path / "told", SHAPE, SETTINGS)
    train(run, data, SETTINGS, budget, now=lambda: next(ticks))
    assert pipe.getvalue() == ""
    assert "step 10 loss" in capsys.readouterr().out


def test_another_file_is_read_when_one_is_done(data: Path, tmp_path: Path) -> None:
    write_packed(tmp_path / "short.npy", np.load(data)[:12])
    run = open_run(tmp_path / "run", SHAPE, SETTINGS)
    state = train(
        run, [tmp_path / "short.npy", data], SETTINGS, RunBudget(steps=10), progress=quiet
    )
    assert state.data == str(data)
    assert state.row == (10 - 3) * SETTINGS.batch


def test_only_the_first_rows_of_a_file_are_read_where_it_says_so(
    data: Path, tmp_path: Path
) -> None:
    run = open_run(tmp_path / "run", SHAPE, SETTINGS)
    state = train(run, [f"{data}#8", data], SETTINGS, RunBudget(steps=5), progress=quiet)
    assert (state.data, state.row) == (str(data), 3 * SETTINGS.batch)


def test_a_full_disk_keeps_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run(tmp_path / "run", SHAPE, SETTINGS)
    assert run.save()
    before = (tmp_path / "run" / "latest.pt").read_bytes()

    def full(payload: object, path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(torch, "save", full)
    assert not run.save()
    assert (tmp_path / "run" / "latest.pt").read_bytes() == before
    assert [path.name for path in (tmp_path / "run").iterdir() if path.suffix == ".tmp"] == []


def test_a_checkpoint_of_another_shape_is_refused(tmp_path: Path) -> None:
    open_run(tmp_path / "run", SHAPE, SETTINGS).save()
    other = Shape(vocab_size=64, width=64, layers=2, heads=2, kv_heads=1, head_dim=16, hidden=48)
    with pytest.raises(TrainingError, match="another shape"):
        open_run(tmp_path / "run", other, SETTINGS, resume=tmp_path / "run" / "latest.pt")


@pytest.mark.parametrize("content", [None, b"", b"not a checkpoint"])
def test_a_missing_or_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "latest.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrainingError, match="no checkpoint" if content is None else "damaged"):
        read_checkpoint(path)


@pytest.mark.parametrize("content", [b"", b"text"])
def test_data_that_is_no_packed_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.npy"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match="cannot be read"):
        TokenRows(path)


def test_the_parameters_are_counted_right() -> None:
    model = DecoderModule(SHAPE)
    assert sum(p.numel() for p in model.parameters()) == SHAPE.parameters


def test_orthogonalising_brings_singular_values_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((2, 24, 64), (1, 64, 24)):
        found = torch.linalg.svdvals(orthogonalise(torch.randn(shape)).float())
        assert found.min() > 0.5
        assert found.max() < 1.5
