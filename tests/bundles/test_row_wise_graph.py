"""The INT8 graph: a row's logits do not depend on the rows it is read with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_bundle import SHAPE, random_weights

from nextedit_jupyter.bundles.graph import INPUTS, Int8Columns, build_graph, hadamard_rotated
from nextedit_jupyter.engine.decoder import Decoder, Slot

IDS = np.random.default_rng(0).integers(0, SHAPE.vocab_size, 60).tolist()


def decoder_of(weights: dict[str, np.ndarray], **options: Any) -> Decoder:
    model = build_graph(SHAPE, weights, **options).SerializeToString()
    return Decoder(
        model,
        SHAPE,
    )


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "fine": {"fine": INPUTS},
    "turned": {"turn": INPUTS},
    "turned, some fine": {"turn": INPUTS, "fine": {"qkv", "head"}},
}


@pytest.fixture(scope="module", params=list(OPTIONS.values()), ids=list(OPTIONS))
def decoder(request: pytest.FixtureRequest) -> Decoder:
    return decoder_of(random_weights(), **request.param)


@settings(max_examples=30)
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


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_row_of_zeros_gives_numbers(options: dict[str, Any]) -> None:
    weights = random_weights()
    for name in weights:
        if name.endswith(("norm_mlp.weight", "gate.weight")):
            weights[name] = np.zeros_like(weights[name])
    decoder = decoder_of(weights, **options)
    assert np.isfinite(decoder.run(Slot(decoder), IDS, 0, 0)).all()


def test_int8_is_near_float32(decoder: Decoder) -> None:
    exact = decoder_of(random_weights(), int8=False)
    want = exact.run(Slot(exact), IDS, 0, 0)
    have = decoder.run(Slot(decoder), IDS, 0, 0)
    assert np.abs(want - have).max() < 0.15 * want.std()


def far_from_float32(weights: dict[str, np.ndarray], **options: Any) -> float:
    """The mean square of what INT8 changes in the logits."""
    exact, rounded = decoder_of(weights, int8=False), decoder_of(weights, **options)
    want = exact.run(Slot(exact), IDS, 0, 0)
    return float(((rounded.run(Slot(rounded), IDS, 0, 0) - want) ** 2).mean())


def test_with_fine_inputs_only_the_rounding_of_weights_is_lost() -> None:
    weights = random_weights()
    for name, value in weights.items():
        if value.ndim == 2:
            weights[name] = Int8Columns.of(value.T).dequantised().T
    assert far_from_float32(weights, fine=INPUTS) < 0.01 * far_from_float32(weights)


def test_turned_inputs_lose_less_where_a_value_stands_out() -> None:
    rows = np.random.default_rng(1).normal(size=(50, 128)).astype(np.float32)
    rows[:, 5] *= 30

    def lost(rows: np.ndarray) -> float:
        return float(((Int8Columns.of(rows.T).dequantised().T - rows) ** 2).mean())

    assert lost(hadamard_rotated(rows.T).T) < 0.2 * lost(rows)


@pytest.mark.parametrize("width", [64, 48, 384, 7])
def test_what_is_turned_twice_is_as_it_was(width: int) -> None:
    matrix = np.random.default_rng(2).normal(size=(width, 5))
    np.testing.assert_allclose(hadamard_rotated(hadamard_rotated(matrix)), matrix, atol=1e-6)
    np.testing.assert_allclose(
        hadamard_rotated(matrix).T @ hadamard_rotated(matrix), matrix.T @ matrix, atol=1e-5
    )


def test_rounding_for_the_inputs_that_come_changes_products_less() -> None:
    random = np.random.default_rng(3)
    inputs = random.normal(size=(400, 8)) @ random.normal(size=(8, 64))  # correlated
    inputs += 0.1 * random.normal(size=inputs.shape)
    matrix = random.normal(size=(64, 20)).astype(np.float32)

    def lost(packed: Int8Columns) -> float:
        return float(((inputs @ (packed.dequantised() - matrix)) ** 2).mean())

    fitted = Int8Columns.for_inputs(matrix, inputs.T @ inputs)
    assert lost(fitted) < 0.5 * lost(Int8Columns.of(matrix))


@pytest.mark.parametrize("option", ["fine", "turn"])
def test_inputs_that_there_are_not_are_refused(option: str) -> None:
    wrong: dict[str, Any] = {option: {"up"}}
    with pytest.raises(ValueError, match="up"):
        build_graph(SHAPE, random_weights(), **wrong)
