"""The last error as a fact: which cell and line failed, and what the exception is about.

Only exceptions of Python's own types are read; of others, only the type's name is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import TracebackType
from typing import Any

from nextedit_jupyter.core.facts import KernelError
from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.kernel.live_facts import bare_type_name

_traceback: Callable[[BaseException], TracebackType | None] = BaseException.__dict__[
    "__traceback__"
].__get__
_args: Callable[[BaseException], tuple[Any, ...]] = BaseException.__dict__["args"].__get__

_NAMED = (NameError, UnboundLocalError, AttributeError, ImportError, ModuleNotFoundError)
_SYNTAX = (SyntaxError, IndentationError, TabError)
_READABLE = (*_NAMED, *_SYNTAX, KeyError, TypeError, ValueError, IndexError, ZeroDivisionError)
_ABOUT = re.compile(
    r"unexpected keyword argument '(?P<keyword>\w+)'|cannot import name '(?P<imported>\w+)'"
)
_MAX_FRAMES = 5_000  # a RecursionError has 1,000 by default
_MAX_MESSAGE = 200


def describe(
    error: BaseException,
    cell: str,
    source: str,
    locate: Callable[[str], tuple[str, str] | None],
    refuses: Callable[[str], bool] = holds_secret,
) -> KernelError:
    """Facts about `error`, which was raised while `cell` ran with the text `source`.

    `locate` maps a frame's file name to the cell and its text, or to None for frames outside of
    cells. The deepest frame in a cell is the place. A name or message that `refuses` rejects is
    left out.
    """
    kind = type(error)
    name, message = _about(error, kind)
    line = 0
    if any(kind is syntax for syntax in _SYNTAX):
        found = SyntaxError.__dict__["lineno"].__get__(error)
        line = found if type(found) is int else 0
        line += _leading_lines(source)
    else:
        place = _traceback(error)
        for _ in range(_MAX_FRAMES):
            if place is None:
                break
            if (there := locate(place.tb_frame.f_code.co_filename)) is not None:
                cell, source = there
                line = place.tb_lineno + _leading_lines(source)
            place = place.tb_next
    return KernelError(
        cell=cell,
        line=min(max(line, 1), source.count("\n") + 1),
        exception=bare_type_name(kind),
        name="" if refuses(name) else name,
        message="" if refuses(message) else message[:_MAX_MESSAGE],
    )


def _about(error: BaseException, kind: type) -> tuple[str, str]:
    if not any(kind is known for known in _READABLE):
        return "", ""
    args = _args(error)
    first = args[0] if args and type(args[0]) is str else ""
    if kind is KeyError:
        return first, first
    name: object = None
    if any(kind is known for known in (NameError, UnboundLocalError, AttributeError)):
        name = error.name  # type: ignore[attr-defined]  # a slot of exactly this type
    if kind is ModuleNotFoundError:
        name = ImportError.__dict__["name"].__get__(error)
    if type(name) is not str:
        match = _ABOUT.search(first)
        name = next((group for group in match.groups() if group), "") if match else ""
    return name, first


def _leading_lines(source: str) -> int:
    """IPython strips blank lines at the top before it counts."""
    return source[: len(source) - len(source.lstrip())].count("\n")
