"""Checks the contents of an ONNX file, read from its bytes, before onnxruntime loads it.

onnxruntime loads whatever it is given: data from other files, operators that create gigabytes from
a few bytes, operators of other libraries. This walk over the protobuf wire format refuses all of
that without the `onnx` package and without copying weights, in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

from nextedit_jupyter.core.errors import BundleError

DEFAULT_DOMAINS = frozenset(("", "ai.onnx"))
# None of these operators can make an output much larger than its inputs from a constant, except by
# broadcasting, which `MAX_ELEMENTS` bounds. ConstantOfShape, Expand, Tile, Pad, Range, Resize,
# random operators and all control flow are excluded; Concat may only join what was split
# (`_Joins`).
# fmt: off
OPERATORS = {
    "": frozenset((
        "Abs", "Add", "Cast", "Clip", "Concat", "Constant", "Cos", "DequantizeLinear", "Div",
        "DynamicQuantizeLinear", "Equal", "Erf", "Exp", "Gather", "Gelu", "Identity",
        "LayerNormalization", "MatMul", "MatMulInteger", "Max", "Min", "Mul", "Neg", "Pow",
        "QuantizeLinear", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Relu",
        "Reshape", "Round", "Shape", "Sigmoid", "SimplifiedLayerNormalization", "Sin",
        "Slice", "Softmax", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "TopK",
        "Transpose", "Unsqueeze",
    )),
    "com.microsoft": frozenset((
        "BiasGelu", "DynamicQuantizeMatMul", "FastGelu", "GatherBlockQuantized", "Gelu",
        "GroupQueryAttention", "MatMulIntegerToFloat", "MatMulNBits", "QuickGelu",
        "RotaryEmbedding", "SimplifiedLayerNormalization", "SkipLayerNormalization",
        "SkipSimplifiedLayerNormalization",
    )),
}
# fmt: on
_PRODUCTS = frozenset(("MatMul", "MatMulIntegerToFloat", "MatMulNBits"))
MAX_NODES = 50_000
MAX_ELEMENTS = 1 << 28  # of one tensor: a vocabulary of 152k by 1,536 has 2.3e8
_ITEM_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
_HALF_BYTE_TYPES = frozenset((21, 22))  # uint4 and int4, two per byte
_SMALL = 4096  # elements that may be in typed fields instead of raw bytes

Field = tuple[int, int, "int | memoryview"]


@dataclass(slots=True)
class GraphSummary:
    """A graph's operators as `domain::name`, and the fixed shapes of its inputs and outputs.

    A dimension without a fixed size is None.
    """

    operators: set[str] = field(default_factory=set)
    inputs: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    outputs: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    weight_bytes: int = 0
    nodes: int = 0


def check_model(data: memoryview) -> GraphSummary:
    """Read a serialised ONNX model. Raises BundleError if it is invalid or must not be loaded."""
    summary = GraphSummary()
    graphs = 0
    try:
        for number, kind, value in _fields(data):
            if number == 7 and kind == 2:
                graphs += 1
                _check_graph(_message(value), summary)
            elif number == 8 and kind == 2:
                domain = _text(_message(value), 1)
                if domain not in DEFAULT_DOMAINS and domain not in OPERATORS:
                    raise _refused(f"it imports the operators of {domain[:80]!r}")
            elif number in (20, 25):
                raise _refused("it contains training or function definitions")
    except _Damaged:
        raise BundleError(
            "model.onnx is damaged (it is not a complete ONNX model): install the bundle again"
        ) from None
    if graphs != 1 or not summary.outputs:
        raise BundleError("model.onnx contains no model: install the bundle again")
    return summary


class _Joins:
    """Checks what a Concat joins: only products of the parts of one Split, each part once.

    Then it has no more rows than there were before the split. A single number joined with itself a
    few dozen times would fill the memory.
    """

    def __init__(self) -> None:
        self._parts: dict[str, int] = {}  # the outputs of Splits, with their nodes
        self._products: dict[str, tuple[int, str]] = {}  # outputs, with node and part

    def add(self, at: int, operator: str, inputs: list[str], outputs: list[str]) -> None:
        """Check the node at index `at`. Raises BundleError."""
        if operator == "Split":
            self._parts.update(dict.fromkeys(outputs, at))
        elif operator in _PRODUCTS and inputs and inputs[0] in self._parts:
            product = self._parts[inputs[0]], inputs[0]
            self._products.update(dict.fromkeys(outputs, product))
        elif operator == "Concat":
            joined = [self._products.get(name) for name in inputs]
            of_one = len({product[0] for product in joined if product}) == 1
            if None in joined or not of_one or len(set(joined)) != len(joined):
                raise _refused("it joins tensors that were not split")


def _check_graph(graph: memoryview, summary: GraphSummary) -> None:
    joins = _Joins()
    for number, kind, value in _fields(graph):
        if kind != 2:
            continue
        if number == 1:
            _check_node(_message(value), summary, joins)
        elif number == 5:
            summary.weight_bytes += _check_tensor(_message(value))
        elif number == 11:
            name, shape = _value_info(_message(value))
            summary.inputs[name] = shape
        elif number == 12:
            name, shape = _value_info(_message(value))
            summary.outputs[name] = shape
        elif number == 13:
            _value_info(_message(value))
        elif number == 15:
            raise _refused("it contains sparse weights")


def _check_node(node: memoryview, summary: GraphSummary, joins: _Joins) -> None:
    summary.nodes += 1
    if summary.nodes > MAX_NODES:
        raise _refused(f"it has more than {MAX_NODES} operations")
    domain = _text(node, 7)
    operator = _text(node, 4)
    known = OPERATORS.get("" if domain in DEFAULT_DOMAINS else domain)
    if known is None or operator not in known:
        raise _refused(f"it uses the operator {f'{domain}::{operator}'.strip(':')[:80]!r}")
    summary.operators.add(f"{domain}::{operator}")
    joins.add(summary.nodes, operator, _texts(node, 1), _texts(node, 2))
    for number, kind, value in _fields(node):
        if number != 5 or kind != 2:
            continue
        for part, part_kind, inner in _fields(_message(value)):
            if part in (6, 11):
                raise _refused("it contains graphs within operations")
            if part in (22, 23):
                raise _refused("it contains sparse weights")
            if part in (5, 10) and part_kind == 2:
                summary.weight_bytes += _check_tensor(_message(inner))


def _check_tensor(tensor: memoryview) -> int:
    """Check a tensor's location and size; returns its bytes in the file."""
    dims: list[int] = []
    kind_of_data, raw, typed, location = 0, 0, 0, 0
    for number, kind, value in _fields(tensor):
        if number == 1:
            dims += [value] if isinstance(value, int) else _varints(value)
        elif number == 2 and isinstance(value, int):
            kind_of_data = value
        elif number == 9:
            raw += len(_message(value))
        elif number in (4, 5, 6, 7, 10, 11):
            typed += len(value) if isinstance(value, memoryview) else 8
        elif number == 13 or number == 3:
            raise _refused("its weights are in other files")
        elif number == 14 and isinstance(value, int):
            location = value
        del kind
    if location:
        raise _refused("its weights are in other files")
    elements = _elements(dims)
    if kind_of_data in _HALF_BYTE_TYPES:
        size = (elements + 1) // 2
    elif kind_of_data in _ITEM_BYTES:
        size = elements * _ITEM_BYTES[kind_of_data]
    else:
        raise _refused(f"it contains data of the type {kind_of_data}")
    if typed:
        if raw or elements > _SMALL or typed > _SMALL * 10:
            raise _refused("its weights are stored in an unusual way")
    elif raw != size:
        raise _Damaged
    return raw + typed


def _value_info(info: memoryview) -> tuple[str, tuple[int | None, ...]]:
    name = _text(info, 1)
    dims: list[int | None] = []
    for tensor in _inside(info, 2, 1):
        for shape in _inside(tensor, 2):
            for dim in _inside(shape, 1):
                size: int | None = None
                for number, _, value in _fields(dim):
                    if number == 1 and isinstance(value, int):
                        size = value
                dims.append(size)
    _elements([dim for dim in dims if dim is not None])
    return name, tuple(dims)


def _elements(dims: list[int]) -> int:
    # A negative int64 is a varint above 2 ** 63, so it is also too large.
    if len(dims) > 8 or any(dim > MAX_ELEMENTS for dim in dims) or prod(dims) > MAX_ELEMENTS:
        raise _refused("it contains a tensor of an absurd size")
    return prod(dims)


def _refused(why: str) -> BundleError:
    return BundleError(
        f"model.onnx is refused: {why}. Use a bundle from `jupyter nextedit model install`, "
        "or import the checkpoint again"
    )


class _Damaged(Exception):
    """Not a valid protobuf message."""


def _fields(data: memoryview) -> Iterator[Field]:
    """Number, wire type and value of each field: an integer or the bytes, not copied."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        value: int | memoryview
        if number == 0:
            raise _Damaged
        if kind == 0:
            value, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = data[at : at + size], at + size
        elif kind == 2:
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
        else:  # groups are obsolete
            raise _Damaged
        if at > end:
            raise _Damaged
        yield number, kind, value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        if at >= len(data) or shift > 63:
            raise _Damaged
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _varints(data: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        values.append(value)
    return values


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise _Damaged
    return value


def _text(message: memoryview, wanted: int) -> str:
    """The last string field with that number, as in protobuf; empty if there is none."""
    return (_texts(message, wanted) or [""])[-1]


def _texts(message: memoryview, wanted: int) -> list[str]:
    """The string fields with that number."""
    found = []
    for number, kind, value in _fields(message):
        if number == wanted and kind == 2:
            try:
                found.append(bytes(_message(value)).decode("utf-8"))
            except UnicodeDecodeError:
                raise _Damaged from None
    return found


def _inside(message: memoryview, *path: int) -> Iterator[memoryview]:
    """The messages at a path of field numbers."""
    for number, kind, value in _fields(message):
        if number == path[0] and kind == 2:
            inner = _message(value)
            if len(path) == 1:
                yield inner
            else:
                yield from _inside(inner, *path[1:])
