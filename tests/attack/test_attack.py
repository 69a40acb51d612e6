"""A short form of each attack; `make attack` is the long one."""

from __future__ import annotations

import sys

import pytest
from attacks import (
    Report,
    attack_by_endurance,
    attack_protocol,
    attack_sources,
    attack_store_with_kills,
    attack_with_bundles,
    attack_with_kills,
    attack_with_texts,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes"),
]


def unharmed(report: Report) -> Report:
    assert not report.faults, (report.faults, report.examples)
    assert report.count > 0
    return report


def test_requests_gone_wrong_get_one_answer_each_under_their_own_ids() -> None:
    report = unharmed(attack_protocol(200))
    assert {"bad_request", "bad_json"} <= set(report.ended)


def test_cells_gone_wrong_are_answered_and_edits_apply_to_what_was_sent() -> None:
    report = unharmed(attack_sources(40))
    assert report.ended["suggested"] > 0


def test_texts_that_take_long_to_read_are_answered_each_within_a_few_seconds() -> None:
    report = unharmed(attack_with_texts(12))
    assert report.worst_ms < 4_000  # the processor's, under a limit that no load reaches


def test_a_worker_that_is_killed_again_and_again_serves_on_with_its_model() -> None:
    unharmed(attack_with_kills(2))


def test_an_install_that_is_killed_leaves_whole_bundles() -> None:
    unharmed(attack_store_with_kills(4))


def test_typing_without_end_does_not_make_the_worker_grow() -> None:
    report = unharmed(attack_by_endurance(150))
    assert report.count == 150


def test_two_hostile_bundles_are_refused() -> None:
    assert unharmed(attack_with_bundles(2)).ended == {"refused": 2}
