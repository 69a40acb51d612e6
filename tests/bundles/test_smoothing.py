"""Smoothing changes no exact answer, and keeps outliers from costing INT8 its own."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_bundle import SHAPE, random_weights

from nextedit_jupyter.bundles.graph import build_graph
from nextedit_jupyter.bundles.smoothing import PLACES, Peaks, smooth, smoothing_factors
from nextedit_jupyter.engine.decoder import Decoder, Slot

IDS = np.random.default_rng(0).integers(0, SHAPE.vocab_size, 60).tolist()
Weights = dict[str, np.ndarray]


def logits(weights: Weights, *, int8: bool) -> np.ndarray:
    decoder = Decoder(
        build_graph(SHAPE, weights, int8=int8).SerializeToString(),
        SHAPE,
    )
    return decoder.run(Slot(decoder), IDS, 0, 0)


def widths() -> dict[str, int]:
    attention = SHAPE.heads * SHAPE.head_dim
    return {"qkv": SHAPE.width, "out": attention, "gate": SHAPE.width, "down": SHAPE.hidden}


@pytest.fixture
def weights() -> Weights:
    """Weights with a channel before each matrix that is a hundred times the others."""
    made = random_weights()
    for i in range(SHAPE.layers):
        for norm in ("norm_attention", "norm_mlp"):
            gain = made[f"layers.{i}.{norm}.weight"].copy()
            gain[3] *= 100
            made[f"layers.{i}.{norm}.weight"] = gain
        for name in ("qkv", "gate", "up"):
            matrix = made[f"layers.{i}.{name}.weight"].copy()
            matrix[:, 3] /= 100
            made[f"layers.{i}.{name}.weight"] = matrix
    return made


@pytest.fixture
def peaks() -> Peaks:
    rng = np.random.default_rng(1)
    found = {}
    for i in range(SHAPE.layers):
        for place, width in widths().items():
            found[f"layers.{i}.{place}"] = rng.uniform(0.5, 2.0, width).astype(np.float32)
            if place in ("qkv", "gate"):
                found[f"layers.{i}.{place}"][3] *= 100
    return Peaks(found)


def test_the_exact_decoder_answers_as_before(weights: Weights, peaks: Peaks) -> None:
    before = logits(weights, int8=False)
    factors = smoothing_factors(SHAPE, weights, peaks)
    smooth(SHAPE, weights, factors)
    assert set(factors) == {f"layers.{i}.{p}" for i in range(SHAPE.layers) for p in PLACES}
    np.testing.assert_allclose(logits(weights, int8=False), before, rtol=1e-3, atol=1e-4)


def test_outliers_cost_int8_less_once_they_are_smoothed(weights: Weights, peaks: Peaks) -> None:
    exact = logits(weights, int8=False)
    plain = np.abs(logits(weights, int8=True) - exact).mean()
    smooth(SHAPE, weights, smoothing_factors(SHAPE, weights, peaks))
    assert np.abs(logits(weights, int8=True) - exact).mean() < plain / 3


def test_factors_are_what_a_file_of_float16_keeps(weights: Weights, peaks: Peaks) -> None:
    for factor in smoothing_factors(SHAPE, weights, peaks).values():
        assert np.array_equal(factor, factor.astype(np.float16).astype(np.float32))
