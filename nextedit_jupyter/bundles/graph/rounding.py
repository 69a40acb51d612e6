"""Quantised matrices: 8 bits with a scale per column, 4 bits with one per block, optionally
rotated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.bundles.graph.shape import Doubles, Floats

Real = TypeVar("Real", np.float32, np.float64)

BLOCK = 32  # inputs that share a scale at 4 bits
DAMPING = 0.01  # of the mean curvature, so that constant inputs are simply rounded
ROTATION_BLOCK = 64  # inputs that are rotated together


@dataclass(frozen=True, slots=True)
class Int8Columns:
    """A matrix [inputs, outputs] as int8 with one float32 scale per output column."""

    values: npt.NDArray[np.int8]
    scales: Floats

    @classmethod
    def of(cls, matrix: Floats) -> Int8Columns:
        scales = np.maximum(np.abs(matrix).max(axis=0), 1e-12) / 127.0
        values = np.clip(np.rint(matrix / scales), -127, 127).astype(np.int8)
        return cls(values, scales.astype(np.float32))

    @classmethod
    def for_inputs(cls, matrix: Floats, curvature: Doubles) -> Int8Columns:
        """Round with the smallest change of products with inputs like those seen.

        `curvature` [inputs, inputs] is the sum of x'x over inputs x. The most important inputs are
        rounded first, and each one's error is compensated by those after it (GPTQ, Frantar et al.
        2022).
        """
        size = len(matrix)
        order = np.argsort(-np.diag(curvature), kind="stable")
        curved = curvature[np.ix_(order, order)]
        damping = DAMPING * np.trace(curved) / size + 1e-9
        upper = np.linalg.cholesky(np.linalg.inv(curved + damping * np.eye(size))).T
        left = matrix[order].astype(np.float64)
        scales = (np.maximum(np.abs(matrix).max(axis=0), 1e-12) / 127.0).astype(np.float32)
        steps = np.empty(left.shape, np.int8)
        for at in range(0, size, 64):  # the rest of the matrix is corrected block by block
            end = min(at + 64, size)
            errors = np.empty((end - at, left.shape[1]))
            for k in range(at, end):
                steps[k] = np.clip(np.rint(left[k] / scales), -127, 127)
                errors[k - at] = (left[k] - steps[k] * scales.astype(np.float64)) / upper[k, k]
                left[k + 1 : end] -= np.outer(upper[k, k + 1 : end], errors[k - at])
            left[end:] -= upper[at:end, end:].T @ errors
        values = np.empty_like(steps)
        values[order] = steps
        return cls(values, scales)

    def dequantised(self) -> Floats:
        return self.values.astype(np.float32) * self.scales


@dataclass(frozen=True, slots=True)
class Int4Blocks:
    """A matrix [inputs, outputs] in blocks of 32 inputs, two weights per byte, for MatMulNBits.

    `values` is uint8 [outputs, blocks, 16], low nibble first, with zero at 8; `scales` float32
    [outputs * blocks].
    """

    values: npt.NDArray[np.uint8]
    scales: Floats

    @classmethod
    def of(cls, matrix: Floats) -> Int4Blocks:
        inputs, outputs = matrix.shape
        if inputs % BLOCK:
            raise ValueError(f"4 bits need a multiple of {BLOCK} inputs, not {inputs}")
        blocks = np.ascontiguousarray(matrix.T).reshape(outputs, inputs // BLOCK, BLOCK)
        scales = np.maximum(np.abs(blocks).max(axis=-1, keepdims=True), 1e-12) / 7.0
        steps = (np.clip(np.rint(blocks / scales), -8, 7) + 8).astype(np.uint8)
        packed = steps[..., 0::2] | (steps[..., 1::2] << 4)
        return cls(packed, scales.astype(np.float32).reshape(-1))


def hadamard_matrix(size: int) -> Floats:
    """The Hadamard matrix of `size` inputs: orthogonal, and its own inverse."""
    matrix = np.ones((1, 1))
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]]) / np.sqrt(2)
    return matrix.astype(np.float32)


def hadamard_rotated(matrix: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """A matrix [inputs, outputs] for block-wise rotated inputs; rotated twice, it is as before."""
    size = rotation_block(len(matrix))
    blocks = matrix.reshape(-1, size, matrix.shape[1])
    product = hadamard_matrix(size).astype(matrix.dtype) @ blocks
    return np.ascontiguousarray(product.reshape(matrix.shape))


def rotation_block(width: int) -> int:
    """The number of inputs rotated together: the largest power of two that divides `width`, at most
    64."""
    return min(width & -width, ROTATION_BLOCK)
