"""`jupyter nextedit …`: one module per command, with its arguments, help and exit code.

Importing this package loads the standard library's argparse and nothing else; a command imports
what it needs when it runs. Exit codes: 0 success, 1 a problem (described on stderr, with what to
do), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

# In the order of the help. `eval` is a Python builtin, and `train` would clash with another module.
_COMMANDS = {
    "demo": "demo",
    "predict": "predict",
    "status": "switch",
    "doctor": "doctor",
    "enable": "switch",
    "disable": "switch",
    "model": "model",
    "publish": "publish",
    "bench": "bench",
    "benchmark": "benchmark",
    "eval": "evaluate",
    "train": "train",
    "stats": "stats",
    "purge": "switch",
}

# The extra that a command needs.
_EXTRAS = {"train": "train", "eval": "eval", "bench": "eval", "benchmark": "eval", "stats": "eval"}

_DESCRIPTION = """\
Next-edit prediction for notebooks, entirely on this machine: ghost text at the caret, renames and
patterns carried over to all cells. Nothing leaves the machine unless a team server is configured.

Start with `jupyter nextedit demo` (see it work in the terminal), then `jupyter lab`. If something
does not work as expected, `jupyter nextedit doctor` says what to do."""

_EPILOG = "Exit codes: 0 success, 1 a problem (described on stderr), 2 wrong usage."


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands, or of `only` one; the modules of the others are not imported."""
    from nextedit_jupyter import __version__

    parser = argparse.ArgumentParser(
        prog="jupyter nextedit",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in [_COMMANDS[only]] if only else dict.fromkeys(_COMMANDS.values()):
        module = importlib.import_module(f"nextedit_jupyter.cli.{name}")
        # Listing the commands must not import what a single command needs.
        add = module.add_parser if only else getattr(module, "add_stub", module.add_parser)
        add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Entry point of `jupyter-nextedit`."""
    from nextedit_jupyter.core.errors import NextEditError

    arguments = list(sys.argv[1:] if argv is None else argv)
    named = next((word for word in arguments if not word.startswith("-")), "")
    try:
        parsed = build_parser(named if named in _COMMANDS else None).parse_args(arguments)
        code = int(parsed.run(parsed))
        sys.stdout.flush()
        return code
    except SystemExit as stop:  # argparse has printed the help or the usage error
        return stop.code if isinstance(stop.code, int) else 2
    except NextEditError as error:
        problem = str(error)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(named)
        if extra is None or error.name is None or error.name.startswith("nextedit_jupyter"):
            raise
        problem = f"{named} needs {error.name}: pip install 'nextedit-jupyter[{extra}]'"
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader is gone (`| head`): say nothing, and keep the flush at exit from complaining.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        problem = f"{error.filename}: {error.strerror}"
    print(f"jupyter nextedit: {problem}", file=sys.stderr)
    return 1
