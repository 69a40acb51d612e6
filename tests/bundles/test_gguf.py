"""GGUF files are read within bounds, and their weights are those that ggml's own code gives."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest
from tiny_gguf import Tiny, make_gguf

from nextedit_jupyter.bundles import gguf as ours
from nextedit_jupyter.bundles.gguf import GgufFile
from nextedit_jupyter.bundles.gguf_model import GgufModel, GgufWeights
from nextedit_jupyter.core.errors import BundleError

theirs = pytest.importorskip("gguf")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return make_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", quant="Q8_0")


@pytest.mark.parametrize("type", sorted(ours.KINDS))
def test_blocks_are_read_as_ggml_reads_them(type: int) -> None:
    kind = ours.KINDS[type]
    blocks = np.random.default_rng(type).integers(0, 256, (300, kind.size), dtype=np.uint8)
    plain = {0: np.float32, 1: np.float16}
    stored = blocks.view(plain[type]) if type in plain else blocks
    with np.errstate(all="ignore"):
        found = kind.read(blocks)
        expected = theirs.dequantize(stored, theirs.GGMLQuantizationType(type))
    assert found.dtype == np.float32
    assert np.array_equal(found.ravel(), expected.ravel(), equal_nan=True)


@pytest.mark.parametrize("quant", ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1"])
def test_every_tensor_of_a_file_comes_back(tmp_path: Path, quant: str) -> None:
    made = make_gguf(tmp_path / "a.gguf", quant=quant)
    with GgufFile(made.path) as file:
        assert set(file.tensors) == set(made.weights)
        for name, values in made.weights.items():
            assert np.array_equal(file.read(name), values)
        assert file.metadata["general.architecture"] == "llama"
        assert file.metadata["tokenizer.ggml.tokens"] == made.tokens


def test_a_type_that_cannot_be_read_is_named_when_it_is_asked_for(tmp_path: Path) -> None:
    rows = np.zeros((4, 22), np.uint8)
    writer = theirs.GGUFWriter(str(tmp_path / "a.gguf"), "llama")
    writer.add_tensor("x", rows, raw_dtype=theirs.GGMLQuantizationType.Q5_0)
    for write in (
        writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file,
    ):  # fmt: skip
        write()
    writer.close()
    with GgufFile(tmp_path / "a.gguf") as file, pytest.raises(BundleError, match="Q5_0"):
        file.read("x")


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def header(tensors: int, keys: int, body: bytes = b"", version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + body


def entry(name: bytes, sides: tuple[int, ...], type: int, offset: int) -> bytes:
    return (
        text(name) + struct.pack(f"<I{len(sides)}Q", len(sides), *sides)
        + struct.pack("<IQ", type, offset)
    )  # fmt: skip


ARRAY, STRING, UINT8 = 9, 8, 0
HUGE = 2**63
BAD = {
    "nothing": b"",
    "another file": b"PK\x03\x04" + bytes(64),
    "version 1": header(0, 0, version=1),
    "big-endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "counts that overflow": header(HUGE, HUGE),
    "more keys than bytes": header(0, 4000, text(b"a")),
    "a key without an end": header(0, 1, struct.pack("<Q", HUGE)),
    "a string of 2**64 bytes": header(0, 1, text(b"a") + struct.pack("<IQ", STRING, 2**64 - 1)),
    "a list of 2**62 numbers": header(0, 1, text(b"a") + struct.pack("<IIQ", ARRAY, UINT8, 2**62)),
    "a list of texts without end": header(
        0, 1, text(b"a") + struct.pack("<IIQ", ARRAY, STRING, 3_999_999)
    ),
    "lists in lists without end": header(
        0, 1, text(b"a") + struct.pack("<I", ARRAY) + struct.pack("<IQ", ARRAY, 1) * 5000
    ),
    "lists that multiply": header(
        0, 1, text(b"a") + struct.pack("<IIQ", ARRAY, ARRAY, 3_000_000)
        + struct.pack("<IQ", UINT8, 0) * 3
    ),
    "an unknown type of value": header(0, 1, text(b"a") + struct.pack("<I", 77)),
    "a key twice": header(0, 2, (text(b"a") + struct.pack("<IB", UINT8, 1)) * 2),
    "no UTF-8": header(0, 1, text(b"\xff\xfe") + struct.pack("<IB", UINT8, 1)),
    "an alignment of 0": header(0, 1, text(b"general.alignment") + struct.pack("<II", 4, 0)),
    "an alignment of 3": header(0, 1, text(b"general.alignment") + struct.pack("<II", 4, 3)),
    "sides whose product overflows": header(1, 0, entry(b"x", (2**32, 2**32), 0, 0)) + bytes(99),
    "a side of 0": header(1, 0, entry(b"x", (0,), 0, 0)) + bytes(99),
    "five dimensions": header(1, 0, entry(b"x", (1, 1, 1, 1, 1), 0, 0)) + bytes(99),
    "no dimension": header(1, 0, entry(b"x", (), 0, 0)) + bytes(99),
    "a part of a block": header(1, 0, entry(b"x", (33,), 8, 0)) + bytes(99),
    "an unknown type": header(1, 0, entry(b"x", (32,), 1000, 0)) + bytes(999),
    "an offset behind the end": header(1, 0, entry(b"x", (8,), 0, 2**63)) + bytes(99),
    "an offset that wraps": header(1, 0, entry(b"x", (8,), 0, 2**64 - 32)) + bytes(99),
    "an offset between": header(1, 0, entry(b"x", (8,), 0, 7)) + bytes(999),
    "a tensor twice": header(2, 0, entry(b"x", (8,), 0, 0) * 2) + bytes(999),
    "tensors on each other": header(
        2, 0, entry(b"x", (32,), 0, 0) + entry(b"y", (32,), 0, 32)
    ) + bytes(999),
    "data cut off": header(1, 0, entry(b"x", (4096,), 0, 0)) + bytes(99),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_file_of_the_kind_is_refused(tmp_path: Path, what: str) -> None:
    (tmp_path / "bad.gguf").write_bytes(BAD[what])
    with pytest.raises(BundleError, match=r"bad\.gguf"):
        GgufFile(tmp_path / "bad.gguf")


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path, tiny: Tiny) -> None:
    data = tiny.path.read_bytes()
    cut = tmp_path / "cut.gguf"
    for at in random.Random(0).sample(range(len(data) - 64), 60):
        cut.write_bytes(data[:at])
        with pytest.raises(BundleError, match=r"cut\.gguf"):
            GgufFile(cut)


def test_two_hundred_fuzzed_files_are_read_or_refused_and_nothing_else(
    tmp_path: Path, tiny: Tiny
) -> None:
    data = tiny.path.read_bytes()
    with GgufFile(tiny.path) as file:
        directory = min(tensor.start for tensor in file.tensors.values())
    dice, path, refused = random.Random(1), tmp_path / "fuzz.gguf", 0
    for _ in range(200):
        changed = bytearray(data)
        for _ in range(dice.choice((1, 2, 8, 64))):
            changed[dice.randrange(directory)] = dice.randrange(256)
        if dice.random() < 0.3:  # a number that is far too large
            at = dice.randrange(directory - 8)
            changed[at : at + 8] = struct.pack("<Q", dice.choice((2**64 - 1, 2**63, 2**31, 2**40)))
        path.write_bytes(changed)
        try:
            with GgufFile(path) as file:
                weights = GgufWeights(file, GgufModel.of(file))
                for name in weights.names():
                    assert weights[name].dtype == np.float32
        except BundleError:
            refused += 1
    assert refused > 50
