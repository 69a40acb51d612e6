"""Hostile bundles, each made from a small valid one; `KINDS` are by name."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tiny_bundle import make_bundle


def sealed(folder: Path, **changes: Any) -> None:
    """Make the manifest match the files again, with `changes`."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text()) | changes
    for name in manifest["files"]:
        data = (folder / name).read_bytes()
        manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    path.write_text(json.dumps(manifest))


def change_tokenizer(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "tokenizer.json"
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
    sealed(folder)


def change_model(folder: Path, change: Callable[[onnx.ModelProto], None]) -> None:
    model = onnx.load_model(folder / "model.onnx")
    change(model)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    sealed(folder)


def huge_id(folder: Path) -> None:
    change_tokenizer(folder, lambda value: value["model"]["vocab"].update({"zzz": 2_000_000_000}))


def huge_added_id(folder: Path) -> None:
    token = {"id": 1_999_999_999, "content": "<|far|>", "special": True, "single_word": False}
    flags = {"lstrip": False, "rstrip": False, "normalized": False}
    change_tokenizer(folder, lambda value: value["added_tokens"].append({**token, **flags}))


def expression(pattern: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        part = {
            "type": "Split",
            "pattern": {"Regex": pattern},
            "behavior": "Isolated",
            "invert": False,
        }
        change_tokenizer(
            folder, lambda value: value["pre_tokenizer"]["pretokenizers"].insert(0, part)
        )

    return change


def growing_texts(folder: Path) -> None:
    part = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1_000_000}
    change_tokenizer(folder, lambda value: value.update(normalizer=part))


def broadcast(side: int) -> Callable[[Path], None]:
    """Two vectors of `side` elements whose sum has `side` squared, on the path to the logits."""

    def change(model: onnx.ModelProto) -> None:
        graph = model.graph
        ones = np.ones((side, 1), np.float32)
        graph.initializer.append(numpy_helper.from_array(ones, "bomb.a"))
        graph.initializer.append(numpy_helper.from_array(ones.T.copy(), "bomb.b"))
        zero = numpy_helper.from_array(np.zeros((1,), np.float32), "bomb.zero")
        graph.initializer.append(zero)
        (last,) = (node for node in graph.node if "logits" in node.output)
        last.output[list(last.output).index("logits")] = "bomb.logits"
        graph.node.extend(
            [
                # From the input, so that it is not folded when the graph is loaded.
                helper.make_node("ReduceMax", ["bomb.logits"], ["bomb.top"], keepdims=0),
                helper.make_node("Mul", ["bomb.a", "bomb.top"], ["bomb.c"]),
                helper.make_node("Add", ["bomb.c", "bomb.b"], ["bomb.sum"]),
                helper.make_node("ReduceMax", ["bomb.sum"], ["bomb.most"], keepdims=0),
                helper.make_node("Mul", ["bomb.most", "bomb.zero"], ["bomb.none"]),
                helper.make_node("Add", ["bomb.logits", "bomb.none"], ["logits"]),
            ]
        )

    return lambda folder: change_model(folder, change)


def renamed(id: str) -> Callable[[Path], None]:
    return lambda folder: sealed(folder, id=id)


def pipe(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


def link(folder: Path) -> None:
    (folder / "CARD.md").unlink()
    (folder / "CARD.md").symlink_to("/etc/passwd")


def out_of_the_folder(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["../../escape"] = manifest["files"]["CARD.md"]
    path.write_text(json.dumps(manifest))


def external_weights(folder: Path) -> None:
    def change(model: onnx.ModelProto) -> None:
        weight = model.graph.initializer[-1]
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="/etc/passwd")

    change_model(folder, change)


def constants(folder: Path) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.initializer.append(numpy_helper.from_array(np.array([10**10]), "bomb.shape"))
        model.graph.node.append(helper.make_node("ConstantOfShape", ["bomb.shape"], ["bomb"]))

    change_model(folder, change)


def nested_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("[" * 100_000)


KINDS: dict[str, Callable[[Path], None]] = {
    "a token with the id 2,000,000,000": huge_id,
    "an added token with such an id": huge_added_id,
    "an expression without end": expression(r"(a+)+!"),
    "a choice without end": expression(r"(?:a|aa)+!"),
    "repetitions side by side": expression(r"\p{L}*\p{L}*\p{L}*!"),
    "a cubic expression": expression(r"\p{L}*\p{L}*!"),
    "a replacement by a megabyte": growing_texts,
    "a broadcast sum of 4 GB": broadcast(32_768),
    "a constant of 40 GB": constants,
    "weights in another file": external_weights,
    "the id current.json": renamed("current.json"),
    "the id serving.json": renamed("serving.json"),
    "the id lock": renamed("lock"),
    "an id that leads out": renamed("../../up"),
    "a pipe as manifest.json": pipe("manifest.json"),
    "a pipe as tokenizer.json": pipe("tokenizer.json"),
    "a pipe as model.onnx": pipe("model.onnx"),
    "a link as card": link,
    "a file outside of the folder": out_of_the_folder,
    "a manifest of brackets": nested_manifest,
}


def make_hostile(folder: Path, kind: str, *, version: str = "6.6.6") -> Path:
    """A bundle of that kind in `folder`."""
    KINDS[kind](make_bundle(folder, version=version))
    return folder
