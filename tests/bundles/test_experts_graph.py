"""Mixtures in the graph: only the chosen experts work, and a row's logits are its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from tiny_bundle import MIXTURE, SHAPE, random_weights

from nextedit_jupyter.bundles.graph import (
    COMPANY,
    Experts,
    GraphShape,
    build_graph,
    weight_names,
)
from nextedit_jupyter.bundles.graph.experts import Mixture
from nextedit_jupyter.bundles.graph.writer import GraphWriter
from nextedit_jupyter.bundles.onnx_file import check_model
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.engine.decoder import Decoder, Slot

pytestmark = pytest.mark.slow

IDS = np.random.default_rng(0).integers(0, SHAPE.vocab_size, 60).tolist()
WIDE = replace(SHAPE, width=64, heads=4, hidden=96)


def decoder_of(
    shape: GraphShape, weights: dict[str, np.ndarray] | None = None, **options: Any
) -> Decoder:
    model = build_graph(shape, weights or random_weights(shape), **options).SerializeToString()
    check_model(memoryview(model))  # it holds nothing that an install would refuse
    return Decoder(
        model,
        shape,
    )


CASES: dict[str, tuple[GraphShape, dict[str, Any]]] = {
    "two of five": (MIXTURE, {}),
    "all of three": (replace(SHAPE, experts=Experts(3, 3, 16)), {}),
    "one of one": (replace(SHAPE, experts=Experts(1, 1, 16, shared_hidden=8)), {}),
    "six of 40": (replace(SHAPE, experts=Experts(40, 6, 16, normalised=True)), {}),
    "some layers dense": (replace(SHAPE, experts=Experts(4, 2, 16, dense=frozenset((0,)))), {}),
    "the last layer dense": (replace(SHAPE, experts=Experts(4, 2, 16, dense=frozenset((1,)))), {}),
    "4 bits": (replace(WIDE, experts=Experts(4, 2, 32, shared_hidden=32)), {"bits": 4}),
    "float32": (MIXTURE, {"int8": False}),
}


@pytest.fixture(scope="module", params=list(CASES.values()), ids=list(CASES))
def decoder(request: pytest.FixtureRequest) -> Decoder:
    shape, options = request.param
    return decoder_of(shape, **options)


@settings(max_examples=30)
@given(st.data())
def test_logits_are_the_same_bits_however_a_text_is_cut(
    decoder: Decoder, data: st.DataObject
) -> None:
    whole = decoder.run(Slot(decoder), IDS, 0, 0)
    slot, at = Slot(decoder), 0
    while at < len(IDS):
        part = IDS[at : at + data.draw(st.integers(1, 30))]
        start = data.draw(st.integers(0, len(part) - 1))
        company = [COMPANY] if len(part) == 1 else []
        rows = decoder.run(slot, [*part, *company], at, start)[: len(part) - start]
        assert np.array_equal(rows, whole[at + start : at + len(part)])
        at += len(part)


def test_a_row_in_company_answers_as_it_does_beside_any_other(decoder: Decoder) -> None:
    slot = Slot(decoder)
    decoder.run(slot, IDS[:30], 0, 0)
    alone = decoder.run(slot, [IDS[30], COMPANY], 30, 0)[0]
    for other in (0, 7, 300):
        assert np.array_equal(decoder.run(slot, [IDS[30], other], 30, 0)[0], alone)


def test_the_graph_says_that_it_knows_rows_of_company(decoder: Decoder) -> None:
    assert decoder.company == COMPANY
    assert decoder_of(SHAPE).company is None


def plain_mixture(y: np.ndarray, weights: dict[str, np.ndarray], experts: Experts) -> np.ndarray:
    """A layer's mixture as its definition reads, a row and an expert at a time."""

    def feed(name: str, row: np.ndarray) -> np.ndarray:
        gate, up, down = (weights[f"{name}.{part}.weight"] for part in ("gate", "up", "down"))
        hidden = gate @ row
        fed: np.ndarray = down @ (hidden / (1 + np.exp(-hidden)) * (up @ row))
        return fed

    rows = []
    for row in y:
        scores = weights["l.router.weight"] @ row
        chosen = np.argsort(-scores, kind="stable")[: experts.active]
        shares = np.exp(scores - scores.max())
        shares /= shares[chosen].sum() if experts.normalised else shares.sum()
        total = sum(shares[e] * feed(f"l.experts.{e}", row) for e in chosen)
        if experts.shared_hidden:
            share = 1.0
            if experts.shared_gate:
                share = 1 / (1 + np.exp(-(weights["l.shared_gate.weight"] @ row)[0]))
            total = total + share * feed("l.shared", row)
        rows.append(total)
    return np.array(rows)


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("shared", [(0, False), (12, False), (12, True)])
def test_a_layer_is_what_its_definition_says(normalised: bool, shared: tuple[int, bool]) -> None:
    experts = Experts(
        6, 3, 20, normalised=normalised, shared_hidden=shared[0], shared_gate=shared[1]
    )
    shape = replace(SHAPE, experts=experts)
    weights = {
        name.replace("layers.0", "l"): value for name, value in random_weights(shape).items()
    }
    graph = GraphWriter(shape, int8=False)
    mixture = Mixture(graph, experts, shape.width)
    made = mixture.add("l", "y", None, weights)
    graph.nodes.append(helper.make_node("Identity", [made], ["x"]))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "mixture",
            [
                helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "m", shape.width]),
                helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "m"]),
            ],
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)],
        ir_version=10,
    )  # fmt: skip
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y = np.random.default_rng(1).normal(size=(9, shape.width)).astype(np.float32)
    feeds = {"y": y[None], "input_ids": np.zeros((1, 9), np.int64)}
    found = session.run(None, feeds)[0][0]
    np.testing.assert_allclose(found, plain_mixture(y, weights, experts), atol=1e-5)


def test_an_expert_that_is_not_chosen_is_not_computed() -> None:
    """Where an expert's weights are no numbers, only the rows that chose it are none."""
    shape = replace(SHAPE, layers=1, experts=Experts(6, 2, 16))
    weights = random_weights(shape)
    before = decoder_of(shape, weights, int8=False)
    rows = before.run(Slot(before), IDS, 0, 0)
    weights["layers.0.experts.3.up.weight"] = np.full((16, shape.width), np.nan, np.float32)
    after = decoder_of(shape, weights, int8=False)
    spoilt = np.isnan(after.run(Slot(after), IDS, 0, 0)).any(-1)
    assert 0 < spoilt.sum() < len(IDS)
    assert np.array_equal(after.run(Slot(after), IDS, 0, 0)[~spoilt], rows[~spoilt])


def test_int8_is_near_float32() -> None:
    exact, rounded = decoder_of(MIXTURE, int8=False), decoder_of(MIXTURE)
    want, have = (each.run(Slot(each), IDS, 0, 0) for each in (exact, rounded))
    # A row whose router is undecided may take another expert; most rows do not.
    error = np.abs(want - have).max(-1)
    assert np.median(error) < 0.15 * want.std()


@pytest.mark.parametrize("shape", [SHAPE, MIXTURE, CASES["some layers dense"][0]])
def test_the_names_are_those_that_are_asked_for(shape: GraphShape) -> None:
    asked: set[str] = set()

    class Asked(dict[str, np.ndarray]):
        def __getitem__(self, name: str) -> np.ndarray:
            assert name not in asked  # each once: they may come from a file
            asked.add(name)
            return super().__getitem__(name)

    weights = random_weights(shape)
    build_graph(shape, Asked(weights))
    assert asked == set(weight_names(shape)) == set(weights)
    assert sum(value.size for value in weights.values()) == shape.parameters


def test_the_active_parameters_are_those_of_a_dense_model_and_the_router() -> None:
    sparse = replace(SHAPE, experts=Experts(8, 2, 24))
    dense = replace(SHAPE, hidden=48)
    assert sparse.active_parameters == dense.parameters + SHAPE.layers * 8 * SHAPE.width
    assert sparse.parameters > sparse.active_parameters


@pytest.mark.parametrize("counts", [(0, 1), (4, 0), (4, 5), (4, -1)])
def test_experts_that_cannot_be_are_refused(counts: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="experts"):
        Experts(*counts, 16)


@pytest.mark.parametrize("option", [{"fine": {"down"}}, {"turn": {"gate"}}])
def test_a_mixture_takes_no_option_of_our_own_exports(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="plainly"):
        build_graph(MIXTURE, random_weights(MIXTURE), **option)


def joins(*nodes: tuple[str, str, str]) -> bytes:
    """A model of nodes as (operator, inputs, outputs), names parted by blanks."""
    graph = helper.make_graph(
        [
            helper.make_node(op, inputs.split(), outputs.split(), axis=0)
            for op, inputs, outputs in nodes
        ],
        "joins",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones((4, 4), np.float32), "w")],
    )
    model: bytes = helper.make_model(graph).SerializeToString()
    return model


SPLIT = ("Split", "x", "a b")
PRODUCTS = (("MatMul", "a w", "c"), ("MatMul", "b w", "d"))


def test_what_was_split_and_multiplied_may_be_joined() -> None:
    check_model(memoryview(joins(SPLIT, *PRODUCTS, ("Concat", "c d", "y"))))


@pytest.mark.parametrize(
    "nodes",
    [
        [("Concat", "x x", "y")],
        [SPLIT, ("Concat", "a b", "y")],
        [SPLIT, *PRODUCTS, ("Concat", "c c", "y")],
        [SPLIT, *PRODUCTS, ("MatMul", "a w", "e"), ("Concat", "c d e", "y")],
        [SPLIT, *PRODUCTS, ("Concat", "c d w", "y")],
        [SPLIT, *PRODUCTS, ("Split", "x", "e f"), ("MatMul", "e w", "g"), ("Concat", "c g", "y")],
        [SPLIT, ("MatMul", "w a", "c"), ("MatMul", "w b", "d"), ("Concat", "c d", "y")],
    ],
)
def test_nothing_else_may_be_joined(nodes: list[tuple[str, str, str]]) -> None:
    """Joined with itself a few dozen times, a tensor of one number would take all memory."""
    with pytest.raises(BundleError, match="joins tensors"):
        check_model(memoryview(joins(*nodes)))
