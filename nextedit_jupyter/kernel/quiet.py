"""Code in a user's kernel never raises into their cell: it logs an error once and stays silent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

P = ParamSpec("P")

_log = logging.getLogger("nextedit_jupyter")
_log.addHandler(logging.NullHandler())  # or logging itself would print into cells
_reported: set[str] = set()


def report_once(what: str, error: BaseException) -> None:
    """Log that `what` failed, with only the error's type: its message may contain user code."""
    if what not in _reported:
        _reported.add(what)
        _log.warning("nextedit: %s failed (%s); it stays silent", what, type(error).__name__)


def suppress_errors(what: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Wrap a callback so that it never raises; `what` names it in the log."""

    def wrap(function: Callable[P, None]) -> Callable[P, None]:
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                function(*args, **kwargs)
            except Exception as error:
                report_once(what, error)

        return guarded

    return wrap
