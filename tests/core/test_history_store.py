"""Edits kept on disk: only what is asked for, nothing secret, bounded, and never in the way."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from nextedit_jupyter.core.history import EditEvent
from nextedit_jupyter.core.history_store import MAX_AGE_S, SETTLE_S, HistoryStore

KEY = "sk-" + "proj-" + "Zk81hQpLw02nVbRt77aaYeTu"


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history" / "history.sqlite"


def edit(before: str, after: str, cell: str = "c", origin: str = "typed") -> EditEvent:
    return EditEvent(cell, before, after, origin, 1.0)  # type: ignore[arg-type]


def kept(store: HistoryStore) -> list[tuple[str, str]]:
    return [(one.event.before, one.event.after) for one in store.edits()]


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


ELSEWHERE = edit("", "1", "elsewhere")  # typed last: every other cell was left


def test_an_edit_is_kept_once_its_cell_was_left_or_is_quiet_however_often_it_is_sent(
    path: Path, clock: Clock
) -> None:
    store = HistoryStore(path, clock=clock)
    first, second = edit("", "x = 1"), edit("x = 1", "x = 2")
    store.take("python", [first])
    store.take("python", [first, second])
    assert kept(store) == []  # the cell is still being typed in
    for _ in range(3):
        store.take("python", [first, second, ELSEWHERE])
    assert kept(store) == [("", "x = 1"), ("x = 1", "x = 2")]
    clock.now += SETTLE_S
    store.take("python", [first, second, ELSEWHERE])
    assert kept(store)[2:] == [("", "1")]
    again = HistoryStore(path, clock=clock)  # the worker was started again
    again.take("python", [second, edit("x = 2", "x = 3"), ELSEWHERE])
    assert kept(again)[3:] == [("x = 2", "x = 3")]
    assert {one.language for one in again.edits()} == {"python"}


def test_a_token_that_is_typed_with_pauses_never_touches_the_disk(path: Path, clock: Clock) -> None:
    token = "q7Zk81hQpLw02nVbRt77"  # of no known shape: recognised by its name, once it is long
    for writes in (lambda: None, lambda: on_disk(path)):
        store = HistoryStore(path, clock=clock)
        text, record = "tok", []
        for typed in ("tok", "token = '", *(token[i : i + 3] for i in range(0, 20, 3)), "'"):
            new = text + typed if typed != "tok" else "tok"
            record.append(edit(text, new))
            text = new
            clock.now += 5
            writes()
            store.take("python", record[-10:], ["c"])
            assert b"q7Z" not in on_disk(path)
        store.take("python", [ELSEWHERE], ["c", "elsewhere"])  # the front end dropped them
        clock.now += SETTLE_S
        store.take("python", [ELSEWHERE], ["c", "elsewhere"])
        store.close()
        assert b"q7Z" not in on_disk(path)


def test_what_a_front_end_dropped_from_its_record_is_not_written(path: Path, clock: Clock) -> None:
    store = HistoryStore(path, clock=clock)
    store.take("python", [edit("", "pw = input('hunt")], ["c"])
    store.take("python", [edit("", "y", "d"), ELSEWHERE], ["c", "d", "elsewhere"])
    clock.now += SETTLE_S
    store.take("python", [edit("", "y", "d"), ELSEWHERE], ["c", "d", "elsewhere"])
    assert kept(store) == [("", "y"), ("", "1")]


def test_a_burst_that_goes_on_is_kept_as_it_ended(path: Path, clock: Clock) -> None:
    store = HistoryStore(path, clock=clock)
    for text in ("a", "ab", "abc"):
        store.take("python", [edit("", text)], ["c"])
    store.take("python", [edit("", "abc"), ELSEWHERE], ["c", "elsewhere"])
    assert kept(store) == [("", "abc")]


def test_what_is_at_rest_is_written_when_the_worker_leaves_and_the_rest_is_not(
    path: Path, clock: Clock
) -> None:
    store = HistoryStore(path, clock=clock)
    store.take("python", [edit("", "x = 1")])
    clock.now += SETTLE_S
    store.close()
    store = HistoryStore(path, clock=clock)
    assert kept(store) == [("", "x = 1")]
    store.take("python", [edit("x = 1", "x = 2")])
    store.close()
    assert kept(HistoryStore(path, clock=clock)) == [("", "x = 1")]


def test_other_peoples_edits_are_not_kept(path: Path, clock: Clock) -> None:
    store = HistoryStore(path, clock=clock)
    store.take("python", [edit("a", "b", origin="remote"), edit("b", "c")])
    assert kept(store) == []


def test_a_secret_is_never_written_and_takes_its_cells_past_off_the_disk(
    path: Path, clock: Clock
) -> None:
    store = HistoryStore(path, clock=clock)
    partial = f"key = '{KEY[:14]}"
    store.take("python", [edit("", partial), edit("", "y = 1", "other"), edit("", "", "end")])
    assert kept(store) == [("", "y = 1")]
    assert partial.encode() not in on_disk(path)
    secret = f"key = '{KEY}'"
    store.take("python", [edit(partial, secret), edit(secret, "key = ''"), edit("p", "q", "o")])
    assert kept(store) == [("", "y = 1")]
    assert KEY.encode() not in on_disk(path)
    assert partial.encode() not in on_disk(path)


def test_old_rows_go_and_so_do_those_of_a_clock_that_was_wrong(path: Path, clock: Clock) -> None:
    store = HistoryStore(path, clock=clock)
    store.take("python", [edit("", "then"), edit("", "", "end")])
    clock.now += MAX_AGE_S + 1
    store.take("python", [edit("", "now"), edit("", "", "end")])
    assert kept(store) == [("", "now")]
    clock.now -= 10 * 365 * 86_400
    store.take("python", [edit("", "before"), edit("", "", "end")])
    assert kept(store) == [("", "before")]


def test_the_file_stays_within_its_bound_and_the_oldest_go_first(path: Path, clock: Clock) -> None:
    store = HistoryStore(path, clock=clock, max_bytes=200_000)
    for number in range(100):
        text = f"{number}" + "x" * 9_000
        store.take("python", [edit("", text, f"c{number}"), edit("", "", "end")])
    assert sum(file.stat().st_size for file in path.parent.iterdir()) < 300_000
    texts = [after for _, after in kept(store)]
    assert texts
    assert texts[-1].startswith("99x")
    assert not texts[0].startswith("0x")


def test_a_text_larger_than_a_tenth_of_it_is_not_kept(path: Path, clock: Clock) -> None:
    store = HistoryStore(path, clock=clock, max_bytes=100_000)
    store.take("python", [edit("", "x" * 20_000), edit("", "", "end")])
    assert kept(store) == []


def test_it_is_its_owners_alone(path: Path, clock: Clock) -> None:
    HistoryStore(path, clock=clock)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_purge_leaves_nothing_though_another_has_it_open(path: Path, clock: Clock) -> None:
    worker, other = HistoryStore(path, clock=clock), HistoryStore(path, clock=clock)
    worker.take("python", [edit("", "private = 1"), edit("", "", "end")])
    other.purge()
    assert kept(worker) == []
    assert b"private" not in on_disk(path)
    worker.take("python", [edit("", "more = 1"), edit("", "", "end")])
    assert kept(worker) == [("", "more = 1")]


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"x" * 5_000])
def test_a_damaged_file_begins_anew(path: Path, clock: Clock, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    store = HistoryStore(path, clock=clock)
    store.take("python", [edit("", "x"), ELSEWHERE])
    assert kept(store) == [("", "x")]


def test_a_store_that_another_holds_or_that_cannot_be_made_keeps_nothing_and_raises_nothing(
    path: Path, tmp_path: Path, clock: Clock
) -> None:
    HistoryStore(path, clock=clock).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    store = HistoryStore(path, clock=clock)
    store.take("python", [edit("", "x"), ELSEWHERE])
    holder.close()
    (tmp_path / "file").write_text("in the way")
    nowhere = HistoryStore(tmp_path / "file" / "history.sqlite", clock=clock)
    nowhere.take("python", [edit("", "x"), ELSEWHERE])
    assert not nowhere.is_usable
    assert kept(nowhere) == []
    nowhere.purge()


def test_lone_surrogates_are_left_out(path: Path, clock: Clock) -> None:
    store = HistoryStore(path, clock=clock)
    store.take("python", [edit("", "\ud800"), edit("", "ok", "d"), edit("", "", "end")])
    assert kept(store) == [("", "ok")]


def test_an_edit_that_ran_is_kept_at_once_and_once_whoever_saw_it(path: Path, clock: Clock) -> None:
    kernel, worker = HistoryStore(path, clock=clock), HistoryStore(path, clock=clock)
    ran = edit("x = 1", "x = 2", origin="executed")
    kernel.keep("python", ran)
    worker.take("python", [ran, edit("x = 2", "x = 3")])
    assert kept(kernel) == [("x = 1", "x = 2")]
    kernel.keep("python", edit("x = 2", f"key = '{KEY}'", origin="executed"))
    assert kept(worker) == []


def test_what_a_newer_redactor_refuses_is_not_read(path: Path, clock: Clock) -> None:
    HistoryStore(path, clock=clock).keep("python", edit("", "odd = 1"))
    assert kept(HistoryStore(path, clock=clock, refuses=lambda text: "odd" in text)) == []


def test_a_full_store_that_another_process_holds_keeps_nobody_waiting(
    path: Path, clock: Clock
) -> None:
    """Rows can be read then but not deleted: an attempt to get below the bound must end."""
    earlier = HistoryStore(path, clock=clock)
    for number in range(8):
        earlier.keep("python", edit("", f"{number}" + "x" * 9_000))
    store = HistoryStore(path, clock=clock, max_bytes=20_000)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    store.keep("python", edit("", "one more"))
    assert len(store) == 8
    holder.execute("ROLLBACK")
    holder.close()


def test_a_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    (elsewhere / "history.sqlite").write_bytes(b"somebody's")
    (tmp_path / "history").symlink_to(elsewhere)
    store = HistoryStore(tmp_path / "history" / "history.sqlite")
    assert not store.is_usable
    store.keep("python", EditEvent("c0", "a", "b"))
    store.purge()
    store._store.delete()
    assert (elsewhere / "history.sqlite").read_bytes() == b"somebody's"
    assert elsewhere.stat().st_mode & 0o777 == 0o755


def test_a_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"")
    folder = tmp_path / "history"
    folder.mkdir()
    (folder / "history.sqlite").symlink_to(tmp_path / "theirs")
    assert not HistoryStore(folder / "history.sqlite").is_usable
    assert (tmp_path / "theirs").read_bytes() == b""
