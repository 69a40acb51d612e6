"""How an unexpected error is logged: its type and the lines of our code in its traceback, and
nothing else.

A message or a variable's value may contain the user's text: a SyntaxError carries the line.
"""

from __future__ import annotations

import logging
import os


def log_error(log: logging.Logger, what: str, error: BaseException) -> None:
    """Log `what` with the error's type and the last eight lines of the traceback, innermost
    first."""
    places = []
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{os.path.basename(code.co_filename)}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    log.error("%s: %s at %s", what, type(error).__name__, " < ".join(reversed(places[-8:])))
