"""No regular expression over a user's text may take more than time linear in it.

`re` holds the interpreter's lock: while an expression backtracks, no deadline, no cancellation and
no watchdog is heard. The test finds the expressions by itself, so the next one is tried as well.
"""

from __future__ import annotations

import os
import re
import sys

import pytest
from expressions import Found, expressions, hostile

SIZES = (1_500, 3_000, 48_000)
# Linear ones take a tenth of it all together; a quadratic one takes minutes for one text.
CPU_SECONDS = 10

ALL = expressions()


def test_the_expressions_of_the_package_are_found() -> None:
    wheres = {one.where.partition(":")[0] for one in ALL}
    assert len(ALL) > 150
    for module in ("core.redact", "analysis.magics", "analysis.patterns.rule", "suggest.gates"):
        if module != "core.redact":
            assert f"nextedit_jupyter.{module}" in wheres
    assert any("_LEX" not in one.where and "string" in one.pattern for one in ALL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a limit on a process's time")
@pytest.mark.parametrize("found", ALL, ids=lambda one: one.id)
def test_an_expression_takes_time_linear_in_any_text(found: Found) -> None:
    stuck = stuck_at(found.pattern, found.flags, found.anchored)
    assert stuck is None, f"{found.where}: {found.pattern!r} does not come back from {stuck}"


def test_one_that_backtracks_is_found() -> None:
    assert stuck_at(r"(\w+)(?:\.\w+)*\.name\b", 0, False, seconds=2) is not None


def stuck_at(pattern: str, flags: int, anchored: bool, seconds: int = CPU_SECONDS) -> str | None:
    """The text that a process of its own did not finish within its time; None if it did."""
    import resource

    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.close(read)
            compiled = re.compile(pattern, flags)
            for size in SIZES:
                for text in hostile(pattern, flags, size):
                    os.write(write, f"{text[:12]!r}…{text[-3:]!r} ({len(text)})\n".encode())
                    if anchored:
                        compiled.match(text)
                    else:
                        for _ in compiled.finditer(text):
                            pass
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


if sys.platform == "win32":  # pragma: no cover
    pytestmark = pytest.mark.skip(reason="no fork")
