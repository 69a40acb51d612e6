"""Who is served next, without processes."""

from __future__ import annotations

from nextedit_jupyter.worker.request_queue import Job, RequestQueue


def job(n: int, client: str, connection: int = 1) -> Job:
    return Job(n, (connection, client), {}, 0.0)


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
