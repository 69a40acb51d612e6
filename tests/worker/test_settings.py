"""The settings of a worker on their way to its process."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from nextedit_jupyter.core.pacing import PacingSettings
from nextedit_jupyter.worker.settings import WorkerSettings


def test_every_setting_survives_the_way(tmp_path: Path) -> None:
    other = WorkerSettings(
        runtime_dir=tmp_path,
        bundle=str(tmp_path / "bundle"),
        threads=3,
        memory_mb=700,
        idle_seconds=1.5,
        hang_seconds=2.5,
        request_bytes=2_000,
        start_seconds=3.5,
        backoff_seconds=0.25,
        suggester="a:b",
        pacing=PacingSettings(mains_ms=70.0, off_on_low=True),
        statistics=True,
        store_history=True,
        repository="https://example.org",
        root=str(tmp_path / "root.json"),
        updates=False,
        quiet_seconds=0.5,
        providers=("cuda", "cpu"),
        remote='{"url": "https://models.example.org/v1"}',
        retry_seconds=60.0,
    )
    again = WorkerSettings.from_json(other.to_json())
    plain = WorkerSettings()
    for field in fields(WorkerSettings):
        assert getattr(again, field.name) == getattr(other, field.name), field.name
        assert getattr(other, field.name) != getattr(plain, field.name), "try another value here"


def test_paths_are_absolute_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    again = WorkerSettings.from_json(WorkerSettings(bundle="b", root="r").to_json())
    assert (again.bundle, again.root) == (str(tmp_path / "b"), str(tmp_path / "r"))


@pytest.mark.parametrize("text", ["[]", "{", '{"unknown": 1}', '{"pacing": 3}', '{"threads": 0}'])
def test_what_are_no_settings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        WorkerSettings.from_json(text)
