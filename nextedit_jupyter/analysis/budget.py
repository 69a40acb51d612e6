"""A budget for reading per request, counted in syntax nodes, because time depends on the load.

Reading is what takes time, and every text passes through `trees.parse` and `magics.mask` once
before it is cached. So a request that exceeds its budget is silent with a reason, what it read is
kept, and the next one continues from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Half a second of reading on a slow core, some 400 kB of ordinary code that was not read before.
# One unit takes up to 6 µs: two nodes of a text that parses, a quarter of a node of one that does
# not, a name that is followed through its cells.
MAX_NODES = 80_000
# The maximum that one text counts for when parsed or read, so that each request makes progress.
MAX_NODES_A_TEXT = 40_000


class OverBudget(Exception):
    """The request would have to read more than its budget."""


class Budget:
    """What is left of a request's budget; `is_over` once it was exceeded."""

    def __init__(self, nodes: int) -> None:
        self.left = nodes
        self.is_over = False


_current: ContextVar[Budget | None] = ContextVar("nextedit_budget", default=None)


@contextmanager
def budget(nodes: int = MAX_NODES) -> Iterator[Budget]:
    """Bound the reading within the block; outside of one nothing is counted."""
    own = Budget(nodes)
    token = _current.set(own)
    try:
        yield own
    finally:
        _current.reset(token)


def spend(nodes: int) -> None:
    """Count what is about to be read. Raises OverBudget if it is too much, and on every later
    call."""
    own = _current.get()
    if own is None:
        return
    own.left -= min(nodes, MAX_NODES_A_TEXT)
    if own.left < 0:
        own.is_over = True
        raise OverBudget


def require(nodes: int) -> None:
    """Check that this much is left, without counting it. Raises OverBudget otherwise, and from then
    on."""
    own = _current.get()
    if own is not None and own.left < nodes:
        own.left = -1
        own.is_over = True
        raise OverBudget
