"""A decoder in the form that onnxruntime-genai reads: its graph and its settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from nextedit_jupyter.bundles.graph import GraphShape, rotary_tables

Weights = dict[str, np.ndarray]


def nbits_graph(shape: GraphShape, weights: Weights) -> onnx.ModelProto:
    """The decoder with MatMulNBits at 8 bits, blocks of 32, accuracy level 4."""
    graph = _Graph(shape)
    x, residual = (
        graph.one("Gather", [graph.weight("embedding", weights["embedding.weight"]), "input_ids"]),
        None,
    )
    for i in range(shape.layers):
        at = f"layers.{i}"
        y, residual = graph.norm(x, residual, weights[f"{at}.norm_attention.weight"])
        qkv = graph.linear(f"{at}.qkv", y, weights[f"{at}.qkv.weight"])
        x = graph.linear(f"{at}.out", graph.attention(i, qkv), weights[f"{at}.out.weight"])
        y, residual = graph.norm(x, residual, weights[f"{at}.norm_mlp.weight"])
        gate = graph.linear(f"{at}.gate", y, weights[f"{at}.gate.weight"])
        up = graph.linear(f"{at}.up", y, weights[f"{at}.up.weight"])
        silu = graph.one("QuickGelu", [gate], "com.microsoft", alpha=1.0)
        x = graph.linear(f"{at}.down", graph.one("Mul", [silu, up]), weights[f"{at}.down.weight"])
    y, _ = graph.norm(x, residual, weights["norm.weight"])
    # genai asks for all rows' logits in a prompt unless the graph takes the last one itself.
    minus_one = graph.weight("minus_one", np.array([-1], np.int64))
    end = graph.weight("end", np.array([np.iinfo(np.int64).max], np.int64))
    last = graph.one("Slice", [y, minus_one, end, graph.axis])
    head = graph.linear("head", last, weights["embedding.weight"])
    graph.nodes.append(helper.make_node("Identity", [head], ["logits"]))
    return graph.model()


class _Graph:
    """Nodes and weights in the order in which they are added, and a pass's inputs and outputs."""

    def __init__(self, shape: GraphShape) -> None:
        self.shape = shape
        self.nodes: list[onnx.NodeProto] = []
        self._tensors: list[onnx.TensorProto] = []
        value_info = helper.make_tensor_value_info
        self._inputs = [
            value_info("input_ids", TensorProto.INT64, ["batch", "n"]),
            value_info("attention_mask", TensorProto.INT64, ["batch", "total"]),
        ]
        self._outputs = [value_info("logits", TensorProto.FLOAT, ["batch", 1, shape.vocab_size])]
        cos, sin = rotary_tables(shape)
        self._tables = [self.weight("cos", cos), self.weight("sin", sin)]
        one_int = self.weight("one_int", np.array(1, np.int64))
        self.axis = self.weight("axis", np.array([1], np.int64))
        counted = self.one("ReduceSum", ["attention_mask", self.axis], keepdims=0)
        self._seqlens = self.one(
            "Cast", [self.one("Sub", [counted, one_int])], to=TensorProto.INT32
        )
        length = self.one("Gather", [self.one("Shape", ["attention_mask"]), one_int], axis=0)
        self._total = self.one("Cast", [length], to=TensorProto.INT32)

    def weight(self, name: str, value: np.ndarray) -> str:
        self._tensors.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def one(self, op: str, inputs: list[str], domain: str = "", **attributes: Any) -> str:
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name, domain=domain, **attributes))
        return name

    def linear(self, name: str, x: str, matrix: np.ndarray) -> str:
        """Rows of the matrix are outputs."""
        outputs, inputs = matrix.shape
        blocks = matrix.reshape(outputs, inputs // 32, 32)
        scales = np.abs(blocks).max(-1, keepdims=True) / 127
        values = (np.clip(np.rint(blocks / scales), -127, 127) + 128).astype(np.uint8)
        sizes = {"K": inputs, "N": outputs, "bits": 8, "block_size": 32, "accuracy_level": 4}
        scale = self.weight(f"{name}.scale", scales.astype(np.float32).reshape(-1))
        return self.one(
            "MatMulNBits", [x, self.weight(name, values), scale], "com.microsoft", **sizes
        )

    def norm(self, x: str, residual: str | None, gain: np.ndarray) -> tuple[str, str]:
        name = self.weight(f"gain{len(self.nodes)}", gain)
        eps = self.shape.norm_eps
        if residual is None:
            op = "SimplifiedLayerNormalization"
            return self.one(op, [x, name], axis=-1, epsilon=eps, stash_type=1), x
        op = "SkipSimplifiedLayerNormalization"
        outputs = [f"{name}.y", "", "", f"{name}.sum"]
        inputs = [x, residual, name]
        self.nodes.append(
            helper.make_node(op, inputs, outputs, name, domain="com.microsoft", epsilon=eps)
        )
        return outputs[0], outputs[3]

    def attention(self, layer: int, qkv: str) -> str:
        """A layer's attention over its cache, which becomes an input and an output."""
        mixed = f"layers.{layer}.mixed"
        past = self._cached(self._inputs, "past_key_values", layer, "past")
        present = self._cached(self._outputs, "present", layer, "total")
        self.nodes.append(
            helper.make_node(
                "GroupQueryAttention",
                [qkv, "", "", *past, self._seqlens, self._total, *self._tables],
                [mixed, *present],
                f"layers.{layer}.attention",
                domain="com.microsoft",
                num_heads=self.shape.heads,
                kv_num_heads=self.shape.kv_heads,
                do_rotary=1,
                rotary_interleaved=0,
            )
        )
        return mixed

    def model(self) -> onnx.ModelProto:
        return helper.make_model(
            helper.make_graph(self.nodes, "decoder", self._inputs, self._outputs, self._tensors),
            opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)],
            ir_version=10,
        )

    def _cached(
        self, values: list[onnx.ValueInfoProto], kind: str, layer: int, size: str
    ) -> list[str]:
        """Add a layer's keys and values to the graph's inputs or outputs; returns their names."""
        sizes: list[str | int | None] = ["batch", self.shape.kv_heads, size, self.shape.head_dim]
        names = [f"{kind}.{layer}.{part}" for part in ("key", "value")]
        values += [helper.make_tensor_value_info(one, TensorProto.FLOAT, sizes) for one in names]
        return names


def genai_config(shape: GraphShape, threads: int) -> dict[str, Any]:
    """The model's settings for onnxruntime-genai."""
    return {
        "model": {
            "type": "llama",
            "context_length": shape.context,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 0,
            "vocab_size": shape.vocab_size,
            "decoder": {
                "filename": "model.onnx",
                "head_size": shape.head_dim,
                "hidden_size": shape.width,
                "num_attention_heads": shape.heads,
                "num_key_value_heads": shape.kv_heads,
                "num_hidden_layers": shape.layers,
                "session_options": {"intra_op_num_threads": threads, "provider_options": []},
                "inputs": {
                    "input_ids": "input_ids",
                    "attention_mask": "attention_mask",
                    "past_key_names": "past_key_values.%d.key",
                    "past_value_names": "past_key_values.%d.value",
                },
                "outputs": {
                    "logits": "logits",
                    "present_key_names": "present.%d.key",
                    "present_value_names": "present.%d.value",
                },
            },
        },
        "search": {
            "max_length": shape.context,
            "do_sample": False,
            "past_present_share_buffer": True,
        },
    }
