"""Who is served next, without processes."""

from __future__ import annotations

from typing import Any

import pytest

from nextedit_jupyter.worker.request_queue import Job, RequestQueue


def job(n: int, client: str, connection: int = 1, **value: Any) -> Job:
    return Job(n, (connection, client), value, 0.0)


def test_clients_are_served_in_turn_however_fast_one_types() -> None:
    dropped: list[Job] = []
    turns = RequestQueue(dropped.append)
    order = []
    turns.put(job(0, "fast"))
    turns.put(job(1, "slow"))
    for n in range(2, 12):
        taken = turns.take()
        order.append(taken.client[1])
        turns.done()
        turns.put(job(n, taken.client[1]))
        turns.put(job(100 + n, "fast"))
    assert order == ["fast", "slow"] * 5


def test_a_newer_job_keeps_the_place_of_the_older() -> None:
    dropped: list[Job] = []
    turns = RequestQueue(dropped.append)
    turns.put(job(1, "a"))
    turns.put(job(2, "b"))
    turns.put(job(3, "a"))
    assert [turns.take().n, turns.take().n] == [3, 2]
    assert [j.n for j in dropped] == [1]


def test_the_running_job_is_cancelled_once_by_a_newer_one() -> None:
    dropped: list[Job] = []
    turns = RequestQueue(dropped.append)
    turns.put(job(1, "a"))
    running = turns.take()
    assert not running.cancelled
    turns.put(job(2, "a"))
    turns.put(job(3, "a"))
    assert running.cancelled
    assert [j.n for j in dropped] == [1, 2]


@pytest.mark.parametrize("is_running", [False, True])
def test_what_reads_ahead_supersedes_nothing_that_is_waited_for(is_running: bool) -> None:
    dropped: list[Job] = []
    turns = RequestQueue(dropped.append)
    awaited, ahead = job(1, "a", want=["inline"]), job(2, "a", want=[])
    turns.put(awaited)
    if is_running:
        turns.take()
    turns.put(ahead)
    assert dropped == [ahead]
    assert not awaited.cancelled
    assert is_running or turns.take() is awaited


def test_what_reads_ahead_is_superseded_by_what_is_waited_for_and_by_what_reads_ahead_later() -> (
    None
):
    dropped: list[Job] = []
    turns = RequestQueue(dropped.append)
    jobs = [job(1, "a", want=[]), job(2, "a", want=[]), job(3, "a", want=["inline"])]
    for each in jobs:
        turns.put(each)
    assert dropped == jobs[:2]
    turns.put(job(4, "b", want=[]))  # another client's
    assert turns.take() is jobs[2]
    turns.done()
    assert turns.take().n == 4


@pytest.mark.parametrize("is_running", [False, True])
def test_a_request_that_was_overtaken_on_its_way_gives_way(is_running: bool) -> None:
    dropped: list[Job] = []
    turns = RequestQueue(dropped.append)
    later, earlier, latest = (job(n, "a", id=id) for n, id in ((1, 8), (2, 7), (3, 9)))
    turns.put(later)
    if is_running:
        turns.take()
    turns.put(earlier)
    assert dropped == [earlier]
    assert not later.cancelled
    turns.put(latest)
    assert dropped == [earlier, later]
    assert turns.take() is latest


@pytest.mark.parametrize("ids", [(2, 2), ("b", "a"), (2, "1"), (2, None), (True, False)])
def test_without_growing_numbers_what_arrives_later_is_the_newer(ids: tuple[Any, Any]) -> None:
    dropped: list[Job] = []
    turns = RequestQueue(dropped.append)
    jobs = [job(n, "a", id=id) for n, id in enumerate(ids)]
    for each in jobs:
        turns.put(each)
    assert dropped == jobs[:1]
    assert turns.take() is jobs[1]


def test_another_clients_numbers_say_nothing() -> None:
    dropped: list[Job] = []
    turns = RequestQueue(dropped.append)
    turns.put(job(1, "a", id=8))
    turns.take()
    turns.put(job(2, "b", id=3))
    assert dropped == []


def test_a_question_about_stale_cells_is_waited_for() -> None:
    dropped: list[Job] = []
    turns = RequestQueue(dropped.append)
    turns.put(job(1, "a", want=["inline"]))
    turns.put(job(2, "a", want=[], changed=["cell"]))
    assert [j.n for j in dropped] == [1]


def test_the_same_name_on_another_connection_is_another_client() -> None:
    dropped: list[Job] = []
    turns = RequestQueue(dropped.append)
    turns.put(job(1, "a", connection=1))
    turns.put(job(1, "a", connection=2))
    assert dropped == []
    turns.cancel(lambda j: j.client[0] == 1)
    assert [j.client for j in dropped] == [(1, "a")]
    assert turns.take().client == (2, "a")


def test_turns_are_idle_only_when_nothing_waits_or_runs() -> None:
    turns = RequestQueue(lambda job: None)
    assert turns.idle
    turns.put(job(1, "a"))
    assert not turns.idle
    turns.take()
    assert not turns.idle
    turns.done()
    assert turns.idle


def test_a_job_is_answered_by_whoever_comes_first() -> None:
    one = job(1, "a")
    assert [one.claim(), one.claim()] == [True, False]
