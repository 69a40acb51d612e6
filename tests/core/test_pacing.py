from __future__ import annotations

from typing import Any

import pytest

from nextedit_jupyter.core.pacing import Pacing, PacingSettings, Power


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def pacing(power: Power | None = None, **settings: Any) -> tuple[Pacing, Clock]:
    clock = Clock()
    return Pacing(
        clock=clock, power=lambda: power or Power(), settings=PacingSettings(**settings)
    ), clock


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        (Power(), 50),
        (Power(plugged=True, percent=5), 50),
        (Power(plugged=None, percent=10), 50),
        (Power(plugged=False, percent=80), 300),
        (Power(plugged=False, percent=None), 300),
        (Power(plugged=False, percent=20), 300),
        (Power(plugged=False, percent=19.9), 1_000),
    ],
)
def test_each_power_state_has_its_pause(power: Power, expected: float) -> None:
    assert pacing(power)[0].pause_ms() == expected


def test_rejections_slow_down_and_acceptances_speed_up_within_bounds() -> None:
    pace, _ = pacing(Power(plugged=False, percent=80))
    pace.observe("rejected")
    assert pace.pause_ms() == pytest.approx(450)
    pace.observe("accepted")
    assert pace.pause_ms() == pytest.approx(360)
    for _ in range(30):
        pace.observe("rejected")
    assert pace.pause_ms() == 3_000
    for _ in range(60):
        pace.observe("accepted")
    assert pace.pause_ms() == 50


def test_a_delay_of_the_users_own_is_stretched_as_the_pause_is() -> None:
    pace, clock = pacing()
    assert pace.factor() == 1
    pace.observe("rejected")
    assert pace.factor() == pytest.approx(1.5)
    pace.observe("accepted")
    assert pace.factor() == pytest.approx(1.2)
    clock.now += 601
    assert pace.factor() == 1
    fixed, _ = pacing(adaptive=False)
    fixed.observe("rejected")
    assert fixed.factor() == 1


def test_what_was_learnt_is_forgotten_in_ten_minutes() -> None:
    pace, clock = pacing(Power(plugged=False))
    pace.observe("rejected")
    clock.now += 300
    assert 300 < pace.pause_ms() < 450
    clock.now += 301
    assert pace.pause_ms() == 300


def test_a_rejection_brings_five_seconds_of_quiet_and_an_acceptance_ends_them() -> None:
    pace, clock = pacing()
    assert pace.quiet_ms() == 0
    pace.observe("rejected")
    assert pace.quiet_ms() == pytest.approx(5_000)
    clock.now += 4
    assert pace.quiet_ms() == pytest.approx(1_000)
    pace.observe("accepted")
    assert pace.quiet_ms() == 0
    pace.observe("rejected")
    clock.now += 5.01
    assert pace.quiet_ms() == 0


def test_a_slow_machine_is_asked_less_often() -> None:
    pace, _ = pacing()
    pace.observe_latency(400)
    assert pace.pause_ms() == 200
    for _ in range(100):
        pace.observe_latency(20)
    assert pace.pause_ms() == 50


def test_low_power_rests_only_if_the_user_says_so_and_never_prefills_ahead() -> None:
    low = Power(plugged=False, percent=5)
    assert pacing(low)[0].may_infer()
    assert not pacing(low, off_on_low=True)[0].may_infer()
    assert pacing(Power(plugged=False, percent=50), off_on_low=True)[0].may_infer()
    assert not pacing(low)[0].may_prefill_ahead()
    assert pacing(Power(plugged=False, percent=50))[0].may_prefill_ahead()


def test_without_adaptation_only_power_counts() -> None:
    pace, _ = pacing(adaptive=False)
    pace.observe("rejected")
    pace.observe_latency(900)
    assert pace.pause_ms() == 50


def test_shown_and_typed_through_change_nothing() -> None:
    pace, _ = pacing(Power(plugged=False))
    pace.observe("shown")
    pace.observe("typed_through")
    assert (pace.pause_ms(), pace.quiet_ms()) == (300, 0)


def test_settings_survive_a_command_line_and_nonsense_is_refused() -> None:
    settings = PacingSettings(battery_ms=400, off_on_low=True)
    assert PacingSettings.from_json(settings.to_json()) == settings
    for text in ("", "[]", '{"battery_ms": "fast"}', '{"unknown": 1}'):
        with pytest.raises(ValueError, match=r"."):
            PacingSettings.from_json(text)
