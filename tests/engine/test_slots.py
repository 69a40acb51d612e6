"""What slots take of memory: what they hold, and nothing once they are gone."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nextedit_jupyter.core.memory_use import resident_mb
from nextedit_jupyter.engine.decoder import Decoder, Slot

MB = 2**20
# 64 MB a slot, in 64 buffers of 1 MB: that is where an allocator changes its ways.
SIZES: dict[str, Any] = {"layers": 32, "kv_heads": 1, "head_dim": 64, "context": 4096}


def new_slot() -> Slot:
    sizes = SimpleNamespace(**SIZES, slot_bytes=64 * MB)
    return Slot(cast(Decoder, sizes))


def fill(slot: Slot, tokens: int) -> None:
    for buffer in slot.buffers:
        buffer[:, :, :tokens] = 1.0


def test_a_slot_has_a_zeroed_buffer_for_keys_and_for_values_of_each_layer() -> None:
    slot = new_slot()
    assert [buffer.shape for buffer in slot.buffers] == [(1, 1, 4096, 64)] * 64
    assert all(not buffer.any() for buffer in slot.buffers)
    fill(slot, 4096)
    assert all(buffer.all() for buffer in slot.buffers)


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a process is Linux' own here")
def test_a_slot_costs_what_it_holds_in_the_place_of_others_that_were_full() -> None:
    fill(new_slot(), 4096)
    before = resident_mb()
    first, second = new_slot(), new_slot()
    fill(first, 4096)
    fill(second, 1024)
    for _ in range(4):
        first, second = second, new_slot()  # the longest unused one goes
        fill(second, 1024)
    assert resident_mb() - before < 48, "a quarter of each is used: 32 MB"
    del first, second
    assert resident_mb() - before < 8
