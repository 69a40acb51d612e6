"""The INT8 graph: a row's logits do not depend on the rows it is read with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_bundle import SHAPE, random_weights

from nextedit_jupyter.bundles.graph import build_graph
from nextedit_jupyter.engine.decoder import Decoder, Slot

IDS = np.random.default_rng(0).integers(0, SHAPE.vocab_size, 60).tolist()


def decoder_of(weights: dict[str, np.ndarray], *, int8: bool = True) -> Decoder:
    model = build_graph(SHAPE, weights, int8=int8).SerializeToString()
    return Decoder(
        model,
        layers=SHAPE.layers,
        kv_heads=SHAPE.kv_heads,
        head_dim=SHAPE.head_dim,
        context=SHAPE.context,
    )


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return decoder_of(random_weights())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(2, 30), min_size=1, max_size=12))
def test_logits_are_the_same_bits_however_a_text_is_cut(decoder: Decoder, cuts: list[int]) -> None:
    whole = decoder.run(Slot(decoder), IDS, 0, 0)
    slot, at, rows = Slot(decoder), 0, []
    for length in cuts:
        part = IDS[at : at + length]
        if len(part) < 2:
            break
        rows.append(decoder.run(slot, part, at, 0))
        at += len(part)
    read = np.concatenate(rows)
    assert np.array_equal(read, whole[: len(read)])


def test_only_the_rows_that_are_wanted_come_back(decoder: Decoder) -> None:
    whole = decoder.run(Slot(decoder), IDS, 0, 0)
    last = decoder.run(Slot(decoder), IDS, 0, 57)
    assert last.shape == (3, SHAPE.vocab_size)
    assert np.array_equal(last, whole[57:])


def test_going_back_and_on_with_other_tokens_is_as_if_they_had_been_there(decoder: Decoder) -> None:
    slot = Slot(decoder)
    decoder.run(slot, IDS, 0, 0)
    other = [*IDS[:20], *IDS[40:]]
    again = decoder.run(slot, other[20:], 20, 0)
    assert np.array_equal(again, decoder.run(Slot(decoder), other, 0, 0)[20:])


def test_a_row_of_zeros_gives_numbers() -> None:
    weights = random_weights()
    for name in weights:
        if name.endswith(("norm_mlp.weight", "gate.weight")):
            weights[name] = np.zeros_like(weights[name])
    decoder = decoder_of(weights)
    assert np.isfinite(decoder.run(Slot(decoder), IDS, 0, 0)).all()


def test_int8_is_near_float32(decoder: Decoder) -> None:
    exact = decoder_of(random_weights(), int8=False)
    want = exact.run(Slot(exact), IDS, 0, 0)
    have = decoder.run(Slot(decoder), IDS, 0, 0)
    assert np.abs(want - have).max() < 0.1 * want.std()
