"""A bundle is opened only if every file is what its manifest says and the model is a decoder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from tiny_bundle import SHAPE, make_bundle, random_weights

from nextedit_jupyter.bundles.bundle import Bundle, default_bundle_path
from nextedit_jupyter.bundles.graph import build_graph
from nextedit_jupyter.bundles.onnx_file import check_model
from nextedit_jupyter.core.errors import BundleError

MODEL = build_graph(SHAPE, random_weights(), int8=True).SerializeToString()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle")


def change_manifest(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def replace_model(folder: Path, data: bytes) -> None:
    """Put another model in place, with a manifest that agrees with it."""
    (folder / "model.onnx").write_bytes(data)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    files["model.onnx"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    change_manifest(folder, files=files)


def changed(change: Callable[[onnx.ModelProto], None]) -> bytes:
    model = onnx.load_model_from_string(MODEL)
    change(model)
    return bytes(model.SerializeToString())


def test_a_good_bundle_says_what_it_is(folder: Path) -> None:
    bundle = Bundle.open(folder)
    assert bundle.label == "nextedit-tiny/0.1.0"
    assert (bundle.layers, bundle.kv_heads, bundle.head_dim, bundle.context, bundle.vocab_size) == (
        SHAPE.layers, SHAPE.kv_heads, SHAPE.head_dim, SHAPE.context, SHAPE.vocab_size,
    )  # fmt: skip
    assert bundle.thresholds["inline"] == 0.6
    assert bundle.prompt_format == "cells-spm-v1"


def test_files_beside_the_named_ones_are_ignored(folder: Path) -> None:
    before = Bundle.open(folder)
    (folder / "receipt.json").write_text("{}")
    assert Bundle.open(folder) == before


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "CARD.md", "manifest.json"])
@pytest.mark.parametrize("damage", ["gone", "empty", "truncated", "garbage", "one bit"])
def test_a_damaged_file_is_refused_and_the_message_says_what_to_do(
    folder: Path, name: str, damage: str
) -> None:
    file = folder / name
    data = bytearray(file.read_bytes())
    if damage == "gone":
        file.unlink()
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "truncated":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "garbage":
        file.write_bytes(os.urandom(len(data)))
    else:
        data[0] ^= 1
        file.write_bytes(data)
    with pytest.raises(BundleError, match="install the bundle again"):
        Bundle.open(folder)


def test_a_link_is_refused_even_to_the_right_file(folder: Path) -> None:
    moved = folder.parent / "elsewhere.onnx"
    (folder / "model.onnx").rename(moved)
    (folder / "model.onnx").symlink_to(moved)
    with pytest.raises(BundleError, match="link"):
        Bundle.open(folder)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a/../../b", "..", ".", "", "C:model", "a\\b", "sub/file"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(folder: Path, name: str) -> None:
    files = json.loads((folder / "manifest.json").read_text())["files"]
    change_manifest(folder, files={**files, name: files["CARD.md"]})
    with pytest.raises(BundleError, match="leads out"):
        Bundle.open(folder)


def test_a_folder_in_place_of_a_file_is_refused(folder: Path) -> None:
    (folder / "CARD.md").unlink()
    (folder / "CARD.md").mkdir()
    with pytest.raises(BundleError, match="regular file"):
        Bundle.open(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2}, {"schema": None}, {"id": "../x"}, {"id": "X"}, {"version": "new"},
        {"context": 0}, {"context": -1}, {"context": 10**9}, {"context": "2048"}, {"layers": True},
        {"layers": 3}, {"kv_heads": 1}, {"head_dim": 32}, {"context": 1024}, {"vocab_size": 385},
        {"thresholds": {"inline": 2}}, {"thresholds": []}, {"thresholds": {"inline": "0.5"}},
        {"files": {}}, {"files": []}, {"files": {"model.onnx": None, "tokenizer.json": None}},
        {"prompt_format": ""}, {"language": 7}, {"min_app_version": "99.0.0"},
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_right_is_refused(folder: Path, change: dict[str, Any]) -> None:
    change_manifest(folder, **change)
    with pytest.raises(BundleError, match=r"install the bundle again|update"):
        Bundle.open(folder)


def test_a_manifest_nested_too_deeply_is_refused(folder: Path) -> None:
    (folder / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(BundleError):
        Bundle.open(folder)


def test_weights_in_another_file_are_refused(folder: Path) -> None:
    def outside(model: onnx.ModelProto) -> None:
        weight = model.graph.initializer[-1]
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="../../etc/passwd")

    replace_model(folder, changed(outside))
    with pytest.raises(BundleError, match="other files"):
        Bundle.open(folder)


def bomb() -> bytes:
    """A few bytes that become 400 GB when onnxruntime folds constants."""
    shape = numpy_helper.from_array(np.array([10**11]), "shape")
    graph = helper.make_graph(
        [helper.make_node("ConstantOfShape", ["shape"], ["logits"])],
        "bomb",
        [],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [None])],
        [shape],
    )
    return bytes(helper.make_model(graph).SerializeToString())


def test_a_bomb_of_constants_is_refused(folder: Path) -> None:
    replace_model(folder, bomb())
    with pytest.raises(BundleError, match="ConstantOfShape"):
        Bundle.open(folder)


def custom_domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("evil.ops", 1))


def custom_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "evil.ops"


def control_flow(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Loop"


def graph_in_an_attribute(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("body", model.graph))


def local_function(model: onnx.ModelProto) -> None:
    model.functions.add(name="Add", domain="")


def absurd_size(model: onnx.ModelProto) -> None:
    weight = model.graph.initializer[-1]
    weight.ClearField("dims")
    weight.dims.extend([1 << 20, 1 << 20])


def negative_size(model: onnx.ModelProto) -> None:
    weight = model.graph.initializer[-1]
    weight.ClearField("dims")
    weight.dims.extend([-1, 4])


def absurd_input(model: onnx.ModelProto) -> None:
    model.graph.input[-1].type.tensor_type.shape.dim[0].dim_value = 1 << 40


def strings(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(helper.make_tensor("s", TensorProto.STRING, [1], [b"x"]))  # type: ignore[list-item]


def sparse(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.add()


def no_graph(model: onnx.ModelProto) -> None:
    model.ClearField("graph")


def too_little_data(model: onnx.ModelProto) -> None:
    model.graph.initializer[-1].raw_data = b"\0"


@pytest.mark.parametrize(
    "change",
    [
        custom_domain, custom_operator, control_flow, graph_in_an_attribute, local_function,
        absurd_size, negative_size, absurd_input, strings, sparse, no_graph, too_little_data,
    ],
)  # fmt: skip
def test_a_model_that_is_more_than_a_decoder_is_refused_before_it_is_loaded(
    folder: Path, change: Callable[[onnx.ModelProto], None]
) -> None:
    replace_model(folder, changed(change))
    with pytest.raises(BundleError, match=r"model\.onnx"):
        Bundle.open(folder)


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_walk_do_anything_but_refuse(data: bytes) -> None:
    with pytest.raises(BundleError):
        check_model(memoryview(data))


@settings(max_examples=200)
@given(st.data())
def test_a_model_with_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    model = bytearray(MODEL)
    for _ in range(data.draw(st.integers(1, 4))):
        model[data.draw(st.integers(0, len(model) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(model)))
    for part in (model, model[:cut]):
        with suppress(BundleError):
            assert check_model(memoryview(part)).nodes


def test_the_walk_sees_what_the_onnx_package_sees() -> None:
    summary = check_model(memoryview(MODEL))
    model = onnx.load_model_from_string(MODEL)
    assert summary.nodes == len(model.graph.node)
    assert summary.operators == {f"{node.domain}::{node.op_type}" for node in model.graph.node}
    sizes = [len(weight.raw_data) for weight in model.graph.initializer]
    assert summary.weight_bytes == sum(sizes)
    assert summary.inputs["past.1.value"] == (1, SHAPE.kv_heads, SHAPE.context, SHAPE.head_dim)
    assert summary.outputs["logits"] == (1, None, SHAPE.vocab_size)


def test_the_default_bundle_is_the_one_that_the_environment_names(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTEDIT_BUNDLE", str(folder))
    assert default_bundle_path() == folder
    monkeypatch.setenv("NEXTEDIT_BUNDLE", str(folder / "nowhere"))
    with pytest.raises(BundleError, match="NEXTEDIT_BUNDLE"):
        default_bundle_path()


def test_a_path_without_a_bundle_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="install the bundle again or set NEXTEDIT_BUNDLE"):
        Bundle.open(tmp_path / "none")
