"""The worker's log: bounded, readable only by the user, and without any of the user's text."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from nextedit_jupyter.worker.runtime import RuntimeFolder

LOG_BYTES = 256 * 1024


class BoundedLog(logging.Handler):
    """Appends lines to an open file, which is restarted when it grows too large.

    For an error logged with its traceback, only the log message is written: the error's own message
    may quote the user's code.
    """

    def __init__(self, file: IO[bytes], limit: int = LOG_BYTES) -> None:
        super().__init__()
        self._file, self._limit = file, limit
        self.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        record.exc_info = record.exc_text = record.stack_info = None
        with contextlib.suppress(OSError, ValueError):
            descriptor = self._file.fileno()
            if os.fstat(descriptor).st_size > self._limit:
                os.ftruncate(descriptor, 0)
            os.write(descriptor, self.format(record).encode("utf-8", "replace") + b"\n")


def open_log(folder: RuntimeFolder) -> IO[bytes]:
    """Open the log and attach our loggers to it. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    file = os.fdopen(os.open(folder.log, flags, 0o600), "ab", buffering=0)
    handler = BoundedLog(file)
    for name, level in (("nextedit.worker", logging.INFO), ("nextedit_jupyter", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.propagate = False
        logger.addHandler(handler)
    return file
