"""What the worker writes to its log."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from nextedit_jupyter.core.error_log import log_error
from nextedit_jupyter.worker.log_file import BoundedLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


def test_the_log_starts_again_when_it_has_grown_too_large(path: Path) -> None:
    with path.open("ab", buffering=0) as file:
        handler = BoundedLog(file, limit=2_000)
        for i in range(500):
            handler.emit(logging.makeLogRecord({"msg": f"line {i}"}))
            assert path.stat().st_size < 2_200
    assert "line 499" in path.read_text()


def test_an_errors_message_and_traceback_are_left_out(path: Path) -> None:
    logger = logging.Logger("test")
    with path.open("ab", buffering=0) as file:
        logger.addHandler(BoundedLog(file))
        try:
            compile("hunter2 =", "<cell>", "exec")
        except SyntaxError:
            logger.exception("a lane failed")
    assert "a lane failed" in path.read_text()
    assert "hunter2" not in path.read_text()


def test_an_error_is_logged_by_type_and_place(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> None:
        raise ValueError("hunter2")

    try:
        fails()
    except ValueError as error:
        log_error(logging.getLogger("nextedit.worker"), "a request failed", error)
    assert "ValueError at test_worker_log.py" in caplog.text
    assert "fails" in caplog.text
    assert "hunter2" not in caplog.text
