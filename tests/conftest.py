"""Options for all tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens",
        action="store_true",
        help="rewrite the answers in tests/golden; read the diff before you keep it",
    )


@pytest.fixture(autouse=True)
def _main_module() -> Iterator[None]:
    """An IPython shell puts a module of its own in `__main__`'s place; later tests need the real
    one to start processes."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
