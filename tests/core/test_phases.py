"""What a process notes of its phases, as another one reads it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest

from nextedit_jupyter.core import phases
from nextedit_jupyter.core.phases import Phase, during


@pytest.fixture
def record() -> Iterator[bytearray]:
    """A record into which this thread notes in slot 0."""
    buffer = bytearray(phases.RECORD_BYTES)
    phases.note_into(buffer)
    phases.take_slot(0)
    yield buffer
    phases._buffer = None
    phases._thread.slot = None


def first(record: bytearray) -> phases.Note:
    return phases.read(bytes(record))[0]


def test_a_phase_stands_in_the_record_while_it_lasts(record: bytearray) -> None:
    with during(Phase.ANALYSIS):
        phases.name_model("tiny/0.1.0")
        with during(Phase.MODEL):
            assert first(record) == phases.Note(Phase.MODEL, "tiny/0.1.0", 0)
        assert first(record).phase is Phase.ANALYSIS
    assert first(record).phase is Phase.AT_REST


def test_what_is_left_by_an_error_is_left(record: bytearray) -> None:
    with contextlib.suppress(RuntimeError), during(Phase.LOADING, "other/1.0.0"):
        assert first(record).label == "other/1.0.0"
        raise RuntimeError
    assert first(record) == phases.Note(Phase.AT_REST, "", 0)


def test_answers_are_counted_by_model_and_only_where_it_was_asked(record: bytearray) -> None:
    assert phases.take_answer() is None
    for label, count in (("a/1.0.0", 1), ("a/1.0.0", 2), ("b/1.0.0", 1)):
        phases.name_model(label)
        with during(Phase.MODEL):
            pass
        assert phases.take_answer() == (label, count)
        assert phases.take_answer() is None
    assert first(record) == phases.Note(Phase.AT_REST, "b/1.0.0", 1)


def test_threads_note_in_their_own_slots_and_others_nowhere(record: bytearray) -> None:
    def beside(slot: int | None) -> None:
        if slot is not None:
            phases.take_slot(slot)
        with during(Phase.LOADING, f"beside/{slot}"):
            seen.append(phases.read(bytes(record)))

    seen: list[list[phases.Note]] = []
    with during(Phase.ANALYSIS):
        for slot in (None, 1):
            thread = threading.Thread(target=beside, args=(slot,))
            thread.start()
            thread.join()
    assert [note.phase for note in seen[0]] == [Phase.ANALYSIS, Phase.AT_REST]
    assert [note.phase for note in seen[1]] == [Phase.ANALYSIS, Phase.LOADING]


@pytest.mark.parametrize("label", ["x" * 1_000, "\ud800", "é" * 100, ""])
def test_any_label_fits(record: bytearray, label: str) -> None:
    with during(Phase.MODEL, label):
        assert len(first(record).label.encode("utf-8", "replace")) <= 200


@pytest.mark.parametrize("damaged", [b"", b"\xff" * phases.RECORD_BYTES, b"\x03", b"\0" * 7])
def test_a_damaged_record_is_no_obstacle(damaged: bytes) -> None:
    assert all(note.phase in Phase for note in phases.read(damaged))
