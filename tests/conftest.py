"""Options for all tests."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# No clock decides a test, whatever else the machine does.
hypothesis.settings.register_profile("nextedit", deadline=None)
hypothesis.settings.load_profile("nextedit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens",
        action="store_true",
        help="rewrite the answers in tests/golden; read the diff before you keep it",
    )


def pytest_configure(config: pytest.Config) -> None:
    """A data folder of their own: which model the user has installed must not decide a test."""
    os.environ["NEXTEDIT_DATA_DIR"] = tempfile.mkdtemp(prefix="nextedit-tests-")
    if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as processors: a thread each
        os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is imported by now stays: collections of garbage, which IPython asks for at the end of
    each shell, need not look through it."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    for child in multiprocessing.active_children():  # the interpreter would wait for each
        print(f"left running by a test, killed now: {child}", file=sys.stderr)
        child.kill()
    shutil.rmtree(os.environ["NEXTEDIT_DATA_DIR"], ignore_errors=True)


# Fixtures behind which a worker or a server runs, and what a file says that uses one or is marked.
WAITED_FOR = {"connect", "jp_serverapp"}
SAYS_SO = ("mark.alone", "connect", "jp_")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Reading all 6,000 tests to choose the few that run alone would take as long as a tenth of
    them."""
    if config.option.markexpr != "alone" or not collection_path.name.startswith("test_"):
        return None
    files = (collection_path, collection_path.with_name("conftest.py"))
    text = "".join(file.read_text("utf-8") for file in files if file.is_file())
    return None if any(word in text for word in SAYS_SO) else True


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if WAITED_FOR.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("alone")


@pytest.fixture(autouse=True)
def _main_module() -> Iterator[None]:
    """An IPython shell puts a module of its own in `__main__`'s place; later tests need the real
    one to start processes."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
