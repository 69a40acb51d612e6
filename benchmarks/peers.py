"""Our engine compared with llama.cpp and onnxruntime-genai: the same shape, random weights.

8 bits each, and llama.cpp with 4 (Q4_1) as well, which is how the larger model's base is published.
Prints prefill and decode times of all engines, whose runs alternate, and how far each is from the
limits of the machine's arithmetic and memory. It refuses to run while other processes use the
cores, because the times would not be comparable. `make bench-peers` installs the peers; a missing
one is left out with a message.

    python benchmarks/peers.py --shape 16m --shape 135m --json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort
from genai_model import genai_config, nbits_graph
from onnx import TensorProto, helper, numpy_helper

from nextedit_jupyter.bundles.graph import GraphShape, build_graph
from nextedit_jupyter.engine.contention import own_seconds, read_busy
from nextedit_jupyter.engine.decoder import Decoder, Slot
from nextedit_jupyter.evals.machine import machine, today, versions

SHAPES = {
    "16m": GraphShape(8192, 384, 8, 6, 2, 64, 1024),
    "42m": GraphShape(16384, 512, 12, 8, 2, 64, 1408),
    "101m": GraphShape(16384, 768, 14, 12, 4, 64, 2048),
    # The larger model: thirty narrow layers.
    "135m": GraphShape(16384, 576, 30, 9, 3, 64, 1536, rope_theta=100_000.0),
}
PREFILLS = (64, 256, 512, 1024)
PASSES = (1, 2, 4, 8, 16)
POSITION = 512  # tokens before the passes that are timed
CHUNK = 256  # as the engine reads a prompt
SETTLE = 0.06  # seconds until the previous engine's threads have stopped spinning
QUIET = 0.15  # cores that other processes may use meanwhile, as a share of those requested
Weights = dict[str, np.ndarray]


class Peer(Protocol):
    """An engine that can be timed."""

    name: str

    def prefill(self, ids: Sequence[int]) -> np.ndarray:
        """Read ids into an empty cache; returns the last position's logits."""

    def rewind(self, position: int) -> None:
        """Discard what was read from a position on; not timed."""

    def step(self, ids: Sequence[int], position: int) -> None:
        """Read ids at a position; returns the logits of all of them."""


def random_weights(shape: GraphShape, seed: int = 0) -> Weights:
    """Weights named as `bundles.graph` reads them; rows are outputs."""
    random = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> np.ndarray:
        drawn = random.standard_normal((rows, columns)) / np.sqrt(columns)
        return np.asarray(drawn, np.float32)

    heads, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    weights = {
        "embedding.weight": matrix(shape.vocab_size, shape.width),
        "norm.weight": np.ones(shape.width, np.float32),
    }
    for i in range(shape.layers):
        at = f"layers.{i}"
        weights[f"{at}.norm_attention.weight"] = np.ones(shape.width, np.float32)
        weights[f"{at}.norm_mlp.weight"] = np.ones(shape.width, np.float32)
        weights[f"{at}.qkv.weight"] = matrix(heads + 2 * kv, shape.width)
        weights[f"{at}.out.weight"] = matrix(shape.width, heads)
        weights[f"{at}.gate.weight"] = matrix(shape.hidden, shape.width)
        weights[f"{at}.up.weight"] = matrix(shape.hidden, shape.width)
        weights[f"{at}.down.weight"] = matrix(shape.width, shape.hidden)
    return weights


class Ours:
    """The engine's decoder on the row-wise INT8 graph."""

    name = "nextedit"

    def __init__(self, shape: GraphShape, weights: Weights, folder: Path, threads: int) -> None:
        path = folder / "ours.onnx"
        path.write_bytes(build_graph(shape, weights).SerializeToString())
        self._decoder = Decoder(
            path,
            shape,
            threads=threads,
        )
        self._slot = Slot(self._decoder)

    def prefill(self, ids: Sequence[int]) -> np.ndarray:
        for at in range(0, len(ids), CHUNK):
            part = ids[at : at + CHUNK]
            logits = self._decoder.run(self._slot, part, at, len(part) - 1)
        return np.asarray(logits[0])

    def rewind(self, position: int) -> None:
        pass  # each pass is given its start position

    def step(self, ids: Sequence[int], position: int) -> None:
        self._decoder.run(self._slot, ids, position, 0)


class LlamaCpp:
    """llama.cpp through llama-cpp-python's C bindings, Q8_0 weights."""

    name = "llama.cpp"
    weights = "Q8_0"

    def __init__(self, shape: GraphShape, weights: Weights, folder: Path, threads: int) -> None:
        import ctypes

        from llama_cpp import llama_cpp as library

        path = folder / f"{self.weights}.gguf"
        write_gguf(path, shape, weights, self.weights)
        self._library = library
        self._quiet = library.llama_log_callback(lambda level, text, data: None)
        library.llama_log_set(self._quiet, ctypes.c_void_p(0))
        library.llama_backend_init()
        model = library.llama_model_load_from_file(
            str(path).encode(), library.llama_model_default_params()
        )
        options = library.llama_context_default_params()
        options.n_ctx = shape.context
        options.n_batch = shape.context
        options.n_threads = options.n_threads_batch = threads
        options.no_perf = True
        self._context = library.llama_init_from_model(model, options)
        if not model or not self._context:
            raise RuntimeError("llama.cpp could not load the model")
        self._memory = library.llama_get_memory(self._context)
        self._batch = library.llama_batch_init(shape.context, 0, 1)
        self._vocabulary = shape.vocab_size

    def prefill(self, ids: Sequence[int]) -> np.ndarray:
        self._read(ids, 0, all_logits=False)
        row = self._library.llama_get_logits_ith(self._context, len(ids) - 1)
        return np.ctypeslib.as_array(row, shape=(self._vocabulary,)).copy()

    def rewind(self, position: int) -> None:
        self._library.llama_memory_seq_rm(self._memory, 0, position, -1)

    def step(self, ids: Sequence[int], position: int) -> None:
        self._read(ids, position, all_logits=True)

    def _read(self, ids: Sequence[int], position: int, *, all_logits: bool) -> None:
        library, batch = self._library, self._batch
        if position == 0:
            self.rewind(0)
        batch.n_tokens = len(ids)
        for i, id in enumerate(ids):
            batch.token[i] = id
            batch.pos[i] = position + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = all_logits or i == len(ids) - 1
        if library.llama_decode(self._context, batch) != 0:
            raise RuntimeError("llama.cpp could not read the tokens")
        library.llama_synchronize(self._context)


class LlamaCpp4(LlamaCpp):
    """The same with Q4_1 matrices; the embedding stays in Q8_0, as in what is published."""

    name = "llama.cpp Q4_1"
    weights = "Q4_1"


def write_gguf(path: Path, shape: GraphShape, weights: Weights, quantisation: str) -> None:
    """A Llama in Q8_0 or Q4_1.

    Its rotary pairs are neighbours, ours are halves: rows are reordered.
    """
    import gguf

    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_vocab_size(shape.vocab_size)
    writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{quantisation}"])
    writer.add_tokenizer_model("no_vocab")

    def add(name: str, matrix: np.ndarray) -> None:
        is_table = name == "token_embd.weight"
        kind = gguf.GGMLQuantizationType["Q8_0" if is_table else quantisation]
        data = gguf.quants.quantize(np.ascontiguousarray(matrix), kind)
        writer.add_tensor(name, data, raw_dtype=kind)

    def neighbours(matrix: np.ndarray, heads: int) -> np.ndarray:
        halves = matrix.reshape(heads, 2, shape.head_dim // 2, -1)
        return halves.swapaxes(1, 2).reshape(matrix.shape)

    heads, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    add("token_embd.weight", weights["embedding.weight"])
    writer.add_tensor("output_norm.weight", weights["norm.weight"])
    for i in range(shape.layers):
        at, to = f"layers.{i}", f"blk.{i}"
        query, key, value = np.split(weights[f"{at}.qkv.weight"], [heads, heads + kv])
        writer.add_tensor(f"{to}.attn_norm.weight", weights[f"{at}.norm_attention.weight"])
        writer.add_tensor(f"{to}.ffn_norm.weight", weights[f"{at}.norm_mlp.weight"])
        add(f"{to}.attn_q.weight", neighbours(query, shape.heads))
        add(f"{to}.attn_k.weight", neighbours(key, shape.kv_heads))
        add(f"{to}.attn_v.weight", value)
        add(f"{to}.attn_output.weight", weights[f"{at}.out.weight"])
        add(f"{to}.ffn_gate.weight", weights[f"{at}.gate.weight"])
        add(f"{to}.ffn_up.weight", weights[f"{at}.up.weight"])
        add(f"{to}.ffn_down.weight", weights[f"{at}.down.weight"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class GenAI:
    """onnxruntime-genai on a graph like those of its model builder: 8-bit MatMulNBits.

    It gives the last position's logits only, so its passes of several tokens do less.
    """

    name = "genai"

    def __init__(self, shape: GraphShape, weights: Weights, folder: Path, threads: int) -> None:
        import onnxruntime_genai as genai

        place = folder / "genai"
        place.mkdir()
        (place / "model.onnx").write_bytes(nbits_graph(shape, weights).SerializeToString())
        (place / "genai_config.json").write_text(json.dumps(genai_config(shape, threads)))
        self._genai = genai
        self._model = genai.Model(str(place))
        self._options = genai.GeneratorParams(self._model)
        self._options.set_search_options(max_length=shape.context, do_sample=False)
        self._generator = genai.Generator(self._model, self._options)

    def prefill(self, ids: Sequence[int]) -> np.ndarray:
        self._generator.rewind_to(0)
        self._generator.append_tokens(np.array([ids], np.int32))
        return np.asarray(self._generator.get_logits()).reshape(-1)

    def rewind(self, position: int) -> None:
        self._generator.rewind_to(position)

    def step(self, ids: Sequence[int], position: int) -> None:
        self._generator.append_tokens(np.array([ids], np.int32))


def best(run: Callable[[], object], repeats: int) -> float:
    """The shortest time of several runs, in seconds: the one least disturbed by other load."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def machine_limits(folder: Path, threads: int) -> dict[str, float]:
    """This machine's limits: int8 and float32 products, and reads from memory.

    `int8_tops` and `float_tops` count multiplications and additions, in 10^12 a second;
    `read_gb_s` in 10^9 bytes a second, of a set larger than the caches.
    """
    rows, inner, columns = 512, 2048, 4096
    weight = numpy_helper.from_array(np.ones((inner, columns), np.int8), "w")
    zero = numpy_helper.from_array(np.array(128, np.uint8), "z")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w", "z"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [rows, inner])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [rows, columns])],
        [weight, zero],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=10)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    x = np.full((rows, inner), 130, np.uint8)
    work = 2 * rows * inner * columns
    int8 = work / best(lambda: session.run(None, {"x": x}), 12)
    halves = [np.ones((rows, inner), np.float32) for _ in range(threads)]
    dense = np.ones((inner, columns // 4), np.float32)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda h: h @ dense, halves))
        seconds = best(lambda: list(pool.map(lambda h: h @ dense, halves)), 8)
        floats = threads * work / 4 / seconds
        large = [np.ones(32_000_000, np.float32) for _ in range(threads)]
        seconds = best(lambda: list(pool.map(lambda a: a.max(), large)), 6)
        read = threads * large[0].nbytes / seconds
    return {"int8_tops": int8 / 1e12, "float_tops": floats / 1e12, "read_gb_s": read / 1e9}


def least_ms(shape: GraphShape, limits: dict[str, float]) -> dict[str, float]:
    """The time that arithmetic alone, or reading the weights alone, would take, in ms."""
    heads, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    layer = shape.width * (2 * heads + 2 * kv + 3 * shape.hidden)
    head = shape.width * shape.vocab_size
    found = {}
    for n in PREFILLS:
        products = 2 * (n * shape.layers * layer + head) / limits["int8_tops"] / 1e9
        attention = 2 * shape.layers * heads * n * n / limits["float_tops"] / 1e9
        found[f"prefill_{n}"] = products + attention
    for n in PASSES:
        products = 2 * n * (shape.layers * layer + head) / limits["int8_tops"] / 1e9
        reading = (shape.layers * layer + head) / limits["read_gb_s"] / 1e6
        found[f"pass_{n}"] = max(products, reading)
    return found


def compare(name: str, threads: int, repeats: int, folder: Path) -> dict[str, Any]:
    """Time all engines on one shape."""
    shape, peers, missing = SHAPES[name], [], {}
    began, busy = time.monotonic(), busy_by_others()
    weights = random_weights(shape)
    for kind in (Ours, LlamaCpp, LlamaCpp4, GenAI):
        try:
            peers.append(kind(shape, weights, folder, threads))
        except Exception as error:  # a missing or broken peer is left out with a message
            missing[kind.name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    random = np.random.default_rng(1)
    ids = random.integers(30, shape.vocab_size - 1, max(PREFILLS)).tolist()
    short = ids[:64]
    logits = {peer.name: peer.prefill(short) for peer in peers}
    alike = {
        peer: float(np.corrcoef(logits[Ours.name], logits[peer][-shape.vocab_size :])[0, 1])
        for peer in logits
        if peer != Ours.name
    }
    times: dict[str, dict[str, list[float]]] = {peer.name: {} for peer in peers}
    for _ in range(repeats):
        for peer in peers:
            for count in PREFILLS:
                time.sleep(SETTLE)
                with _clock(times[peer.name], f"prefill_{count}"):
                    peer.prefill(ids[:count])
    for peer in peers:
        peer.prefill(ids[:POSITION])
    for _ in range(repeats):
        for peer in peers:
            time.sleep(SETTLE)
            peer.rewind(POSITION)
            peer.step(ids[:1], POSITION)
            for count in PASSES:
                for _ in range(5):
                    peer.rewind(POSITION)
                    with _clock(times[peer.name], f"pass_{count}"):
                        peer.step(ids[:count], POSITION)
    time.sleep(SETTLE)
    limits = machine_limits(folder, threads)
    held = max(0.0, busy_by_others() - busy) / (time.monotonic() - began)
    return {
        "others_held": round(held, 3),
        "shape": {"name": name, **asdict(shape)},
        "median_ms": _reduced(times, median),
        "best_ms": _reduced(times, min),
        "least_ms": {key: round(value, 3) for key, value in least_ms(shape, limits).items()},
        "limits": {key: round(value, 3) for key, value in limits.items()},
        "logits_correlation": {key: round(value, 4) for key, value in alike.items()},
        "missing": missing,
    }


def busy_by_others() -> float:
    """Seconds of all cores that other processes took since the machine started."""
    return read_busy() - own_seconds()


def cores_held(seconds: float = 3.0) -> float:
    """How many cores other processes use, measured over a short time."""
    before = busy_by_others()
    time.sleep(seconds)
    return max(0.0, busy_by_others() - before) / seconds


@contextmanager
def _clock(times: dict[str, list[float]], key: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    times.setdefault(key, []).append((time.perf_counter() - began) * 1e3)


def _reduced(
    times: dict[str, dict[str, list[float]]], how: Callable[[list[float]], float]
) -> dict[str, dict[str, float]]:
    return {
        peer: {key: round(how(values), 3) for key, values in found.items()}
        for peer, found in times.items()
    }


def report(result: dict[str, Any]) -> str:
    """One shape as a table: medians, with the best run in brackets."""
    names = list(result["median_ms"])
    ours = result["median_ms"][Ours.name]
    lines = [f"{result['shape']['name']}, milliseconds: median (best)"]
    lines.append(f"{'':<14}" + "".join(f"{name:>20}" for name in names) + f"{'limit':>10}")
    for key in ours:
        row = f"{key:<14}"
        for name in names:
            row += f"{result['median_ms'][name][key]:>11.2f} ({result['best_ms'][name][key]:.2f})"
            row = row.ljust(14 + 20 * (names.index(name) + 1))
        lines.append(row + f"{result['least_ms'][key]:>10.2f}")
    for name in names[1:]:
        theirs = result["median_ms"][name]
        lines.append(
            f"{name}: {theirs['prefill_512'] / ours['prefill_512']:.2f} times our time at 512 "
            f"tokens of prefill, {theirs['pass_1'] / ours['pass_1']:.2f} times at single tokens, "
            f"{theirs['pass_4'] / ours['pass_4']:.2f} times at passes of 4; "
            f"logits correlate {result['logits_correlation'][name]:.3f}"
        )
    best_512 = result["best_ms"][Ours.name]["prefill_512"]
    lines.append(
        f"ours takes {best_512 / result['least_ms']['prefill_512']:.1f} times what the machine's "
        f"arithmetic needs for 512 tokens ({result['limits']['int8_tops']:.2f} int8 and "
        f"{result['limits']['float_tops']:.2f} float32 TOPS, "
        f"{result['limits']['read_gb_s']:.0f} GB/s measured)"
    )
    one, least = result["best_ms"][Ours.name]["pass_1"], result["least_ms"]["pass_1"]
    lines.append(f"a single token takes {one / least:.1f} times what reading the weights does")
    lines.append(f"others held {result['others_held']:.2f} cores meanwhile")
    lines += [f"{name} was left out: {why}" for name, why in result["missing"].items()]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--shape", action="append", choices=sorted(SHAPES), help="default: 16m, 42m, 135m"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of every engine")
    parser.add_argument("--repeats", type=int, default=20, help="runs of each prefill")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--anyway", action="store_true", help="run beside other processes too")
    arguments = parser.parse_args()
    held, limit = cores_held(), QUIET * arguments.threads
    if held > limit and not arguments.anyway:
        print(
            f"other processes hold {held:.1f} cores (at most {limit:.1f}): end them, or wait; "
            "--anyway runs it, and what it prints says so",
            file=sys.stderr,
        )
        return 2
    results = []
    for name in arguments.shape or ["16m", "42m", "135m"]:
        with tempfile.TemporaryDirectory() as folder:
            result = compare(name, arguments.threads, arguments.repeats, Path(folder))
        results.append(result)
        if not arguments.json:
            print(report(result), end="\n\n", flush=True)
    found = {
        "measured_at": today(),
        "machine": machine(),
        "versions": versions("onnxruntime", "llama-cpp-python", "onnxruntime-genai"),
        "threads": arguments.threads,
        "results": results,
    }
    if arguments.json:
        print(json.dumps(found))
    noisy = [result["shape"]["name"] for result in results if result["others_held"] > limit]
    if noisy and not arguments.anyway:
        print(f"others held cores meanwhile ({', '.join(noisy)}): run it again", file=sys.stderr)
        return 2
    return 0 if all(LlamaCpp.name in result["median_ms"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
