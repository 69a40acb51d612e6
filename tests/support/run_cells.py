"""Runs notebooks one after another, each in a namespace of its own; a process that tests start.

A line of standard input is a JSON list of cells, a line of standard output the list of what they
printed; a cell that fails prints its error's class and message, and ends its notebook, whose list
then ends with "failed".
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import types
import warnings

FAILED = "failed"


def run(cells: list[str]) -> list[str]:
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    printed: list[str] = []
    failed = False
    for number, source in enumerate(cells):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            try:
                exec(compile(source, f"<cell {number}>", "exec", dont_inherit=True), vars(module))
            except BaseException as error:
                print(type(error).__name__, error)
                failed = True
        printed.append(out.getvalue())
        if failed:
            break
    return printed if not failed else [*printed, FAILED]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    answers = sys.stdout
    for line in sys.stdin:
        answers.write(json.dumps(run(json.loads(line))) + "\n")
        answers.flush()
