"""Threads follow what the machine has free, and an answer does not depend on them."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tiny_bundle import SHAPE, random_weights

from nextedit_jupyter.bundles.graph import build_graph
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.engine.contention import WINDOW_SECONDS, Contention
from nextedit_jupyter.engine.decoder import Decoder, Slot
from nextedit_jupyter.engine.sessions import CHANGE_SECONDS, Sessions

IDS = np.random.default_rng(0).integers(0, SHAPE.vocab_size, 60).tolist()


@dataclass
class Machine:
    """Counters of a machine with a clock of its own."""

    cores: int = 2
    at: float = 0.0
    busy_seconds: float = 0.0
    own_seconds: float = 0.0
    contention: Contention = field(init=False)

    def __post_init__(self) -> None:
        self.contention = Contention(
            cores=self.cores,
            busy=lambda: self.busy_seconds,
            own=lambda: self.own_seconds,
            clock=lambda: self.at,
        )
        self.contention.free_cores()

    def live(self, seconds: float, *, others: float, own: float = 0.0) -> None:
        """Let time pass in which other processes, and this one, kept so many cores busy."""
        self.at += seconds
        self.busy_seconds += seconds * (others + own)
        self.own_seconds += seconds * own


@pytest.mark.parametrize(
    ("others", "own", "threads"),
    [(0.0, 0.0, 2), (0.3, 1.5, 2), (0.0, 2.0, 2), (1.0, 0.5, 1), (2.0, 0.0, 1), (1.4, 0.6, 1)],
)
def test_a_pass_asks_for_the_threads_that_others_leave(
    others: float, own: float, threads: int
) -> None:
    machine = Machine()
    machine.live(WINDOW_SECONDS, others=others, own=own)
    assert machine.contention.threads(2, 2) == threads


def test_many_cores_leave_all_threads_to_a_pass() -> None:
    machine = Machine(cores=16)
    machine.live(WINDOW_SECONDS, others=12.0)
    assert machine.contention.threads(2, 2) == 2


def test_more_must_be_free_to_rise_than_to_stay() -> None:
    machine = Machine()
    machine.live(WINDOW_SECONDS, others=0.5)
    assert machine.contention.threads(2, 2) == 2
    assert machine.contention.threads(1, 2) == 1
    machine.live(WINDOW_SECONDS, others=0.1)
    assert machine.contention.threads(1, 2) == 2


def test_a_machine_without_counters_counts_as_free() -> None:
    def unknown() -> float:
        raise OSError("no counters here")

    assert Contention(cores=2, busy=unknown).threads(2, 2) == 2


def decoder(threads: int, machine: Machine | None = None) -> Decoder:
    return Decoder(
        build_graph(SHAPE, random_weights()).SerializeToString(),
        SHAPE,
        threads=threads,
        contention=machine.contention if machine else None,
    )


def test_logits_are_the_same_bits_on_one_thread_and_on_two() -> None:
    one, two = decoder(1), decoder(2)
    assert np.array_equal(one.run(Slot(one), IDS, 0, 0), two.run(Slot(two), IDS, 0, 0))


class Opened:
    """Sessions that are told apart by their threads."""

    def __init__(self, threads: int) -> None:
        self.threads = threads


def sessions(machine: Machine, open: Any = Opened) -> Sessions:
    return Sessions(open, 2, machine.contention, clock=lambda: machine.at)


def settle(found: Sessions) -> None:
    """Wait for a session that is being opened, by passes as a worker would make them."""
    for thread in threading.enumerate():
        if thread.name == "nextedit-session":
            thread.join(10)
    found.fit()


def test_a_busy_machine_gets_a_session_of_one_thread_and_a_free_one_the_other_again() -> None:
    machine = Machine()
    found = sessions(machine)
    machine.live(CHANGE_SECONDS, others=2.0)
    found.fit()
    settle(found)
    assert (found.threads, found.current.threads) == (1, 1)
    machine.live(CHANGE_SECONDS, others=0.0)
    found.fit()
    settle(found)
    assert (found.threads, found.current.threads) == (2, 2)


def test_sessions_are_not_changed_for_a_moment() -> None:
    machine = Machine()
    found = sessions(machine)
    machine.live(WINDOW_SECONDS, others=2.0)
    found.fit()
    settle(found)
    assert found.threads == 2


def test_a_session_that_cannot_be_opened_leaves_the_present_one() -> None:
    machine = Machine()

    def open(threads: int) -> Opened:
        if threads == 1:
            raise BundleError("no memory")
        return Opened(threads)

    found = sessions(machine, open)
    machine.live(CHANGE_SECONDS, others=2.0)
    found.fit()
    settle(found)
    assert (found.threads, found.current.threads) == (2, 2)


def test_a_sequence_goes_on_in_the_new_session_with_the_same_bits() -> None:
    plain = decoder(2)
    whole = plain.run(Slot(plain), IDS, 0, 0)
    machine = Machine()
    changing = decoder(2, machine)
    changing._sessions._clock = lambda: machine.at
    changing._sessions._changed = 0.0
    slot, at, rows = Slot(changing), 0, []
    for others in (2.0, 2.0, 0.0, 0.0):
        rows.append(changing.run(slot, IDS[at : at + 15], at, 0))
        at += 15
        machine.live(CHANGE_SECONDS, others=others)
        changing._sessions.fit()
        deadline = time.monotonic() + 10
        while changing._sessions._next is not None and time.monotonic() < deadline:
            settle(changing._sessions)
    assert np.array_equal(np.concatenate(rows), whole)


def test_the_session_before_is_gone_after_the_first_pass_in_the_next_one() -> None:
    machine = Machine()
    changing = decoder(2, machine)
    changing._sessions._clock = lambda: machine.at
    changing._sessions._changed = 0.0
    used, unused = Slot(changing), Slot(changing)
    for slot in (used, unused):
        changing.run(slot, IDS[:15], 0, 0)
    before = weakref.ref(changing.session)
    machine.live(CHANGE_SECONDS, others=2.0)
    changing._sessions.fit()
    settle(changing._sessions)
    changing.run(used, IDS[15:30], 15, 0)
    assert changing._sessions.threads == 1
    gc.collect()
    assert before() is None, "weights are in memory twice"
