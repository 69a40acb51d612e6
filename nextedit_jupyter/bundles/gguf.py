"""Reading GGUF files: their metadata, and their tensors one by one as float32.

A GGUF file is a header, key-value pairs, a table of tensors and their data. It is parsed here
rather than by a library, so that an untrusted file is checked against bounds before anything is
allocated: counts, lengths, depths and offsets against the file's size. Only what is requested is
read, so that gigabytes need little memory.

The layout is that of the specification (versions 2 and 3, little-endian), the blocks of quantised
weights are those of ggml.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.core.errors import BundleError

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

MAGIC = b"GGUF"
# The largest vocabularies have a quarter of a million tokens and as many merges.
MAX_KEYS, MAX_TENSORS, MAX_ITEMS = 4096, 65_536, 4_000_000
MAX_KEY, MAX_STRING = 65_535, 4_000_000  # bytes; a chat template may have some ten thousand
MAX_DEPTH = 2  # arrays in arrays
MAX_ELEMENTS = 1 << 28  # of one tensor, as in `onnx_file`
_HIGHEST_ALIGNMENT = 1 << 16
_STRING, _ARRAY, _BOOL = 8, 9, 7
_NUMBERS = {
    0: "<u1", 1: "<i1", 2: "<u2", 3: "<i2", 4: "<u4", 5: "<i4", 6: "<f4", 7: "<u1",
    10: "<u8", 11: "<i8", 12: "<f8",
}  # fmt: skip
# Names of unsupported types, for messages.
_OTHER_TYPES = {
    6: "Q5_0", 7: "Q5_1", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 13: "Q5_K", 15: "Q8_K", 16: "IQ2_XXS",
    17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS",
    24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0",
    39: "MXFP4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a tensor type is stored: `block` values in `size` bytes; `read` takes [blocks, size]."""

    name: str
    block: int
    size: int
    read: Callable[[Bytes], Floats]


@dataclass(frozen=True, slots=True)
class Tensor:
    """The location of a tensor. `shape` has the rows first: (outputs, inputs) of a matrix."""

    kind: str
    shape: tuple[int, ...]
    start: int
    end: int
    type: int


class GgufFile:
    """An open GGUF file. `metadata` has str, int, float, bool, and lists of them, by key.

    Raises BundleError for any other file, or one that exceeds a bound. Use it with `with`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with open(path, "rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise BundleError(f"{path.name} cannot be read ({error}): is it a GGUF file?") from None
        try:
            reader = _Reader(self._map)
            self.metadata, self.tensors = _contents(reader)
        except _Damaged as error:
            self.close()
            raise BundleError(
                f"{path.name} is not a complete GGUF file ({error}): get it again"
            ) from None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> GgufFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._map.close()

    def read(self, name: str, at: int | None = None) -> Floats:
        """A tensor as float32; `at` selects one index of its first axis.

        Raises BundleError if it does not exist or its type is not supported.
        """
        tensor = self.tensors.get(name)
        if tensor is None:
            raise BundleError(f"{self.path.name} has no tensor {name}")
        kind = KINDS.get(tensor.type)
        if kind is None:
            readable = ", ".join(kind.name for kind in KINDS.values())
            raise BundleError(
                f"{name} in {self.path.name} is stored as {tensor.kind}, which cannot be read "
                f"({readable} can): get the model in one of those"
            )
        start, end, shape = tensor.start, tensor.end, tensor.shape
        if at is not None:  # rows are whole blocks, and there is more than one axis
            length = (end - start) // shape[0]
            start, end, shape = start + at * length, start + (at + 1) * length, shape[1:]
        stored = np.frombuffer(self._map[start:end], np.uint8)
        # Widening a signalling NaN in a half warns; the caller checks the values.
        with np.errstate(all="ignore"):
            values = kind.read(stored.reshape(-1, kind.size))
        return values.reshape(shape)


class _Damaged(Exception):
    """Not a valid GGUF file, and why."""


class _Reader:
    """Reads values from a file's beginning, never beyond its end."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self.at = 0
        self.size = len(data)
        self.items = 0

    def take(self, count: int) -> bytes:
        if count > self.size - self.at:
            raise _Damaged("it is truncated")
        self.at += count
        return self._data[self.at - count : self.at]

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def string(self, limit: int = MAX_STRING) -> str:
        length = self.number("<Q")
        if length > limit:
            raise _Damaged(f"a string of {length} bytes")
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError:
            raise _Damaged("a string that is not UTF-8") from None

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self._array(depth + 1)
        if kind not in _NUMBERS:
            raise _Damaged(f"a value of the unknown type {kind}")
        dtype = np.dtype(_NUMBERS[kind])
        value = np.frombuffer(self.take(dtype.itemsize), dtype)[0].item()
        return bool(value) if kind == _BOOL else value

    def _array(self, depth: int) -> list[Any]:
        if depth > MAX_DEPTH:
            raise _Damaged("lists in lists in lists")
        kind, count = self.number("<I"), self.number("<Q")
        self.items += count
        if self.items > MAX_ITEMS:
            raise _Damaged(f"more than {MAX_ITEMS} values in its metadata")
        if kind in _NUMBERS:
            dtype = np.dtype(_NUMBERS[kind])
            values = np.frombuffer(self.take(count * dtype.itemsize), dtype)
            return list((values != 0 if kind == _BOOL else values).tolist())
        return [self.value(kind, depth) for _ in range(count)]


def _contents(reader: _Reader) -> tuple[dict[str, Any], dict[str, Tensor]]:
    if reader.take(4) != MAGIC:
        raise _Damaged("it does not begin with GGUF")
    version = reader.number("<I")
    if version not in (2, 3):
        raise _Damaged(f"its version is {version}; 2 and 3 are known")
    tensors, keys = reader.number("<Q"), reader.number("<Q")
    if tensors > MAX_TENSORS or keys > MAX_KEYS:
        raise _Damaged(f"{tensors} tensors and {keys} keys are announced")
    metadata: dict[str, Any] = {}
    for _ in range(keys):
        key = reader.string(MAX_KEY)
        if key in metadata:
            raise _Damaged(f"the key {key[:60]!r} occurs twice")
        metadata[key] = reader.value(reader.number("<I"))
    alignment = metadata.get("general.alignment", 32)
    known = isinstance(alignment, int) and not isinstance(alignment, bool)
    if not known or not 8 <= alignment <= _HIGHEST_ALIGNMENT or alignment % 8:
        raise _Damaged("its alignment is not a multiple of 8")
    table = [_entry(reader) for _ in range(tensors)]
    return metadata, _placed(table, -(-reader.at // alignment) * alignment, alignment, reader.size)


def _entry(reader: _Reader) -> tuple[str, tuple[int, ...], int, int]:
    name, count = reader.string(MAX_KEY), reader.number("<I")
    if not 1 <= count <= 4:
        raise _Damaged(f"{name[:60]!r} has {count} dimensions")
    sides = tuple(reader.number("<Q") for _ in range(count))
    if any(not 1 <= side <= MAX_ELEMENTS for side in sides) or prod(sides) > MAX_ELEMENTS:
        raise _Damaged(f"{name[:60]!r} has an absurd size")
    return name, sides, reader.number("<I"), reader.number("<Q")


def _placed(
    table: list[tuple[str, tuple[int, ...], int, int]], data: int, alignment: int, size: int
) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, sides, type, offset in table:
        if name in found:
            raise _Damaged(f"the tensor {name[:60]!r} occurs twice")
        kind = KINDS.get(type)
        if kind is None:
            if type not in _OTHER_TYPES:
                raise _Damaged(f"{name[:60]!r} is of the unknown type {type}")
            # Its size is unknown: it is refused on access.
            found[name] = Tensor(_OTHER_TYPES[type], sides[::-1], 0, 0, type)
            continue
        if sides[0] % kind.block:
            raise _Damaged(f"rows of {name[:60]!r} are not whole blocks")
        length = prod(sides) // kind.block * kind.size
        if offset % alignment or offset > size or data + offset + length > size:
            raise _Damaged(f"{name[:60]!r} is outside the file: it is truncated, or damaged")
        start = data + offset
        found[name] = Tensor(kind.name, sides[::-1], start, start + length, type)
    _check_apart(found)
    return found


def _check_apart(tensors: Mapping[str, Tensor]) -> None:
    """Refuse overlapping tensors, which no writer produces by mistake."""
    end = 0
    for start, after in sorted((tensor.start, tensor.end) for tensor in tensors.values()):
        if start < end:
            raise _Damaged("tensors overlap")
        end = after


# -- blocks: uint8 [blocks, size] to float32 [blocks, values] --------------------------------------


def _half(stored: Bytes) -> Floats:
    return np.ascontiguousarray(stored).view("<f2").astype(np.float32)


def _nibbles(stored: Bytes) -> Floats:
    """The low nibbles of all bytes, then their high nibbles."""
    return np.concatenate((stored & 15, stored >> 4), axis=-1).astype(np.float32)


def _f32(blocks: Bytes) -> Floats:
    return blocks.view("<f4").astype(np.float32)


def _bf16(blocks: Bytes) -> Floats:
    return (blocks.view("<u2").astype(np.uint32) << 16).view(np.float32)


def _q8_0(blocks: Bytes) -> Floats:
    return _half(blocks[:, :2]) * blocks[:, 2:].view(np.int8).astype(np.float32)


def _q4_0(blocks: Bytes) -> Floats:
    return _half(blocks[:, :2]) * (_nibbles(blocks[:, 2:]) - np.float32(8))


def _q4_1(blocks: Bytes) -> Floats:
    return _half(blocks[:, :2]) * _nibbles(blocks[:, 4:]) + _half(blocks[:, 2:4])


def _q4_k(blocks: Bytes) -> Floats:
    """256 values in 8 parts; each has a scale and a minimum of six bits, which are scaled
    themselves."""
    count = len(blocks)
    packed = blocks[:, 4:16].reshape(count, 3, 4)
    low, high, rest = packed[:, 0], packed[:, 1], packed[:, 2]
    scales = np.concatenate((low & 63, (rest & 15) | ((low >> 2) & 48)), axis=-1)
    minima = np.concatenate((high & 63, (rest >> 4) | ((high >> 2) & 48)), axis=-1)
    scale = _half(blocks[:, :2]) * scales.astype(np.float32)
    minimum = _half(blocks[:, 2:4]) * minima.astype(np.float32)
    steps = _nibbles(blocks[:, 16:].reshape(count, 4, 32)).reshape(count, 8, 32)
    return scale[:, :, None] * steps - minimum[:, :, None]


def _q6_k(blocks: Bytes) -> Floats:
    """256 values in 16 parts: four low and two high bits per value, an 8-bit scale per part."""
    count = len(blocks)
    low = blocks[:, :128].reshape(count, 2, 1, 64) >> np.array([0, 4], np.uint8).reshape(1, 1, 2, 1)
    shifts = np.array([0, 2, 4, 6], np.uint8).reshape(1, 1, 4, 1)
    high = (blocks[:, 128:192].reshape(count, 2, 1, 32) >> shifts) & 3
    steps = (low & 15).reshape(count, 8, 32) | (high.reshape(count, 8, 32) << 4)
    values = steps.astype(np.int8).reshape(count, 16, 16) - np.int8(32)
    scale = _half(blocks[:, 208:]) * blocks[:, 192:208].view(np.int8).astype(np.float32)
    return scale[:, :, None] * values.astype(np.float32)


KINDS: Mapping[int, _Kind] = {
    0: _Kind("F32", 1, 4, _f32),
    1: _Kind("F16", 1, 2, _half),
    30: _Kind("BF16", 1, 2, _bf16),
    8: _Kind("Q8_0", 32, 34, _q8_0),
    2: _Kind("Q4_0", 32, 18, _q4_0),
    3: _Kind("Q4_1", 32, 20, _q4_1),
    12: _Kind("Q4_K", 256, 144, _q4_k),
    14: _Kind("Q6_K", 256, 210, _q6_k),
}
