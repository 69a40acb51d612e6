from __future__ import annotations

import sqlite3
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from nextedit_jupyter.core.pacing import Power
from nextedit_jupyter.worker.power import PowerSource
from nextedit_jupyter.worker.statistics import Statistics


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_outcomes_are_counted_and_shown_to_their_owner(tmp_path: Path, clock: Clock) -> None:
    statistics = Statistics(tmp_path / "s", clock=clock)
    for outcome in ("shown", "shown", "shown", "shown", "accepted", "rejected"):
        statistics.record(outcome, "inline", "model")
    for milliseconds in (5.0, 10.0, 30.0):
        statistics.record("latency", "inline", "model", milliseconds)
    summary = statistics.summary()
    assert summary["kinds"]["inline"] == {
        "shown": 4, "accepted": 1, "rejected": 1, "acceptance": 0.25,
    }  # fmt: skip
    assert summary["latency_ms"] == {"count": 3, "p50": 10.0, "p95": 30.0}
    assert statistics.latencies() == [5.0, 10.0, 30.0]


def test_only_our_words_are_counted(tmp_path: Path, clock: Clock) -> None:
    statistics = Statistics(tmp_path / "s", clock=clock)
    statistics.record("accepted", "inline", "password = 'hunter22'")
    statistics.record("df.head()", "inline", "model")
    statistics.record("accepted", "secret", "model")
    statistics.close()
    assert b"hunter" not in b"".join(p.read_bytes() for p in (tmp_path / "s").iterdir())
    assert Statistics(tmp_path / "s", clock=clock).summary()["kinds"] == {}


def test_the_store_is_its_owners_alone_and_survives_a_restart(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "s"
    Statistics(folder, clock=clock).record("shown", "rename", "symbols")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "statistics.sqlite").stat().st_mode) == 0o600
    assert Statistics(folder, clock=clock).summary()["kinds"]["rename"] == {
        "shown": 1, "acceptance": 0.0,
    }  # fmt: skip


def test_rows_older_than_two_weeks_go(tmp_path: Path, clock: Clock) -> None:
    statistics = Statistics(tmp_path, clock=clock)
    statistics.record("shown", "inline", "model")
    clock.now += 15 * 86_400
    statistics.record("accepted", "inline", "model")
    assert statistics.summary()["kinds"]["inline"] == {"accepted": 1}


def test_a_damaged_a_locked_and_an_unwritable_store_cost_nothing(
    tmp_path: Path, clock: Clock
) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "statistics.sqlite").write_bytes(b"no database at all" * 100)
    statistics = Statistics(folder, clock=clock)
    statistics.record("shown", "inline", "model")
    assert statistics.summary()["kinds"]["inline"]["shown"] == 1

    holder = sqlite3.connect(folder / "statistics.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    statistics.record("shown", "inline", "model")
    holder.execute("ROLLBACK")
    holder.close()
    assert statistics.summary()["kinds"]["inline"]["shown"] == 1

    (tmp_path / "file").write_text("")
    nowhere = Statistics(tmp_path / "file" / "s", clock=clock)
    nowhere.record("shown", "inline", "model")
    assert not nowhere.is_usable
    assert nowhere.summary()["kinds"] == {}


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_that_jumps_costs_no_answer(tmp_path: Path, clock: Clock, years: int) -> None:
    statistics = Statistics(tmp_path, clock=clock)
    statistics.record("shown", "inline", "model")
    clock.now += years * 365 * 86_400
    statistics.record("shown", "inline", "model")
    assert statistics.summary()["kinds"]["inline"]["shown"] >= 1


def test_an_export_has_counts_and_buckets_and_an_identifier_that_rotates(
    tmp_path: Path, clock: Clock
) -> None:
    statistics = Statistics(tmp_path, clock=clock)
    statistics.record("accepted", "inline", "model", 15.0)
    statistics.record("latency", "inline", "model", 700.0)
    first = statistics.export({})
    assert first is not None
    assert first["counts"] == {"inline.model.accepted": 1}
    assert first["latency_counts"] == [0, 1, 0, 0, 0, 0, 0, 1]
    again = Statistics(tmp_path, clock=clock).export({})
    assert again is not None
    assert again["user"] == first["user"]
    clock.now += 7 * 86_400
    later = statistics.export({})
    assert later is not None
    assert later["user"] != first["user"]


def test_do_not_track_forbids_an_export(tmp_path: Path, clock: Clock) -> None:
    assert Statistics(tmp_path, clock=clock).export({"DO_NOT_TRACK": "1"}) is None


def test_purging_leaves_no_file(tmp_path: Path, clock: Clock) -> None:
    statistics = Statistics(tmp_path, clock=clock)
    statistics.record("shown", "inline", "model")
    statistics.purge()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("battery", "expected"),
    [
        (None, Power()),
        (SimpleNamespace(power_plugged=None, percent=50), Power(None, 50.0)),
        (SimpleNamespace(power_plugged=False, percent=12.5), Power(False, 12.5)),
        (SimpleNamespace(power_plugged=True, percent=None), Power(True, None)),
        (SimpleNamespace(power_plugged=False, percent=-1), Power(False, None)),
        (SimpleNamespace(percent=3), Power()),
    ],
)
def test_every_answer_about_the_battery_is_understood(battery: object, expected: Power) -> None:
    assert PowerSource(read=lambda: battery)() == expected


def test_a_machine_that_cannot_say_counts_as_plugged_in() -> None:
    def broken() -> None:
        raise FileNotFoundError("/sys/class/power_supply")

    assert PowerSource(read=broken)().state == "mains"


def test_the_battery_is_asked_at_most_every_half_minute() -> None:
    asked = []
    now = [0.0]
    source = PowerSource(read=lambda: asked.append(1), clock=lambda: now[0])
    for now[0] in (0.0, 1.0, 29.0, 31.0, 40.0):
        source()
    assert len(asked) == 2
