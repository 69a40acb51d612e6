"""Reads tensors from safetensors files one by one, including bfloat16.

The format: eight bytes of little-endian length, a JSON header of that length with each tensor's
dtype, shape and offsets, then the data. Only what is requested is read, so that a model of
gigabytes needs little memory. (The safetensors library does not return bfloat16 as numpy.)
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.core.errors import BundleError

Floats = npt.NDArray[np.float32]

MAX_HEADER = 100_000_000
_WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


@dataclass(frozen=True, slots=True)
class _Place:
    file: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class TensorFile:
    """The tensors of safetensors files, by name. Raises BundleError."""

    def __init__(self, *files: Path) -> None:
        self._places: dict[str, _Place] = {}
        for file in files:
            self._places.update(_header(file))

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def names(self) -> tuple[str, ...]:
        return tuple(self._places)

    def shape(self, name: str) -> tuple[int, ...]:
        return self._place(name).shape

    def read(self, name: str, at: int | None = None) -> Floats:
        """The tensor as float32, read from the file now; `at` selects one index of its first
        axis."""
        place = self._place(name)
        start, length, shape = place.start, place.end - place.start, place.shape
        if at is not None:
            length //= shape[0]
            start, shape = start + at * length, shape[1:]
        with open(place.file, "rb") as file:
            file.seek(start)
            data = file.read(length)
        if len(data) != length:
            raise BundleError(f"{place.file.name} is truncated within {name}; download it again")
        if place.dtype == "BF16":
            halves = np.frombuffer(data, "<u2").astype(np.uint32) << 16
            values: Floats = halves.view(np.float32)
        else:
            kind = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}[place.dtype]
            values = np.frombuffer(data, kind).astype(np.float32)
        return values.reshape(shape)

    def _place(self, name: str) -> _Place:
        try:
            return self._places[name]
        except KeyError:
            raise BundleError(f"the checkpoint has no tensor {name}") from None


class TensorFolder(TensorFile):
    """The tensors of a folder's `*.safetensors`, by name. Raises BundleError."""

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            raise BundleError(
                f"{folder.name} has no .safetensors file; convert older formats with transformers' "
                "save_pretrained first"
            )
        super().__init__(*files)


def _header(file: Path) -> dict[str, _Place]:
    places = {}
    try:
        size = file.stat().st_size
        with open(file, "rb") as reader:
            (length,) = struct.unpack("<Q", reader.read(8))
            if length > min(MAX_HEADER, size):
                raise ValueError("header too long")
            header: dict[str, Any] = json.loads(reader.read(length))
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            start, end = (int(offset) + 8 + length for offset in entry["data_offsets"])
            shape = tuple(int(side) for side in entry["shape"])
            dtype = str(entry["dtype"])
            if dtype not in _WIDTHS:
                raise BundleError(
                    f"{name} in {file.name} is {dtype}; floating point weights are needed, not a "
                    "checkpoint that is quantised already"
                )
            count = int(np.prod(shape, dtype=np.int64)) if shape else 1
            if not 8 + length <= start <= end <= size or end - start != count * _WIDTHS[dtype]:
                raise ValueError("offsets do not fit")
            places[name] = _Place(file, dtype, shape, start, end)
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise BundleError(
            f"{file.name} is not a readable safetensors file ({error}); download it again"
        ) from None
    return places
