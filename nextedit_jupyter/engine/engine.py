"""The decode loop: a prompt in, a greedy completion out, regardless of what is cached.

Why the result never changes: activations are quantised row by row, and every pass has at least two
rows. onnxruntime multiplies a single row with a different routine than two or more, which sums in a
different order; all passes of two or more rows give each row the same bits. So a pass that would
have one row gets a guess as its second, which is free and sometimes right. In a mixture of experts
it is not free, because a guess activates its own experts: there the second row uses no expert, and
drafts are tried where they pay.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from nextedit_jupyter.core import TokenCounts, phases
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.core.phases import Phase
from nextedit_jupyter.engine.constraint import Constraint
from nextedit_jupyter.engine.contention import Contention
from nextedit_jupyter.engine.decoder import CacheSizes, Decoder, Floats, Slot
from nextedit_jupyter.engine.drafts import Drafter, DraftRates, Followers, Recent, RowCost
from nextedit_jupyter.engine.prefix_cache import PrefixCache
from nextedit_jupyter.engine.rejoin import Rejoin
from nextedit_jupyter.engine.vocabulary import TokenIds, Vocabulary
from nextedit_jupyter.prompt import Prompt, TextTokenizer
from nextedit_jupyter.prompt.control import END

Finish = Literal["stop", "rejoined", "length", "unlikely", "deadline", "cancelled", "invalid"]

# The maximum number of tokens read between two checks of deadline and cancellation; larger passes
# are hardly faster: 512 tokens take 25 ms at once, 27 in passes of 256, 30 in passes of 128.
CHUNK = 256
# On a slow model or a busy machine fewer are read between two checks: as many as take this long.
MAX_PASS_SECONDS = 0.04
MIN_CHUNK = 32
# Seven notebooks or cells of the default bundle, whose 2,048 positions take 16.8 MB.
CACHE_BYTES = 128 * 1024 * 1024
# Ghost text and next edits are requested alternately, with prompts that begin differently: with a
# single slot each would read its whole prompt again. Only the used part of a slot takes memory.
MIN_SLOTS = 2
# A pass never has a single row: see the module's docstring.
MIN_ROWS = 2


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote.

    `ids` are the generated tokens, including the stop token; `logprobs` are their natural
    log-probabilities, given the healed bytes but regardless of any constraint. `text` is without
    the healed bytes and control tokens. `finish`: `stop`, a stop token; `rejoined`, the new lines
    continued as the old text does, which is cut off; `length`, `max_new` or the context is reached;
    `unlikely`, the total log-probability fell below `floor`; `deadline` and `cancelled`, with what
    there is so far; `invalid`, non-finite logits or bytes that are not text: then `ids` and `text`
    are empty.
    """

    ids: tuple[int, ...]
    text: str
    logprobs: tuple[float, ...]
    finish: Finish
    tokens: TokenCounts
    prefill_ms: float = 0.0
    decode_ms: float = 0.0


class Engine:
    """A model with its caches. One call runs at a time; others wait.

    Raises BundleError if the model cannot be loaded or does not fit the tokenizer.
    """

    def __init__(
        self,
        model: Path,
        tokenizer: TextTokenizer,
        sizes: CacheSizes,
        *,
        threads: int = 2,
        cache_bytes: int = CACHE_BYTES,
        chunk: int = CHUNK,
        drafts: bool = True,
        providers: Sequence[str] = (),
        contention: Contention | None = None,
    ) -> None:
        self._decoder = Decoder(
            model, sizes, threads=threads, providers=providers, contention=contention
        )
        if tokenizer.vocab_size > self._decoder.vocab_size:
            raise BundleError(
                f"the tokenizer has {tokenizer.vocab_size} tokens, the model only "
                f"{self._decoder.vocab_size}: install the bundle again"
            )
        self._tokenizer = tokenizer
        self._max_rows = max(MIN_ROWS, chunk)
        self._row_seconds = 0.0  # of recent passes
        self._drafts = drafts
        slots = max(MIN_SLOTS, cache_bytes // self._decoder.slot_bytes)
        self._cache = PrefixCache(lambda: Slot(self._decoder), slots)
        self._rates = DraftRates()
        self._followers = Followers(self._decoder.vocab_size)
        self._recent = Recent()
        self._row_cost = RowCost(free_guess=self._decoder.company is None)
        self._vocabulary: Vocabulary | None = None
        self._lock = threading.Lock()

    @property
    def context(self) -> int:
        """The maximum number of positions of a prompt and its completion together."""
        return self._decoder.context

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens as bytes; built on first use, in some 20 ms."""
        if self._vocabulary is None:
            table = [self._tokenizer.token_bytes(id) for id in range(self._tokenizer.vocab_size)]
            self._vocabulary = Vocabulary(table)
        return self._vocabulary

    def complete(
        self,
        prompt: Prompt,
        *,
        max_new: int,
        deadline: float,
        cancelled: Callable[[], bool],
        constraint: Constraint | None = None,
        rejoin: tuple[int, ...] = (),
        floor: float = -math.inf,
    ) -> Completion:
        """Continue a prompt greedily, by at most `max_new` tokens.

        `deadline` is a `time.monotonic()`; it and `cancelled` are checked between passes. `rejoin`
        are the tokens of the document of which a next edit rewrites a part. Generation ends once
        the sum of the log-probabilities is below `floor`: what would not be shown need not be
        generated.
        """
        with self._lock, phases.during(Phase.MODEL):
            run = _Run(self, prompt, max_new, deadline, cancelled, constraint, rejoin, floor)
            return run.complete()

    def prefill(self, prompt: Prompt, *, cancelled: Callable[[], bool]) -> None:
        """Read a prompt ahead, so that completing it, or a longer one, is fast."""
        with self._lock, phases.during(Phase.MODEL):
            ids = prompt.ids[: self.context]
            if not ids:
                return
            slot, shared = self._cache.take(ids)
            self._read(slot, ids, shared, len(ids), lambda: "cancelled" if cancelled() else None)
            self._cache.use(slot)

    def forget(self) -> None:
        """Drop the caches: for tests and measurements."""
        with self._lock:
            self._cache.clear()
            self._rates = DraftRates()
            self._followers = Followers(self._decoder.vocab_size)
            self._recent = Recent()

    def _read(
        self,
        slot: Slot,
        ids: tuple[int, ...],
        start: int,
        end: int,
        stopped: Callable[[], Finish | None],
    ) -> Finish | None:
        """Read ids[start:end] into a slot that contains those before; returns why it stopped early,
        if it did."""
        while start < end:
            why = stopped()
            if why is not None:
                return why
            stop = min(start + self._chunk(), end)
            first = start
            if stop - first < MIN_ROWS:
                if end < MIN_ROWS:  # a prompt of one token is read by the first step
                    return None
                first = stop - MIN_ROWS
            began = time.perf_counter()
            self._decoder.run(slot, ids[first:stop], first, stop - first - 1)
            self._row_seconds = 0.5 * self._row_seconds + 0.5 * (time.perf_counter() - began) / (
                stop - first
            )
            slot.tokens[start:] = ids[start:stop]
            slot.cost += stop - start
            start = stop
        return None

    def _chunk(self) -> int:
        """How many rows the next pass reads; the number does not affect the answer."""
        rows = self._max_rows
        if self._row_seconds > 0:
            rows = min(rows, max(MIN_CHUNK, int(MAX_PASS_SECONDS / self._row_seconds)))
        return rows


class _Run:
    """One completion in progress."""

    def __init__(
        self,
        engine: Engine,
        prompt: Prompt,
        max_new: int,
        deadline: float,
        cancelled: Callable[[], bool],
        constraint: Constraint | None,
        rejoin: tuple[int, ...],
        floor: float,
    ) -> None:
        self._left = -floor  # log-probability that may still be lost
        self._engine = engine
        self._prompt = prompt
        self._max_new = min(max_new, engine.context - len(prompt.ids) - 1)
        self._deadline = deadline
        self._cancelled = cancelled
        self._constraint = constraint
        self._document = self._bytes_of(rejoin)
        self._rejoin: Rejoin | None = None
        self._new_at = 0  # where the new lines of a next edit begin in `ids`
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.said = b""
        self._since_control = b""
        self._drafted = self._accepted = self._reused = 0
        self._prefill_ms = self._decode_ms = 0.0

    def complete(self) -> Completion:
        prompt, engine = self._prompt, self._engine
        if not prompt.ids or self._max_new < 1:
            return self._finished("length")
        began = time.perf_counter()
        slot, shared = engine._cache.take(prompt.ids)
        self._reused = shared
        # All but the last chunk is read here; the last one goes with the first drafts.
        last, chunk = len(prompt.ids) - 1, engine._chunk()
        ahead = last - last % chunk if last - shared >= chunk else shared
        try:
            finish = engine._read(slot, prompt.ids, shared, max(shared, ahead), self._stopped)
            self._prefill_ms = (time.perf_counter() - began) * 1e3
            if finish is None:
                finish = self._decode(slot, min(len(slot.tokens), last))
        except BaseException:
            engine._cache.drop(slot)  # a partial pass may have been written
            raise
        if finish == "invalid":
            engine._cache.drop(slot)
        else:
            engine._cache.use(slot)
            engine._recent.learn(prompt.ids, self.ids)
        return self._finished(finish)

    def _stopped(self) -> Finish | None:
        if self._cancelled():
            return "cancelled"
        return "deadline" if time.monotonic() >= self._deadline else None

    def _decode(self, slot: Slot, position: int) -> Finish:
        """Read the rest of the prompt from `position` on and generate."""
        engine, prompt = self._engine, self._prompt
        drafter = Drafter(
            prompt.ids,
            prompt.draft_source,
            self._max_new,
            engine._rates,
            engine._followers if engine._decoder.company is None else None,
            engine._recent,
            engine._row_cost.share,
            engine.vocabulary.healing(prompt.heal) if prompt.heal else None,
        )
        feed = list(prompt.ids[position:])
        is_prompt = True
        while True:
            why = self._stopped()
            if why is not None:
                return why
            began = time.perf_counter()
            room = engine.context - position - len(feed)
            wanted = self._max_new - len(self.ids) - 1 if engine._drafts else 0
            drafts = drafter.propose(min(wanted, room))
            company: list[int] = []
            if len(feed) + len(drafts) < MIN_ROWS:
                if engine._decoder.company is None:
                    drafts = [prompt.ids[-1]]
                else:
                    company = [engine._decoder.company]
            rows = feed + drafts + company
            logits = engine._decoder.run(slot, rows, position, len(feed) - 1)
            engine._row_cost.observe(len(feed) + len(drafts), time.perf_counter() - began)
            slot.tokens[position:] = feed
            if is_prompt:
                slot.cost += len(feed)
            finish, accepted = self._verify(logits, drafts, drafter)
            slot.tokens += drafts[:accepted]
            if engine._drafts:
                drafter.learn(len(drafts), accepted)
            self._drafted += len(drafts)
            self._accepted += accepted
            spent = (time.perf_counter() - began) * 1e3
            if is_prompt and len(feed) > MIN_ROWS:  # a pass that reads and writes counts as reading
                self._prefill_ms += spent
            else:
                self._decode_ms += spent
            is_prompt = False
            if finish is not None:
                return finish
            position += len(feed) + accepted
            feed = [self.ids[-1]]

    def _verify(
        self, logits: Floats, drafts: list[int], drafter: Drafter
    ) -> tuple[Finish | None, int]:
        """Accept tokens while the drafts agree; returns why it ended and the number of accepted
        drafts."""
        for at, row in enumerate(logits):
            chosen = self._choose(row)
            if chosen is None:
                return "invalid", at
            finish = self._take(*chosen)
            drafter.append(chosen[0])
            if finish is not None:
                return finish, at
            if at >= len(drafts) or drafts[at] != chosen[0]:
                return None, at
        raise AssertionError("there is a row more than drafts")

    def _choose(self, row: Floats) -> tuple[int, float] | None:
        """The most probable allowed token and its log-probability."""
        row = row[: self._engine._tokenizer.vocab_size]
        if not np.isfinite(row).all():
            return None
        healed = self._prompt.heal[len(self.said) :]
        scores, ids = row, None
        if healed:
            ids = self._engine.vocabulary.healing(healed)
            if not len(ids):
                return None
            scores = row[ids]
        peak = float(scores.max())
        total = peak + float(np.log(np.exp(scores - peak).sum()))
        if self._prompt.begin is not None and not self.ids:
            return self._prompt.begin, float(row[self._prompt.begin]) - total
        if self._constraint is not None:
            allowed = self._allowed(healed)
            if allowed is not None:
                scores, ids = row[allowed], allowed
        best = int(scores.argmax())
        id = best if ids is None else int(ids[best])
        return id, float(row[id]) - total

    def _allowed(self, healed: bytes) -> TokenIds | None:
        """The ids that the constraint allows; None if it does not apply."""
        assert self._constraint is not None
        node = self._constraint.allowed(self.said[len(self._prompt.heal) :])
        if node is None:
            return None
        allowed = node.allowed(self._engine.vocabulary, healed)
        if not len(allowed):
            return None
        if healed:  # tokens that end within the healed bytes add nothing new
            inside = self._engine.vocabulary.within(healed)
            allowed = np.concatenate((allowed, inside))
        return np.sort(allowed)  # so that ties are broken as without a mask

    def _take(self, id: int, logprob: float) -> Finish | None:
        self.ids.append(id)
        self.logprobs.append(logprob)
        self._left += logprob
        if id in self._prompt.stop:
            return "stop"
        said = self._engine._tokenizer.token_bytes(id)
        self.said += said
        if self._document:
            if not said and self._rejoin is None:  # the token between old and new lines
                self._rejoin = Rejoin(self._document, self._since_control)
                self._new_at = len(self.ids)
                self._since_control = b""
            self._since_control += said
            if self._rejoin is not None and b"\n" in said:
                new = self._since_control[: self._since_control.rfind(b"\n") + 1]
                kept = self._rejoin.cut(new)
                if kept is not None:
                    self._cut(kept)
                    return "rejoined"
        if self._left < 0:
            return "unlikely"
        return "length" if len(self.ids) >= self._max_new else None

    def _cut(self, kept: bytes) -> None:
        """Truncate the new lines to `kept` and end them as the model would have."""
        tokenizer = self._engine._tokenizer
        new = tokenizer.encode(kept.decode("utf-8", "replace"))
        self.ids = [*self.ids[: self._new_at], *new, tokenizer.control(END)]
        self.logprobs = self.logprobs[: len(self.ids)]
        old = self._bytes_of(self.ids[: self._new_at])
        self.said = old + kept

    def _bytes_of(self, ids: tuple[int, ...] | list[int]) -> bytes:
        return b"".join(map(self._engine._tokenizer.token_bytes, ids))

    def _finished(self, finish: Finish) -> Completion:
        text = ""
        if finish != "invalid":
            decoded = _text(self.said[len(self._prompt.heal) :], whole=finish == "stop")
            if decoded is None:
                finish = "invalid"
            else:
                text = decoded
        invalid = finish == "invalid"
        return Completion(
            ids=() if invalid else tuple(self.ids),
            text=text,
            logprobs=() if invalid else tuple(self.logprobs),
            finish=finish,
            tokens=TokenCounts(
                prompt=len(self._prompt.ids),
                reused=self._reused,
                generated=len(self.ids),
                drafted=self._drafted,
                accepted=self._accepted,
            ),
            prefill_ms=self._prefill_ms,
            decode_ms=self._decode_ms,
        )


def _text(raw: bytes, *, whole: bool) -> str | None:
    """Decode UTF-8; None if it is invalid. Unless `whole`, the last character may be incomplete."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if whole or error.reason != "unexpected end of data" or error.end < len(raw):
            return None
        return raw[: error.start].decode("utf-8")
