"""No regular expression over a user's text may take more than time linear in it.

`re` holds the interpreter's lock: while an expression backtracks, no deadline, no cancellation and
no watchdog is heard. The test finds the expressions by itself, so the next one is tried as well.
"""

from __future__ import annotations

import os
import re
import time

import pytest
from expressions import PACKAGES, Found, expressions, hostile

# Of processor time, for one text: the slowest linear one takes less than a third of it, a quadratic
# one more.
CPU_SECONDS = 0.3
# For all texts of one expression: one that takes exponential time doesn't come back from the first.
CPU_SECONDS_IN_ALL = 10


def test_the_expressions_of_the_package_are_found() -> None:
    """Constants, those in collections, those that functions make, and the redactor's data."""
    wheres = {one.where for one in expressions()}
    assert len(expressions()) > 150
    assert "nextedit_jupyter.analysis.magics._LEX" in wheres
    assert "nextedit_jupyter.analysis.magics._STRING_END" in wheres
    assert "nextedit_jupyter.core.secret_rules.scheme" in wheres
    assert any(where.startswith("nextedit_jupyter.analysis.patterns.rule:") for where in wheres)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a limit on a process's time")
@pytest.mark.parametrize("package", PACKAGES)
def test_an_expression_takes_time_linear_in_any_text(package: str) -> None:
    mine = [one for one in expressions() if one.package == package]
    stuck = {f"{one.where}: {one.pattern!r}": text for one in mine if (text := stuck_at(one))}
    assert not stuck  # they do not come back from these texts


def test_each_expression_is_of_a_package_that_is_tried() -> None:
    assert {one.package for one in expressions()} <= set(PACKAGES)


def test_one_that_backtracks_is_found() -> None:
    assert stuck_at(Found("here", r"\s+$", 0, False)) is not None
    assert stuck_at(Found("here", r"(a|a)+!", 0, False), in_all=1) is not None


def stuck_at(found: Found, in_all: int = CPU_SECONDS_IN_ALL) -> str | None:
    """The text that a process of its own did not finish within its time; None if it did."""
    import resource

    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (in_all, in_all))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.close(read)
            compiled = re.compile(found.pattern, found.flags)
            for size in (found.longest // 16, found.longest):
                for text in hostile(found.pattern, found.flags, size):
                    os.write(write, f"{text[:12]!r}…{text[-3:]!r} ({len(text)})\n".encode())
                    began = time.process_time()
                    if found.anchored:
                        compiled.match(text)
                    else:
                        for _ in compiled.finditer(text):
                            pass
                    if time.process_time() - began > CPU_SECONDS:
                        os._exit(1)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(write)
    last = b""
    with os.fdopen(read, "rb") as pipe:
        for last in pipe:  # noqa: B007
            pass
    _, status = os.waitpid(child, 0)
    return None if status == 0 else last.decode("utf-8", "replace").strip()
