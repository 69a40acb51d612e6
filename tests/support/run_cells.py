"""Runs notebooks one after another, each in its own namespace; a process that tests start.

A line of standard input is a JSON list of cells, a line of standard output the list of what they
printed; a cell that fails prints its error's class and message, and ends its notebook, whose list
then ends with "failed".

For a magic or a command, what would be run is printed, with names filled in as IPython does it;
only the magics that time Python run it.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import types
import warnings
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager
from IPython.utils.text import DollarFormatter

FAILED = "failed"
_TIMING = ("time", "timeit", "capture")


class Shell:
    """Implements the calls into which IPython translates magics and commands."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names

    def run_line_magic(self, name: str, line: str) -> None:
        if name in _TIMING:
            code = line.split(" -r 1 ")[-1]
            names = dict(self._names) if name == "timeit" else self._names
            exec(compile(code, "<magic>", "exec", dont_inherit=True), names)
        else:
            print(name, self._filled(line))

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        if name in _TIMING:
            names = self._names
            if name == "timeit":  # has its own namespace
                names = dict(names)
                setup = line.split(" -r 1 ")[1:]
                exec(compile("".join(setup), "<magic>", "exec", dont_inherit=True), names)
            exec(compile(python(cell), "<magic>", "exec", dont_inherit=True), names)
        else:
            print(name, self._filled(line), cell)

    def system(self, command: str) -> None:
        print(self._filled(command))

    def getoutput(self, command: str) -> list[str]:
        return [self._filled(command)]

    def _filled(self, text: str) -> str:
        try:
            filled: str = DollarFormatter().vformat(text, (), self._names)
        except Exception:  # as IPython does: what cannot be filled stays as it is
            return text
        return filled


def python(source: str) -> str:
    """The cell as Python, its magics and commands as calls."""
    has = source.lstrip().startswith("%") or any(mark in source for mark in ("\n%", "!"))
    return str(TransformerManager().transform_cell(source)) if has else source


def run(cells: list[str]) -> list[str]:
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    shell = Shell(vars(module))
    vars(module)["get_ipython"] = lambda: shell
    printed: list[str] = []
    failed = False
    for number, source in enumerate(cells):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            try:
                code = compile(python(source), f"<cell {number}>", "exec", dont_inherit=True)
                exec(code, vars(module))
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
