"""Whether an object keeps a text reachable, at any depth."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import FunctionType, ModuleType


def reachable(*roots: object) -> Iterator[object]:
    """Everything reachable from objects, except modules, classes and functions."""
    seen: set[int] = set()
    waiting = list(roots)
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type | ModuleType | FunctionType):
            continue
        seen.add(id(thing))
        yield thing
        waiting += gc.get_referents(thing)


def holding(secret: str, *roots: object) -> list[object]:
    """The texts reachable from `roots` in which `secret` stands."""
    return [
        thing
        for thing in reachable(*roots)
        if (isinstance(thing, str) and secret in thing)
        or (isinstance(thing, bytes | bytearray) and secret.encode() in bytes(thing))
    ]
