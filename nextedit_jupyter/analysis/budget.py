"""How much may be read for one request, counted in syntax nodes: a clock stands still under load.

Reading is what takes long, and every text goes through `trees.parse` and `magics.mask` once, until
it is in a cache. So a request that goes over is silent with a reason, what it read is kept, and the
next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Half a second of reading on a slow core, some 400 kB of ordinary code that was not read
# before. What counts as one takes up to 6 µs: two nodes of a text that parses, a quarter of a node
# of one that does not, a name that is followed through its cells.
MAX_NODES = 80_000
# No text counts for more when it is parsed, nor when it is read, so that each request gets on.
MAX_NODES_A_TEXT = 40_000


class OverBudget(Exception):
    """More would have to be read than one request may."""


class Budget:
    """What is left of a request's allowance; `is_over` once it was exceeded."""

    def __init__(self, nodes: int) -> None:
        self.left = nodes
        self.is_over = False


_current: ContextVar[Budget | None] = ContextVar("nextedit_budget", default=None)


@contextmanager
def budget(nodes: int = MAX_NODES) -> Iterator[Budget]:
    """Bound what is read within; without one nothing is counted."""
    own = Budget(nodes)
    token = _current.set(own)
    try:
        yield own
    finally:
        _current.reset(token)


def spend(nodes: int) -> None:
    """Count what is about to be read. Raises OverBudget where it is too much, each time again."""
    own = _current.get()
    if own is None:
        return
    own.left -= min(nodes, MAX_NODES_A_TEXT)
    if own.left < 0:
        own.is_over = True
        raise OverBudget


def require(nodes: int) -> None:
    """Count nothing where so much is left. Raises OverBudget where it is not, and from then on."""
    own = _current.get()
    if own is not None and own.left < nodes:
        own.left = -1
        own.is_over = True
        raise OverBudget
