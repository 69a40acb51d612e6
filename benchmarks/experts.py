"""The cost of a mixture of experts, compared with a dense model of the size active per token.

    python benchmarks/experts.py [--quick] [--threads 2 | --processor-time] [--bits 8]

Both have random weights and the same layers except for the feed-forward part: the active experts
together have the dense model's size. Passes of the two alternate and run as in the engine: one
token with a second row (a speculative token; in a mixture a row that no expert computes), then 8
tokens, then 256. Each pass gets new random tokens, so that the experts vary. The fastest passes are
compared; medians are printed too. On a machine with other load, wall-clock times include that load:
`--processor-time` runs one thread and counts its processor time.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from nextedit_jupyter.bundles.graph import (
    Experts,
    Floats,
    GraphShape,
    build_graph,
    weight_names,
)
from nextedit_jupyter.engine.decoder import Decoder, Slot
from nextedit_jupyter.evals.machine import machine, today, versions

POSITION = 512  # tokens that are in the cache before each pass
ROWS = (1, 8, 256)
MAX_RATIO = 1.35  # the most that a token may cost, as a multiple of the dense model's time


def shape_of(width: int, layers: int, hidden: int, experts: Experts | None) -> GraphShape:
    heads = width // 64
    return GraphShape(16_384, width, layers, heads, heads // 4, 64, hidden, experts=experts)


# Each is a dense model and the mixtures compared with it, as (experts, active experts).
SIZES: dict[str, tuple[tuple[int, int, int], tuple[tuple[int, int], ...]]] = {
    "512 wide, 12 layers": ((512, 12, 1408), ((4, 2), (8, 1), (8, 2), (16, 2), (32, 4), (64, 8))),
    "1,024 wide, 12 layers": ((1024, 12, 2816), ((8, 2), (32, 8))),
}
QUICK = {"256 wide, 4 layers": ((256, 4, 512), ((8, 2),))}


@dataclasses.dataclass(frozen=True)
class How:
    """How passes are run and timed."""

    bits: int
    threads: int
    processor_time: bool


class RandomWeights(Mapping[str, Floats]):
    """Weights of a shape, generated on demand: the same for the same name."""

    def __init__(self, shape: GraphShape) -> None:
        self._shape = shape

    def __getitem__(self, name: str) -> Floats:
        sides = self._sides(name.split("."))
        if len(sides) == 1:
            return np.ones(sides, np.float32)
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
        random = np.random.default_rng(seed)
        # The router's scores are spread like those of a trained router.
        spread = 1.0 if "router" in name else 0.6
        values: Floats = random.standard_normal(sides, np.float32)
        return values * np.float32(spread / np.sqrt(sides[-1]))

    def __iter__(self) -> Iterator[str]:
        return weight_names(self._shape)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _sides(self, parts: Sequence[str]) -> tuple[int, ...]:
        s = self._shape
        part = parts[-2]
        if part.startswith("norm"):
            return (s.width,)
        if part in ("gate", "up", "down"):
            mixture = "experts" in parts
            hidden = s.experts.hidden if mixture and s.experts else s.hidden
            return (s.width, hidden) if part == "down" else (hidden, s.width)
        return {
            "embedding": (s.vocab_size, s.width),
            "qkv": (s.query_width + 2 * s.cached_width, s.width),
            "out": (s.width, s.query_width),
            "router": (s.experts.count if s.experts else 0, s.width),
        }[part]


class Timed:
    """A decoder with the times of its passes in milliseconds, by number of tokens."""

    def __init__(self, shape: GraphShape, how: How) -> None:
        self.shape = shape
        self._clock = time.thread_time if how.processor_time else time.perf_counter
        model = build_graph(shape, RandomWeights(shape), bits=how.bits).SerializeToString()
        self._decoder = Decoder(
            model,
            shape,
            threads=how.threads,
        )
        self._slot = Slot(self._decoder)
        self.times: dict[int, list[float]] = {rows: [] for rows in ROWS}
        self._decoder.run(self._slot, list(range(POSITION)), 0, POSITION - 1)

    def run(self, ids: list[int]) -> None:
        rows, start = ids, len(ids) - 1
        if len(ids) == 1:
            company = self._decoder.company
            rows, start = [*ids, 7 if company is None else company], 0
        began = self._clock()
        self._decoder.run(self._slot, rows, POSITION, start)
        self.times[len(ids)].append((self._clock() - began) * 1e3)


@dataclasses.dataclass(frozen=True)
class Line:
    """A mixture and its dense model: fastest and median milliseconds, by tokens per pass."""

    size: str
    count: int
    active: int
    parameters: int
    active_parameters: int
    quickest: dict[int, tuple[float, float]]
    median: dict[int, tuple[float, float]]

    def ratio(self, rows: int) -> float:
        mixture, dense = self.quickest[rows]
        return mixture / dense


def compare(size: str, dense: Timed, experts: Experts, how: How, *, passes: int) -> Line:
    shape = dataclasses.replace(dense.shape, experts=experts)
    mixture = Timed(shape, how)
    for times in dense.times.values():
        times.clear()
    random = np.random.default_rng(0)
    for rows in ROWS:
        for _ in range(max(4, passes if rows < 100 else passes // 10)):
            ids = random.integers(0, shape.vocab_size, rows).tolist()
            for each in (dense, mixture):
                each.run(ids)

    def pair(take: Callable[[list[float]], float]) -> dict[int, tuple[float, float]]:
        return {rows: (take(mixture.times[rows]), take(dense.times[rows])) for rows in ROWS}

    return Line(
        size,
        experts.count,
        experts.active,
        shape.parameters,
        shape.active_parameters,
        quickest=pair(min),
        median=pair(statistics.median),
    )


def table(lines: Sequence[Line]) -> str:
    """The lines in Markdown; times are the mixture's and the dense model's."""
    rows = [
        "| model | experts, of which work | parameters, active | a token, ms | 8 tokens | "
        "256 tokens | a token, times dense (medians) |",
        "|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        times = [f"{a:.2f} / {b:.2f}" for a, b in line.quickest.values()]
        medians = line.median[1][0] / line.median[1][1]
        rows.append(
            f"| {line.size} | {line.count}, {line.active} | {line.parameters / 1e6:.0f} M, "
            f"{line.active_parameters / 1e6:.0f} M | {' | '.join(times)} | "
            f"**{line.ratio(1):.2f}** ({medians:.2f}) |"
        )
    return "\n".join(rows)


def place(how: How) -> str:
    """Where and when it was measured, and under what other load."""
    here = machine()
    clock = "its processor time" if how.processor_time else f"of {here['cores']} cores"
    return (
        f"{here['cpu']}, {how.threads} {'thread' if how.threads == 1 else 'threads'}, {clock}, "
        f"{how.bits} bits, onnxruntime {versions('onnxruntime')['onnxruntime']}, "
        f"{today()[:10]}, load {here['load_1min']}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one small mixture, in seconds")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--processor-time", action="store_true", help="one thread, and what it used of its core"
    )
    parser.add_argument("--bits", type=int, choices=(8, 4), default=8)
    parser.add_argument("--passes", type=int, default=0, help="of each size (200; 30 if quick)")
    parser.add_argument("--json", type=Path, help="write the lines there as well")
    options = parser.parse_args(arguments)
    passes = options.passes or (30 if options.quick else 200)
    threads = 1 if options.processor_time else options.threads
    how = How(options.bits, threads, options.processor_time)
    before = place(how)
    lines: list[Line] = []
    for size, ((width, layers, hidden), mixtures) in (QUICK if options.quick else SIZES).items():
        shape = shape_of(width, layers, hidden, None)
        dense = Timed(shape, how)
        for count, active in mixtures:
            experts = Experts(count, active, hidden // active, normalised=True)
            line = compare(size, dense, experts, how, passes=passes)
            lines.append(line)
            said = f"{size}: {active} of {count} experts: {line.ratio(1):.2f} times dense a token"
            print(said, flush=True)
    print(f"\n{before}\n")
    print(table(lines))
    print("\nTimes: the mixture's / the dense model's of the active size, quickest passes.")
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(line) for line in lines]))
    eight = [line for line in lines if (line.count, line.active) == (8, 2)]
    worst = max(line.ratio(1) for line in eight)
    print(f"8 experts of which 2 work: at most {worst:.2f} times dense, {MAX_RATIO} is the bound.")
    return 0 if worst <= MAX_RATIO else 1


if __name__ == "__main__":
    raise SystemExit(main())
