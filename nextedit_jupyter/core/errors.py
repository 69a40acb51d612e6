"""The hierarchy of errors.

    NextEditError
    ├── WireError          a message that cannot be read (code: bad_json, bad_request, too_large)
    ├── WorkerError        the worker cannot be reached, died, or answered too late
    ├── BundleError        a model bundle that is missing, damaged or not to be trusted
    │   └── StoreError     the store cannot be changed now: a full disk, another process changes it
    └── TrainingError      a corpus, checkpoint or recipe that cannot be used

Messages say what to do next; `code` is stable and goes over the wire.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class NextEditError(Exception):
    """Base of all errors that this package raises on purpose."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class WireError(NextEditError):
    """A message that cannot be read; answered with its code, never with a crash."""

    code = "bad_request"


class WorkerError(NextEditError):
    """The worker cannot be reached, died, or was too late."""

    code = "worker"


class BundleError(NextEditError):
    """A model bundle that is missing, damaged, of another shape, or not to be trusted."""

    code = "bundle"


class StoreError(BundleError):
    """The store cannot be changed at the moment, which says nothing about any bundle."""


class TrainingError(NextEditError):
    """A corpus, recipe or checkpoint that cannot be used."""

    code = "training"


@contextlib.contextmanager
def panics_as(message: str) -> Iterator[None]:
    """Turn a panic of a library written in Rust into a BundleError.

    Such a panic is not an Exception, so it would pass all our handlers and end the program; but it
    is an error like any other, caused by the library's input.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise BundleError(message) from None
        raise
