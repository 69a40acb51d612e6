"""Whom deaths are blamed on, when a bundle is switched off, and when it is tried again."""

from __future__ import annotations

import json
import mmap
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from nextedit_jupyter.core import phases
from nextedit_jupyter.core.phases import Phase
from nextedit_jupyter.worker.crash_counter import PROVED_AFTER_ANSWERS, CrashCounter

LABEL = "tiny/0.1.0"


class World:
    """A runtime folder in which workers begin and die, and a clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1e9

    def begins(self) -> CrashCounter:
        self.deaths = CrashCounter(
            self.path / "worker-1.json", first_pause=600, clock=lambda: self.now
        )
        self.deaths.begin()
        phases.take_slot(0)
        return self.deaths

    def dies(self, phase: Phase, answers: int = 0, label: str = LABEL) -> CrashCounter:
        """A worker begins, gives that many answers, and dies in that phase; the next one begins."""
        deaths = self.begins()
        for _ in range(answers):
            phases.name_model(label)
            with phases.during(Phase.MODEL):
                pass
            told = phases.take_answer()
            assert told is not None
            deaths.has_answered(*told)
        record = deaths._record
        assert isinstance(record, mmap.mmap)
        with phases.during(phase, label):
            self.kept = bytes(record)
        (self.path / "worker-1.phase").write_bytes(self.kept)
        return self.begins()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("phase", [Phase.AT_REST, Phase.ANALYSIS])
def test_deaths_outside_the_model_say_nothing_about_it(world: World, phase: Phase) -> None:
    for _ in range(10):
        assert world.dies(phase).too_bad() == {}
    assert world.deaths.problem() is None


@pytest.mark.parametrize("phase", [Phase.LOADING, Phase.MODEL])
def test_three_in_a_row_inside_the_model_are_too_many(world: World, phase: Phase) -> None:
    said = [set(world.dies(phase).too_bad()) for _ in range(3)]
    assert said == [set(), set(), {LABEL}]


def test_only_the_bundle_that_was_asked_is_blamed(world: World) -> None:
    for label in ("a/1.0.0", "b/1.0.0", "a/1.0.0", "b/1.0.0", "b/1.0.0"):
        deaths = world.dies(Phase.MODEL, label=label)
    assert set(deaths.too_bad()) == {"b/1.0.0"}


def test_of_two_models_at_once_the_one_that_has_not_answered_is_blamed(world: World) -> None:
    head = phases._HEAD
    for _ in range(3):
        world.begins()
        slots = [("old/1.0.0", 7), ("new/1.0.0", 0)]
        record = b"".join(
            (head.pack(Phase.MODEL, len(label), answers) + label.encode()).ljust(
                phases.SLOT_BYTES, b"\0"
            )
            for label, answers in slots
        )
        (world.path / "worker-1.phase").write_bytes(record)
    assert set(world.begins().too_bad()) == {"new/1.0.0"}


def test_an_answer_in_between_ends_the_row(world: World) -> None:
    for answers in (0, 0, 60, 60, 60, 60, 60, 60):
        assert world.dies(Phase.MODEL, answers).too_bad() == {}


def test_a_bundle_that_dies_with_every_fifth_answer_is_too_bad(world: World) -> None:
    for count in range(1, 20):
        if world.dies(Phase.MODEL, answers=4).too_bad():
            assert 3 < count < 10
            return
    pytest.fail("it was never switched off")


def test_deaths_of_other_causes_in_between_change_nothing(world: World) -> None:
    for phase in (Phase.MODEL, Phase.ANALYSIS, Phase.MODEL, Phase.AT_REST):
        assert world.dies(phase).too_bad() == {}
    assert set(world.dies(Phase.MODEL).too_bad()) == {LABEL}


def switched_off(world: World) -> CrashCounter:
    for _ in range(3):
        deaths = world.dies(Phase.MODEL)
    deaths.switch_off(LABEL, "tiny 0.1.0 was rolled back to tiny 0.0.9")
    return deaths


def test_what_is_switched_off_is_named_with_what_mends_it(world: World) -> None:
    problem = switched_off(world).problem()
    assert problem is not None
    assert "died 3 times with the model tiny/0.1.0" in problem
    assert "10 minutes" in problem
    assert "jupyter nextedit model retry" in problem


def test_it_is_tried_again_after_pauses_that_grow_to_a_day(world: World) -> None:
    deaths = switched_off(world)
    pauses = []
    for _ in range(6):
        left = deaths.seconds_until_trial()
        assert left is not None
        pauses.append(left)
        world.now += left - 1
        assert deaths.try_again() == {}
        world.now += 1
        assert set(deaths.try_again()) == {LABEL}
        deaths = world.dies(Phase.LOADING)  # on trial, one death is enough
        assert set(deaths.too_bad()) == {LABEL}
        deaths.switch_off(LABEL, None)
    assert pauses == [600, 2_400, 9_600, 38_400, 86_400, 86_400]


def test_a_bundle_that_proves_itself_on_trial_is_as_good_as_any(world: World) -> None:
    deaths = switched_off(world)
    world.now += 600
    deaths.try_again()
    deaths = world.dies(Phase.ANALYSIS, PROVED_AFTER_ANSWERS)
    assert deaths.problem() is None
    for _ in range(2):
        assert world.dies(Phase.MODEL).too_bad() == {}


def test_it_stays_off_over_restarts_until_its_time(world: World) -> None:
    switched_off(world).end_cleanly()
    deaths = world.begins()
    assert deaths.unusable() == {LABEL}
    assert deaths.try_again() == {}


@pytest.mark.parametrize("mend", ["restart", "retry"])
def test_the_user_can_have_it_tried_at_once(world: World, mend: str) -> None:
    deaths = switched_off(world)
    if mend == "restart":
        deaths.end_cleanly(retry=True)
        deaths = world.begins()
    else:
        deaths.allow_trial()
    assert deaths.seconds_until_trial() == 0
    assert set(deaths.try_again()) == {LABEL}
    assert deaths.unusable() == set()


@pytest.mark.parametrize("years", [-30, 30])
def test_a_clock_that_jumps_keeps_nothing_off(world: World, years: int) -> None:
    deaths = switched_off(world)
    world.now += years * 365 * 86_400
    assert set(deaths.try_again()) == {LABEL}


def test_a_worker_that_is_full_from_the_start_blames_its_bundle(world: World) -> None:
    for _ in range(3):
        world.begins().blame(LABEL)
    assert set(world.begins().too_bad()) == {LABEL}


RUBBISH: Sequence[object] = (
    [],
    {"": 3},
    {"a": {}},
    {"a": {"row": "x", "weight": [], "pause": None, "until": "never", "placed": 3}},
    {"a": {"row": 10**400, "weight": 1e308, "pause": -1, "until": 1e300}},
    {str(i): {"row": 9} for i in range(5_000)},
)


@pytest.mark.parametrize("models", RUBBISH, ids=lambda value: repr(value)[:30])
def test_a_damaged_record_is_no_obstacle(world: World, models: object) -> None:
    path = world.path / "worker-1.json"
    path.write_text(json.dumps({"clean": False, "deaths": 1, "models": models}))
    deaths = world.begins()
    for ask in (deaths.too_bad, deaths.off, deaths.problem, deaths.seconds_until_trial):
        called: Callable[[], object] = ask
        called()
    assert len(path.read_bytes()) < 10_000
