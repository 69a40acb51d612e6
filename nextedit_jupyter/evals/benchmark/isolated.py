"""Runs a peer in a separate process, so that one that hangs or dies loses only its own answers.

Questions and answers are JSON over a pipe. Failures are counted by kind (`Troubles`), the question
then counts as silence, and the process is restarted; after `max_deaths` failures the peer is given
up.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.core.wire import decode_request, encode_request
from nextedit_jupyter.evals.benchmark.peers import Rename

STARTS_S = 120.0  # a large bundle on a busy machine
PATIENCE_S = 20.0
MAX_DEATHS = 3
MAX_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Spec:
    """A peer: its kind in `peers.PEERS`, its options, and its name in the table."""

    name: str
    kind: str
    options: tuple[str, ...] = ()


@dataclass(slots=True)
class Troubles:
    """How often a peer hung, died, failed or answered nonsense, and why it was left out."""

    counts: Counter[str] = field(default_factory=Counter)
    given_up: str = ""

    def summary(self) -> str:
        """A short text; empty if all went well."""
        parts = [f"{what} {count}×" for what, count in sorted(self.counts.items())]
        return "; ".join([*parts, *([self.given_up] if self.given_up else [])])


class Isolated:
    """A peer; `close` ends its process. Never raises because of the peer."""

    def __init__(
        self,
        spec: Spec,
        *,
        patience_s: float = PATIENCE_S,
        starts_s: float = STARTS_S,
        max_deaths: int = MAX_DEATHS,
    ) -> None:
        self.spec = spec
        self.troubles = Troubles()
        self.label = ""
        self.can: tuple[str, ...] = ()
        self.milliseconds: list[float] = []
        self._patience_s, self._starts_s = patience_s, starts_s
        self._deaths_left = max_deaths
        self._process: Any = None
        self._pipe: Connection | None = None
        self._start()

    @property
    def is_there(self) -> bool:
        return not self.troubles.given_up

    def complete(self, request: SuggestRequest) -> str:
        """The text at the caret; "" for silence or failure."""
        answer = self._ask({"op": "complete", "request": encode_request(request)})
        text = answer.get("text", "")
        if not isinstance(text, str) or len(text) > MAX_CHARS:
            self.troubles.counts["nonsense"] += 1
            return ""
        return text

    def edits(self, request: SuggestRequest, rename: Rename, first: bool) -> Mapping[int, str]:
        """The texts of cells by index; {} for silence or failure."""
        wire = encode_request(request)
        answer = self._ask({"op": "edits", "request": wire, "rename": rename, "first": first})
        received = answer.get("texts", {})
        cells = len(request.notebook.cells)
        try:
            texts = {int(place): text for place, text in received.items()}
        except (AttributeError, TypeError, ValueError):
            texts = {-1: ""}
        sound = all(
            0 <= place < cells and isinstance(text, str) and len(text) <= 10 * MAX_CHARS
            for place, text in texts.items()
        )
        if not sound:
            self.troubles.counts["nonsense"] += 1
            return {}
        return texts

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join(10)
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        spec = (self.spec.kind, self.spec.options)
        self._process = context.Process(target=serve, args=(theirs, *spec), daemon=True)
        self._process.start()
        theirs.close()
        answer = self._receive(self._starts_s)
        if answer is None or "error" in answer:
            why = "it did not start" if answer is None else str(answer["error"])
            self.troubles.given_up = f"left out: {why}"[:300]
            self.close()
            return
        self.label = str(answer.get("label", ""))[:100]
        self.can = tuple(str(one) for one in answer.get("can", ()))

    def _ask(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self.is_there or self._pipe is None:
            return {}
        began = time.perf_counter()
        try:
            self._pipe.send_bytes(json.dumps(question).encode())
            answer = self._receive(self._patience_s)
        except OSError:
            answer = None
        if answer is None:
            hung = time.perf_counter() - began >= self._patience_s
            self.troubles.counts["hung" if hung else "died"] += 1
            self._again()
            return {}
        if "error" in answer:
            self.troubles.counts["failed"] += 1
            return {}
        spent = answer.get("ms")
        if isinstance(spent, float):
            self.milliseconds.append(spent)
        return answer

    def _again(self) -> None:
        self.close()
        self._deaths_left -= 1
        if self._deaths_left <= 0:
            self.troubles.given_up = "given up"
        else:
            self._start()

    def _receive(self, patience_s: float) -> Mapping[str, Any] | None:
        """The next answer; None if none comes in time, or the process is gone."""
        assert self._pipe is not None
        try:
            if not self._pipe.poll(patience_s):
                return None
            answer = json.loads(self._pipe.recv_bytes(8_000_000))
        except (OSError, EOFError):
            return None
        except ValueError:
            return {"text": None, "texts": None}
        return answer if isinstance(answer, dict) else {"text": None, "texts": None}


def serve(pipe: Connection, kind: str, options: Sequence[str]) -> None:
    """The process of a peer: answers until the pipe is closed."""
    from nextedit_jupyter.evals.benchmark import peers

    try:
        peer = peers.make(kind, options)
    except Exception as error:
        pipe.send_bytes(json.dumps({"error": _short(error)}).encode())
        return
    pipe.send_bytes(json.dumps({"label": peer.label, "can": peer.can}).encode())
    while True:
        try:
            question = json.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            return
        request = decode_request(question["request"])
        began = time.perf_counter()
        try:
            if question["op"] == "complete":
                answer: dict[str, Any] = {"text": peer.complete(request)}
            else:
                rename = question["rename"]
                pair = (str(rename[0]), str(rename[1])) if rename else None
                answer = {"texts": dict(peer.edits(request, pair, bool(question["first"])))}
            answer["ms"] = (time.perf_counter() - began) * 1e3
        except Exception as error:  # a peer may fail in any way; that is a result
            answer = {"error": _short(error)}
        pipe.send_bytes(json.dumps(answer).encode())


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300] if str(error) else type(error).__name__
