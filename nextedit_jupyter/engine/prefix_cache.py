"""The prefix cache: a few KV slots, of which the one with the longest common prefix is continued.

Slots are evicted by the cost of losing them, aged by use (GreedyDual: Young, "The k-server dual and
loose competitiveness for paging", 1994): a caret that moves through one notebook creates many slots
that differ in their last tokens, which must not evict another notebook's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nextedit_jupyter.engine.decoder import Slot

# To keep a tail longer than this, the tokens before it are copied: for the default bundle copying
# 400 positions takes under a millisecond, reading 64 tokens takes 5.
KEEP_TAIL = 64


class PrefixCache:
    """At most `max_slots` slots, created on demand by `new_slot`."""

    def __init__(
        self, new_slot: Callable[[], Slot], max_slots: int, *, keep_tail: int = KEEP_TAIL
    ) -> None:
        if max_slots < 1:
            raise ValueError("a cache has at least one slot")
        self._new_slot = new_slot
        self._max_slots = max_slots
        self._keep_tail = keep_tail
        self._slots: list[Slot] = []
        self._clock = 0

    def __len__(self) -> int:
        return len(self._slots)

    def take(self, ids: Sequence[int]) -> tuple[Slot, int]:
        """A slot, and how many of its tokens are a prefix of `ids`; it contains no others.

        The slot with the longest common prefix is rewound, or copied if its tail is worth keeping.
        """
        ids = list(ids)
        best, shared = None, 0
        for slot in self._slots:
            length = shared_length(slot.tokens, ids)
            if length > shared or best is None:
                best, shared = slot, length
        if best is None:
            return self._fresh(), 0
        if len(best.tokens) - shared <= self._keep_tail:
            best.rewind(shared)
            return best, shared
        if len(self._slots) == 1 and self._max_slots == 1:
            best.rewind(shared)
            return best, shared
        slot = self._fresh(keep=best)
        slot.copy_from(best, shared)
        return slot, shared

    def use(self, slot: Slot) -> None:
        """Mark a slot as just used."""
        slot.priority = self._clock + slot.cost

    def drop(self, slot: Slot) -> None:
        """Forget a slot whose content cannot be trusted."""
        slot.rewind(0)
        slot.priority = 0

    def clear(self) -> None:
        """Drop all slots and release their buffers."""
        self._slots.clear()

    def _fresh(self, keep: Slot | None = None) -> Slot:
        """A new slot, replacing another one if there are enough.

        A new one, because the memory pages that a long sequence touched would otherwise stay in
        use.
        """
        if len(self._slots) >= self._max_slots:
            victim = min(
                (slot for slot in self._slots if slot is not keep), key=lambda slot: slot.priority
            )
            self._clock = max(self._clock, victim.priority)
            self._slots.remove(victim)
            del victim
        slot = self._new_slot()
        self._slots.append(slot)
        return slot


def shared_length(one: list[int], other: list[int]) -> int:
    """The length of the common prefix; compares slices, which is done in C."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
