"""The names that lead to the caret: what is called or indexed there, in text that may not parse."""

from __future__ import annotations

import keyword
import re

NEAR = 2_000  # characters before the caret within which a call or chain may begin
_INDEXERS = ("loc", "iloc", "at", "iat")


def callee_at(before: str, at: int) -> str:
    """The dotted name that ends at `at`, with a leading dot if it continues a call."""
    start = at
    while start > max(0, at - 200) and (before[start - 1].isalnum() or before[start - 1] in "._"):
        start -= 1
    path = before[start:at]
    parts = path.removeprefix(".").split(".")
    if not all(part.isidentifier() for part in parts) or keyword.iskeyword(parts[-1]):
        return ""
    return path


def method_at(before: str, at: int) -> str:
    """The last name of the callee at `at`."""
    return callee_at(before, at).rpartition(".")[2]


def is_last_label(path: str, subscript: str) -> bool:
    """Whether nothing can follow a label: `frame.at` takes a row and a column, but no slices."""
    return path.endswith(".at") and subscript.rstrip().endswith(",")


def without_indexer(path: str) -> str:
    """The object of `path` without `.loc` and its kind; "" if a call comes before it."""
    owner, _, last = path.rpartition(".")
    path = owner if owner and last in _INDEXERS else path
    return "" if path.startswith(".") else path


def root_of_chain(head: str) -> str:
    """The first name of the chain `name.f(…)[…].g` at the end of `head`; "" if there is none."""
    at, depth, low = len(head), 0, max(0, len(head) - NEAR)
    while at > low:
        char = head[at - 1]
        if char in ")]}":
            depth += 1
        elif char in "([{":
            if not depth:
                break
            depth -= 1
        elif not depth and not (char.isalnum() or char in "_."):
            break
        at -= 1
    match = re.match(r"[^\W\d]\w*", head[at:])
    return match[0] if match is not None and not depth else ""
