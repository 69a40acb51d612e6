"""What the process is doing, kept where it stays readable after the process ends.

A process that is killed, or crashes in native code, cannot report the cause. So each thread that
matters writes its phase to a few bytes of a mapped file: a write to memory, without a system call,
which outlives the process. The next process reads it (`worker.crash_counter`) and blames the model
only for what happened inside the model. Without a file nothing is kept.

A record has `SLOTS` slots of `SLOT_BYTES`: the phase, the number of the model's answers since the
process began, and the model's label.
"""

from __future__ import annotations

import contextlib
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

SLOTS = 2
_HEAD = struct.Struct("<BxHI")  # phase, bytes of the label, answers
_LABEL_BYTES = 120
SLOT_BYTES = _HEAD.size + _LABEL_BYTES
RECORD_BYTES = SLOTS * SLOT_BYTES


class Phase(IntEnum):
    """What a thread is doing. Only `LOADING` and `MODEL` run a bundle's code and data."""

    AT_REST = 0
    ANALYSIS = 1
    LOADING = 2
    MODEL = 3

    @property
    def is_inside_the_model(self) -> bool:
        return self in (Phase.LOADING, Phase.MODEL)


class Buffer(Protocol):
    """A writable buffer: a bytearray or a mapped file."""

    def __setitem__(self, at: slice, value: bytes, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Note:
    """The content of one slot: the phase, the model's label (may be empty), and its answers."""

    phase: Phase
    label: str
    answers: int


class _Thread(threading.local):
    """A thread's state; `slot` is where it is recorded, None for threads without one."""

    slot: int | None = None
    phase: Phase = Phase.AT_REST
    label: str = ""
    has_asked: bool = False


_thread = _Thread()
_buffer: Buffer | None = None
_answers: dict[str, int] = {}


def note_into(buffer: Buffer) -> None:
    """Record this process's phases in `buffer`, which has `RECORD_BYTES` and is cleared."""
    global _buffer
    buffer[0:RECORD_BYTES] = bytes(RECORD_BYTES)
    _answers.clear()
    _buffer = buffer


def take_slot(slot: int) -> None:
    """Record this thread's phases in a slot of its own, which begins as idle."""
    _thread.slot, _thread.phase, _thread.label = slot, Phase.AT_REST, ""
    _thread.has_asked = False
    _write()


@contextlib.contextmanager
def during(phase: Phase, label: str | None = None) -> Iterator[None]:
    """Record this phase (of the model `label`) during the block, and the previous one
    afterwards."""
    before, before_label = _thread.phase, _thread.label
    _thread.phase = phase
    if label is not None:
        _thread.label = label
    _thread.has_asked = _thread.has_asked or phase is Phase.MODEL
    _write()
    try:
        yield
    finally:
        _thread.phase = before
        if label is not None:
            _thread.label = before_label
        _write()


def name_model(label: str) -> None:
    """Record which model this thread is about to ask."""
    if label != _thread.label:
        _thread.label = label
        _write()


def take_answer() -> tuple[str, int] | None:
    """The model that this thread has asked since the last call, and the number of its answers so
    far.

    None if it has asked none. Call it when a request has been answered: then the model has
    answered.
    """
    if not _thread.has_asked:
        return None
    _thread.has_asked = False
    label = _thread.label
    _answers[label] = _answers.get(label, 0) + 1
    _write()
    return label, _answers[label]


def read(record: bytes) -> list[Note]:
    """The slots of a record. Accepts any bytes, since the record may be damaged."""
    notes = []
    for slot in range(len(record) // SLOT_BYTES):
        part = record[slot * SLOT_BYTES : (slot + 1) * SLOT_BYTES]
        number, length, answers = _HEAD.unpack_from(part)
        try:
            phase = Phase(number)
        except ValueError:
            continue
        label = part[_HEAD.size : _HEAD.size + min(length, _LABEL_BYTES)]
        notes.append(Note(phase, label.decode("utf-8", "replace"), answers))
    return notes


def _write() -> None:
    slot, buffer = _thread.slot, _buffer
    if slot is None or buffer is None:
        return
    label = _thread.label.encode("utf-8", "replace")[:_LABEL_BYTES]
    head = _HEAD.pack(_thread.phase, len(label), min(_answers.get(_thread.label, 0), 2**32 - 1))
    at = slot * SLOT_BYTES
    buffer[at : at + _HEAD.size + len(label)] = head + label
