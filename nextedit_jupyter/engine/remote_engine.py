"""An OpenAI-compatible server used instead of the engine: the same prompts, sent as text.

Only the prompt's contents are sent, to the one host that was allowed, with placeholders for e-mail
addresses and account numbers; a redirect is a failure. The server's tokenizer isn't known here, so
prompts are made of bytes and control tokens, and a control token that occurs in a cell is broken up
before it is sent, so that it stays plain text.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from nextedit_jupyter.core import TokenCounts
from nextedit_jupyter.core.errors import BundleError, NextEditError
from nextedit_jupyter.core.remote_settings import RemoteSettings
from nextedit_jupyter.core.secret_masks import mask
from nextedit_jupyter.engine.engine import Completion, Finish
from nextedit_jupyter.prompt import Prompt
from nextedit_jupyter.prompt.healing import Pieces

MAX_ANSWER_BYTES = 256_000
POLL_SECONDS = 0.005  # between two checks of deadline and cancellation while waiting for the server
FAIR_S = 0.5  # a server that had less time than this is not blamed for being late
# For a server that returns no probabilities: just above the thresholds, so that answers are shown.
UNKNOWN_CONFIDENCE = 0.75
# After three failures in a row it counts as down. It is retried after half a minute, then ever more
# rarely.
FAILURES, FIRST_PAUSE_S, LONGEST_PAUSE_S = 3, 30.0, 600.0
BYTES_PER_TOKEN = 3  # of code, a lower bound; budgets count tokens, prompts here count bytes


class RemoteError(NextEditError):
    """The server could not be reached or gave no usable answer."""

    code = "remote"


class ByteTokenizer:
    """Bytes are the ids 0 to 255; control tokens follow. A prompt format asks for its own."""

    def __init__(self, control_tokens: Sequence[str]) -> None:
        self._names = ("", *control_tokens)  # the first stands for the model's own end token
        self._ids = {name: 256 + i for i, name in enumerate(self._names) if name}
        marks = sorted((re.escape(name) for name in self._ids), key=len, reverse=True)
        self._marks = re.compile("|".join(marks) or r"(?!)")

    @property
    def vocab_size(self) -> int:
        return 256 + len(self._names)

    @property
    def pieces(self) -> Pieces:
        return "own"  # every byte is a token, but a prompt had better end after a word

    @property
    def end(self) -> int:
        """The id that stands for an end chosen by the model itself."""
        return 256

    def encode(self, text: str) -> list[int]:
        return list(text.encode("utf-8", "replace"))

    def decode(self, ids: Sequence[int]) -> str:
        return bytes(id for id in ids if id < 256).decode("utf-8", "replace")

    def control(self, name: str) -> int:
        try:
            return self._ids[name]
        except KeyError:
            raise BundleError(f"the prompt format has no control token {name}") from None

    def token_bytes(self, id: int) -> bytes:
        return bytes([id]) if 0 <= id < 256 else b""

    def name(self, id: int) -> str:
        """The text of a control token; empty for a byte."""
        return self._names[id - 256] if 256 <= id < self.vocab_size else ""

    def written(self, ids: Sequence[int]) -> str:
        """The text of a prompt. Control tokens in its plain parts get a space after `<`."""
        parts: list[str] = []
        plain = bytearray()
        for id in (*ids, self.end):
            if id < 256:
                plain.append(id)
                continue
            text = plain.decode("utf-8", "ignore")  # a window may begin within a character
            parts.append(self._marks.sub(lambda m: f"{m[0][0]} {m[0][1:]}", text))
            parts.append(self.name(id))
            plain.clear()
        return "".join(parts)

    def read(self, text: str) -> list[int]:
        """The ids of a model's output, in which control tokens are recognised."""
        ids: list[int] = []
        at = 0
        for match in self._marks.finditer(text):
            ids += self.encode(text[at : match.start()])
            ids.append(self._ids[match[0]])
            at = match.end()
        return ids + self.encode(text[at:])


class Breaker:
    """A circuit breaker: whether a server that failed should be asked again. For one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._closed_until = 0.0

    @property
    def is_open(self) -> bool:
        return self._clock() < self._closed_until

    def succeeded(self) -> None:
        self._failures, self._closed_until = 0, 0.0

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            pause = FIRST_PAUSE_S * 2.0 ** min(self._failures - FAILURES, 10)
            self._closed_until = self._clock() + min(pause, LONGEST_PAUSE_S)


class RemoteEngine:
    """Answers like `Engine`. `problem` is what is wrong with the server; None if nothing is.

    Raises NextEditError if the key or the certificate file cannot be read.
    """

    def __init__(
        self,
        settings: RemoteSettings,
        tokenizer: ByteTokenizer,
        *,
        breaker: Breaker | None = None,
    ) -> None:
        import urllib3

        self._settings = settings
        self._tokenizer = tokenizer
        self._breaker = breaker or Breaker()
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        key = settings.key()
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        try:
            context = _certificates(settings)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise NextEditError(f"c.NextEdit.openai_ca_file cannot be used: {why}") from None
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=4, retries=False, ssl_context=context)
        self.problem: str | None = None

    def complete(
        self,
        prompt: Prompt,
        *,
        max_new: int,
        deadline: float,
        cancelled: Callable[[], bool],
        **_of_our_engine: object,
    ) -> Completion:
        """Request a completion of a prompt. See `Engine.complete`; its other arguments are not
        sent.

        Raises RemoteError if the server fails, or has failed so often that it is not asked.
        """
        if not prompt.ids:
            return Completion((), "", (), "length", TokenCounts())
        if self._breaker.is_open:
            raise RemoteError(self.problem or "the server does not answer")
        started = time.monotonic()
        # The healed bytes are sent at the end of the prompt, and the answer continues from them.
        masked = mask(self._tokenizer.written(prompt.ids) + prompt.heal.decode("utf-8", "ignore"))
        body = self._body(masked.text, prompt.stop, max_new)
        asked = _Asked(self._pool, self._settings, self._headers, body)
        until = min(deadline, started + self._settings.answer_s)
        try:
            while not asked.done.wait(POLL_SECONDS):
                finish: Finish | None = "cancelled" if cancelled() else None
                if finish is None and time.monotonic() >= until:
                    finish = "deadline"
                if finish == "deadline" and until < deadline:
                    raise RemoteError(f"no answer within {self._settings.answer_s:g} s")
                if finish is not None:
                    asked.give_up()
                    if finish == "deadline" and until - started >= FAIR_S:
                        self._note("it was too late")  # a server that is always late is useless
                    return Completion((), "", (), finish, TokenCounts())
            text, finish, logprobs, tokens = asked.result()
        except RemoteError as error:
            asked.give_up()
            self._note(str(error))
            raise
        self._breaker.succeeded()
        self.problem = None
        text = masked.restored(text)
        ids = [*prompt.heal, *self._tokenizer.read(text)]
        spread = [0.0] * len(prompt.heal) + _spread(text, logprobs, len(ids) - len(prompt.heal))
        if finish == "stop":
            ids.append(self._tokenizer.end)
            spread.append(0.0)
        return Completion(
            tuple(ids),
            self._tokenizer.decode(self._tokenizer.read(text)),
            tuple(spread),
            finish,
            tokens,
            decode_ms=(time.monotonic() - started) * 1000,
        )

    def _body(self, text: str, stop: Collection[int], max_new: int) -> dict[str, Any]:
        """The body of a request to OpenAI's completions API."""
        stops = {self._tokenizer.name(id) for id in stop} - {""}
        if 10 in stop:
            stops.add("\n")
        body: dict[str, Any] = {
            "prompt": text,
            "max_tokens": max_new,
            "temperature": 0,
            "stop": sorted(stops),
            "logprobs": 1,
            "stream": False,
        }
        if self._settings.model:
            body["model"] = self._settings.model
        return body

    def prefill(self, prompt: Prompt, *, cancelled: Callable[[], bool]) -> None:
        """Does nothing: a server is not kept busy with prompts that may never be needed."""

    def _note(self, problem: str) -> None:
        self._breaker.failed()
        self.problem = f"{self._settings.host} does not answer properly: {problem}"


class _Asked:
    """One request in progress, in a thread of its own, so that it can be abandoned."""

    def __init__(
        self, pool: Any, settings: RemoteSettings, headers: dict[str, str], body: dict[str, Any]
    ) -> None:
        self.done = threading.Event()
        self._pool, self._settings, self._headers = pool, settings, headers
        self._body = json.dumps(body).encode()
        self._response: Any = None
        self._given_up = False
        self._raw = b""
        self._problem: str | None = None
        threading.Thread(target=self._run, name="nextedit-remote", daemon=True).start()

    def give_up(self) -> None:
        """Close the connection, so that the server knows that nobody waits."""
        self._given_up = True
        if self._response is not None:
            with contextlib.suppress(Exception):
                self._response.close()

    def result(self) -> tuple[str, Finish, Any, TokenCounts]:
        """The text, how it ended, the server's log-probabilities, and token counts. Raises
        RemoteError."""
        if self._problem is not None:
            raise RemoteError(self._problem)
        try:
            value = json.loads(self._raw)
            choice = value["choices"][0]
            text, reason = choice["text"], choice.get("finish_reason")
            usage = value.get("usage") or {}
            counts = TokenCounts(
                prompt=int(usage.get("prompt_tokens") or 0),
                generated=int(usage.get("completion_tokens") or 0),
            )
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            raise RemoteError("its answer is not a completion") from None
        if not isinstance(text, str):
            raise RemoteError("its answer is not a completion")
        return text, "length" if reason == "length" else "stop", choice.get("logprobs"), counts

    def _run(self) -> None:
        import urllib3

        try:
            self._response = self._pool.request(
                "POST",
                self._settings.endpoint,
                body=self._body,
                headers=self._headers,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(self._settings.connect_s, self._settings.answer_s),
            )
            status = self._response.status
            if 300 <= status < 400:
                self._problem = "it redirects to another address, which is not followed"
            elif status in (401, 403):
                self._problem = f"it refuses the key ({status})"
            elif status != 200:
                self._problem = f"it says {status}"
            else:
                # read1 returns what has arrived, so a slow body can be abandoned in between.
                while not self._given_up and len(self._raw) <= MAX_ANSWER_BYTES:
                    chunk = self._response.read1(65_536)
                    if not chunk:
                        break
                    self._raw += chunk
                if len(self._raw) > MAX_ANSWER_BYTES:
                    self._problem = "its answer has no end"
            if self._problem is None and not self._given_up:
                self._response.release_conn()
            else:
                self._response.close()
        except urllib3.exceptions.SSLError:
            self._problem = "its certificate is not trusted: see c.NextEdit.openai_ca_file"
        except Exception as error:  # its message may contain more than the address
            self._problem = f"it cannot be reached ({type(error).__name__})"
        finally:
            self.done.set()


def _certificates(settings: RemoteSettings) -> Any:
    import ssl

    return ssl.create_default_context(cafile=settings.ca_file or None)


def _spread(text: str, logprobs: Any, count: int) -> list[float]:
    """The log-probability of each byte of `text`; a token's is at its first byte."""
    spread = [0.0] * count
    if not count:
        return spread
    tokens = _tokens(logprobs)
    at = 0
    for token, logprob in tokens or ():
        if at >= len(text.encode()):
            break
        spread[min(at, count - 1)] += logprob
        at += len(token.encode("utf-8", "replace"))
    if not tokens:
        spread[0] = math.log(UNKNOWN_CONFIDENCE)
    return spread


def _tokens(logprobs: Any) -> list[tuple[str, float]]:
    """Tokens with their log-probabilities, from either of the two formats; [] if there are none."""
    try:
        if "content" in logprobs:  # llama.cpp's own server
            pairs = [(str(one["token"]), one["logprob"]) for one in logprobs["content"]]
        else:
            pairs = list(zip(logprobs["tokens"], logprobs["token_logprobs"], strict=True))
        found = [(str(token), min(float(value), 0.0)) for token, value in pairs]
    except (TypeError, KeyError, ValueError):
        return []
    return found if all(math.isfinite(value) for _, value in found) else []
