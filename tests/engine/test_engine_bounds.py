"""Deadlines, cancellation, lengths, healing, and models that are broken."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_bundle import SHAPE, make_bundle
from tiny_engine import complete, new_engine, open_engine, prompt_of

from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.engine import Engine
from nextedit_jupyter.engine.decoder import Slot
from nextedit_jupyter.prompt import BundleTokenizer

IDS = list(range(40, 90))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return new_engine(tmp_path)


def test_a_model_that_never_stops_is_capped(engine: Engine) -> None:
    answer = complete(engine, prompt_of(IDS, stop=frozenset()), 9)
    assert len(answer.ids) == len(answer.logprobs) == 9
    assert answer.finish == "length"


def test_a_prompt_that_fills_the_context_leaves_room_for_what_fits(engine: Engine) -> None:
    ids = (IDS * 50)[: SHAPE.context - 5]
    answer = complete(engine, prompt_of(ids, stop=frozenset()), 50)
    assert answer.finish == "length"
    assert len(answer.ids) == 4


def test_a_prompt_longer_than_the_context_gets_no_answer(engine: Engine) -> None:
    answer = complete(engine, prompt_of((IDS * 50)[: SHAPE.context]), 5)
    assert (answer.ids, answer.text, answer.finish) == ((), "", "length")


def test_what_falls_below_the_floor_is_not_gone_on_with_and_is_the_same_up_to_there(
    engine: Engine,
) -> None:
    prompts = (prompt_of([1, 40, 50, last], stop=frozenset()) for last in range(30, 380))
    prompt, whole = next(
        (prompt, whole)
        for prompt in prompts
        if len((whole := complete(engine, prompt, max_new=8)).ids) == 8  # others are no text
    )
    floor = sum(whole.logprobs[:4]) - 1e-6
    short = complete(engine, prompt, max_new=8, floor=floor)
    assert short.finish == "unlikely"
    assert short.ids == whole.ids[: len(short.ids)]
    assert sum(short.logprobs) < floor <= sum(short.logprobs[:-1])


def test_an_empty_prompt_gets_no_answer(engine: Engine) -> None:
    assert complete(engine, prompt_of([]), 5).ids == ()
    engine.prefill(prompt_of([]), cancelled=lambda: False)


def test_a_prompt_of_one_token_is_answered(engine: Engine) -> None:
    engine.prefill(prompt_of([50]), cancelled=lambda: False)
    cold = complete(engine, prompt_of([50]), 4)
    assert complete(engine, prompt_of([50]), 4).ids == cold.ids


def test_a_deadline_in_the_past_stops_before_anything_is_read(engine: Engine) -> None:
    answer = complete(engine, prompt_of(IDS), 5, deadline=time.monotonic() - 1)
    assert (answer.finish, answer.ids, answer.tokens.reused) == ("deadline", (), 0)


def test_cancellation_is_looked_at_between_passes_and_keeps_what_was_read(tmp_path: Path) -> None:
    engine = new_engine(tmp_path, chunk=8)
    left = [4]

    def cancelled() -> bool:
        left[0] -= 1
        return left[0] < 0

    answer = complete(engine, prompt_of(IDS), 5, cancelled=cancelled)
    assert (answer.finish, answer.ids) == ("cancelled", ())
    assert complete(engine, prompt_of(IDS), 5).tokens.reused == 32


def test_a_warm_prompt_is_not_read_again(engine: Engine) -> None:
    first = complete(engine, prompt_of(IDS), 6)
    assert first.tokens.reused == 0
    assert complete(engine, prompt_of(IDS), 6).tokens.reused == len(IDS)
    typed = prompt_of([*IDS, *first.ids[:3]])
    assert complete(engine, typed, 6).tokens.reused >= len(IDS) + 2


def test_prefilling_ahead_makes_the_next_keystroke_warm(engine: Engine) -> None:
    engine.prefill(prompt_of(IDS), cancelled=lambda: False)
    assert complete(engine, prompt_of([*IDS, 77]), 3).tokens.reused == len(IDS)


def test_the_stop_token_is_the_last_of_the_ids_and_not_in_the_text(engine: Engine) -> None:
    free = complete(engine, prompt_of(IDS, stop=frozenset()), 12)
    stop = free.ids[5]
    answer = complete(engine, prompt_of(IDS, stop=frozenset((stop,))), 12)
    until = free.ids.index(stop) + 1
    assert answer.finish == "stop"
    assert answer.ids == free.ids[:until]
    assert len(answer.logprobs) == until


def _bytes(engine: Engine, id: int) -> bytes:
    return engine._tokenizer.token_bytes(id)


def test_bytes_that_are_no_text_give_an_invalid_answer(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    byte = {_bytes(engine, id): id for id in range(SHAPE.vocab_size)}
    run = engine._decoder.run

    def says(said: list[bytes]) -> None:
        def scripted(slot: object, ids: list[int], position: int, start: int) -> object:
            logits = run(slot, ids, position, start).copy()  # type: ignore[arg-type]
            for row in range(len(logits)):
                at = position + start + row - len(IDS) + 1
                logits[row, byte[said[min(at, len(said) - 1)]]] = 99
            return logits

        monkeypatch.setattr(engine._decoder, "run", scripted)
        engine.forget()

    says([b"a", b"\xc3", b"b"])
    answer = complete(engine, prompt_of(IDS), 3)
    assert (answer.finish, answer.ids, answer.text) == ("invalid", (), "")
    says([b"a", b"b", b"\xc3"])  # cut off in the middle of a character
    answer = complete(engine, prompt_of(IDS), 3)
    assert (answer.finish, len(answer.ids), answer.text) == ("length", 3, "ab")


@pytest.mark.parametrize("heal", [b"i", b"imp", b"import nu", b"df.he", b" ", b"zqx\\"])
def test_the_healed_bytes_begin_what_is_generated_and_are_not_in_the_text(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, heal: bytes
) -> None:
    run = engine._decoder.run
    foreign = [id for id in range(SHAPE.vocab_size) if not _bytes(engine, id).isascii()]

    def ascii_only(*arguments: object) -> object:
        logits = run(*arguments).copy()  # type: ignore[arg-type]
        logits[:, foreign] = -1e6
        return logits

    monkeypatch.setattr(engine._decoder, "run", ascii_only)
    answer = complete(engine, prompt_of(IDS, heal=heal, stop=frozenset(range(24))), 16)
    said = b"".join(map(engine._tokenizer.token_bytes, answer.ids))
    assert answer.finish != "invalid"
    assert said.startswith(heal)
    assert answer.text == said[len(heal) :].decode("utf-8", "ignore")


def test_a_log_probability_counts_only_what_agrees_with_the_healed_bytes(engine: Engine) -> None:
    tokenizer = engine._tokenizer
    agreeing = [
        id
        for id in range(tokenizer.vocab_size)
        if (b := tokenizer.token_bytes(id)) and (b.startswith(b"im") or b == b"i")
    ]
    assert len(agreeing) > 1
    answer = complete(engine, prompt_of(IDS, heal=b"im"), 1)
    assert answer.ids[0] in agreeing
    # A random model spreads its mass over some hundred tokens, of which only these are left.
    assert answer.logprobs[0] >= np.log(1 / len(agreeing))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_give_an_invalid_answer_and_are_not_cached(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, bad: float
) -> None:
    honest = complete(engine, prompt_of(IDS), 6)
    run = engine._decoder.run

    def broken(*arguments: object) -> object:
        logits = run(*arguments).copy()  # type: ignore[arg-type]
        logits[-1, 7] = bad
        logits[0, 7] = bad
        return logits

    monkeypatch.setattr(engine._decoder, "run", broken)
    answer = complete(engine, prompt_of(IDS), 6)
    assert (answer.finish, answer.ids, answer.text) == ("invalid", (), "")
    monkeypatch.setattr(engine._decoder, "run", run)
    again = complete(engine, prompt_of(IDS), 6)
    assert again.tokens.reused == 0
    assert again.ids == honest.ids


def test_a_pass_that_fails_leaves_nothing_half_written_in_the_cache(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = complete(engine, prompt_of(IDS), 6)
    engine.forget()
    run = engine._decoder.run

    def failing(*arguments: object) -> object:
        run(*arguments)  # type: ignore[arg-type]
        raise RuntimeError("out of memory")

    monkeypatch.setattr(engine._decoder, "run", failing)
    with pytest.raises(RuntimeError):
        complete(engine, prompt_of(IDS), 6)
    monkeypatch.setattr(engine._decoder, "run", run)
    assert complete(engine, prompt_of(IDS), 6).ids == honest.ids


@pytest.mark.parametrize("content", [b"", b"\x00" * 50, b"not a model at all"])
def test_a_model_that_onnxruntime_cannot_read_says_what_to_do(
    tmp_path: Path, content: bytes
) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    (bundle / "model.onnx").write_bytes(content)
    with pytest.raises(BundleError, match="install the bundle again"):
        open_engine(bundle)


def test_a_model_of_another_shape_is_refused(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    tokenizer = BundleTokenizer(bundle / "tokenizer.json")
    with pytest.raises(BundleError, match="manifest"):
        Engine(bundle / "model.onnx", tokenizer, replace(SHAPE, layers=3))


def test_memory_for_buffers_is_bounded(tmp_path: Path) -> None:
    slot = 2 * SHAPE.layers * SHAPE.kv_heads * SHAPE.context * SHAPE.head_dim * 4
    engine = new_engine(tmp_path, cache_bytes=3 * slot + 1)
    for first in range(30, 60):
        complete(engine, prompt_of([first, *IDS, *IDS]), 2)
    assert len(engine._cache) == 3


def test_a_slow_model_looks_at_cancellation_more_often(tmp_path: Path) -> None:
    engine = new_engine(tmp_path)
    ids = (IDS * 11)[:512]
    looks = 0

    def cancelled() -> bool:
        nonlocal looks
        looks += 1
        return False

    engine.prefill(prompt_of(ids), cancelled=cancelled)
    quick, looks = looks, 0
    engine.forget()
    run = engine._decoder.run

    def slow(slot: Slot, rows: Sequence[int], position: int, start: int) -> Any:
        time.sleep(0.003 * len(rows))
        return run(slot, rows, position, start)

    engine._decoder.run = slow  # type: ignore[method-assign, assignment]
    for _ in range(2):  # the first one learns how slow it is
        engine.forget()
        looks = 0
        engine.prefill(prompt_of(ids), cancelled=cancelled)
    assert looks > quick
