"""`predict`: the protocol on stdin and stdout, one answer per line, in order, flushed."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from nextedit_jupyter.core.request import Bounds
    from nextedit_jupyter.suggest.suggester import Suggester

# Takes a request as JSON values; returns the answer or an error answer as JSON values.
Answerer = Callable[[dict[str, Any]], Mapping[str, Any]]

_HELP = "answer requests on stdin with suggestions on stdout, one JSON object per line"
_DESCRIPTION = """\
Serves the protocol that the editor uses: each line on stdin is a request and gets one line on
stdout, in order. A line that cannot be read gets {"id": …, "error": {"code": …, "message": …}},
and the next one is served. Exits with 0 at the end of input."""
_EPILOG = """\
A request has the notebook as it is, the cursor, and the last edits, newest last:

  {"id": 1, "offsets": "code-point",
   "notebook": {"language": "python", "cells": [
     {"id": "c0", "type": "code", "source": "x = 1"},
     {"id": "c1", "type": "code", "source": "print(y + 1)"}]},
   "cursor": {"cell": "c0", "offset": 1},
   "history": [{"cell": "c0", "before": "y = 1", "after": "x = 1", "origin": "typed", "at": 0.0}],
   "want": ["rename"]}

The answer offers y -> x in c1. Offsets count UTF-16 units unless "offsets" says "code-point"."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "predict",
        help=_HELP,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="the model to use")
    parser.add_argument(
        "--no-model",
        action="store_true",
        help="only the lanes that need no model: renames, patterns",
    )
    parser.add_argument(
        "--worker",
        action="store_true",
        help="ask the worker that the editor uses (started if none is running), not this process",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.core.request import Bounds

    bounds = Bounds()
    if arguments.worker and (arguments.bundle or arguments.no_model):
        print(
            "jupyter nextedit predict: --worker takes the worker's own model; "
            "set NEXTEDIT_BUNDLE before it starts instead",
            file=sys.stderr,
        )
        return 2
    if sys.stdin.isatty():
        print("reading requests, one JSON object per line; Ctrl-D ends", file=sys.stderr)
    sink = _own_stdout()
    try:
        if arguments.worker:
            with _Worker(bounds) as worker:
                serve(sys.stdin.buffer, sink, worker.answer, bounds)
        else:
            suggester = open_suggester(arguments.bundle, no_model=arguments.no_model)
            serve(sys.stdin.buffer, sink, in_process(suggester, bounds), bounds)
    except BrokenPipeError:  # the reader is gone; discard what is still buffered
        os.dup2(os.open(os.devnull, os.O_WRONLY), sink.fileno())
    return 0


def serve(source: BinaryIO, sink: BinaryIO, answer: Answerer, bounds: Bounds) -> None:
    """Answer each line of `source` on `sink`; memory is bounded by `bounds.request_bytes` per line.

    No line can end the loop. Raises BrokenPipeError once the reader is gone.
    """
    from nextedit_jupyter.core.wire import dump_line

    for line in _lines(source, bounds.request_bytes):
        sink.write(dump_line(_answer_line(line, answer, bounds)))
        sink.flush()


def in_process(suggester: Suggester, bounds: Bounds) -> Answerer:
    """Answers from a suggester in this process."""
    from nextedit_jupyter.core import wire
    from nextedit_jupyter.core.changes import HeldStates

    held = HeldStates()

    def answer(value: dict[str, Any]) -> Mapping[str, Any]:
        request = held.decode("predict", value, bounds)
        return wire.encode_answer(
            suggester.answer(request), request, value.get("offsets", "utf-16")
        )

    return answer


def open_suggester(bundle: Path | None, *, no_model: bool = False) -> Suggester:
    """The lanes with the model at `bundle`, or with the default one.

    If there is no default bundle, a message goes to stderr and the lanes without a model serve. A
    bundle that was named and cannot be used raises BundleError.
    """
    from nextedit_jupyter.core.errors import BundleError
    from nextedit_jupyter.suggest import Suggester, build_suggester

    if no_model:
        return Suggester(problem="switched off by --no-model")
    suggester = build_suggester(bundle)
    if suggester.problem is not None:
        if bundle is not None:
            raise BundleError(suggester.problem)
        without = "" if suggester.bundle else "without a model: "
        print(f"jupyter nextedit: {without}{suggester.problem}", file=sys.stderr)
    return suggester


@dataclass(frozen=True, slots=True)
class _TooLong:
    """A line over the bound; `head` is its beginning."""

    head: bytes


def _lines(source: BinaryIO, limit: int) -> Iterator[bytes | _TooLong]:
    """Lines without line endings; never more than `limit` bytes of a line are held."""
    while line := source.readline(limit + 2):
        text = line.rstrip(b"\r\n")
        if len(text) <= limit and (line.endswith(b"\n") or len(line) < limit + 2):
            yield text
            continue
        while line and not line.endswith(b"\n"):
            line = source.readline(65_536)
        yield _TooLong(text[:256])


def _answer_line(line: bytes | _TooLong, answer: Answerer, bounds: Bounds) -> Mapping[str, Any]:
    from nextedit_jupyter.core.errors import NextEditError, WireError
    from nextedit_jupyter.core.wire import encode_error, parse_line, request_id

    id: int | str | None = None
    try:
        if isinstance(line, _TooLong):
            id = _leading_id(line.head)
            raise WireError(
                f"the request has more than {bounds.request_bytes} bytes; send fewer cells",
                code="too_large",
            )
        value = parse_line(line, bounds)
        id = request_id(value)
        return answer(value)
    except NextEditError as error:
        return encode_error(id, error)
    except Exception as error:  # one bad request must not prevent the next answer
        print(f"jupyter nextedit predict: {type(error).__name__} in a request", file=sys.stderr)
        return encode_error(id, NextEditError(type(error).__name__, code="internal"))


_LEADING_ID = re.compile(rb'\s*\{\s*"id"\s*:\s*(?:(-?\d{1,18})|"([^"\\\x80-\xff]{0,200})")\s*[,}]')


def _leading_id(head: bytes) -> int | str | None:
    """The id of a request that was not read completely, if it comes first, as clients write it."""
    match = _LEADING_ID.match(head)
    if match is None:
        return None
    return int(match[1]) if match[1] is not None else match[2].decode("ascii")


def _own_stdout() -> BinaryIO:
    """Reserve stdout for answers: from here on, what a library prints goes to stderr."""
    try:
        sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    except (OSError, ValueError):  # not a real file, as under a test's capture
        return sys.stdout.buffer
    return sink


class _Worker:
    """Answers from the shared worker."""

    def __init__(self, bounds: Bounds) -> None:
        from nextedit_jupyter.worker.client import WorkerClient

        self._client = WorkerClient(f"predict-{os.getpid()}")
        self._bounds = bounds

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.close()

    def answer(self, value: dict[str, Any]) -> Mapping[str, Any]:
        # The worker respects the deadline; the margin is for starting it and loading the model.
        return self._client.suggest(value, timeout=self._bounds.deadline_ms / 1000 + 10)
