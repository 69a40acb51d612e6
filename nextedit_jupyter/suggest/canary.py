"""Tries a bundle before it is used, in a separate process, so that failures stay there.

`python -m nextedit_jupyter.suggest.canary FOLDER` opens the bundle, completes a small notebook
cold, warm, and after other prompts, and compares. It prints one JSON object; `run_canary` starts
it, limits its time, and raises a BundleError if it reports a problem.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    NextEditError,
    Notebook,
    SuggestRequest,
)
from nextedit_jupyter.core.errors import BundleError

# Generous, because they guard against unusable bundles, not slow ones: a worker's default memory
# less what it needs without a model, and two seconds for what should take a tenth of one.
MAX_RSS_MB = 900.0
MAX_COLD_MS = 2_000.0
TIMEOUT_S = 120.0
# Processor time. Encoding a prompt takes milliseconds; a backtracking expression is quadratic or
# cubic.
MAX_ENCODE_S = 0.25
_HOSTILE_CHARACTERS = (
    *("a", "A", "1", " ", "\n", "\t", "_", ".", "-", "é", "中", "a ", " \n", "a1", "a_"),
)
_HOSTILE_SIZES = (250, 500, 1_000, 2_000, 4_000)  # cubic time for the last would be minutes
_POLL_SECONDS = 0.1
_TOO_LARGE = "the bundle takes over {:.0f} MB of memory in its trial: not used"

_CELLS = (
    "import numpy as np\nimport pandas as pd",
    "df = pd.DataFrame({'a': [1, 2, 3], 'b': [4, 5, 6]})\ndf.head()",
    "total = df['a'].su",
)


@dataclass(frozen=True, slots=True)
class CanaryTrial:
    """What the canary found: `tokens` are the golden ids, times in ms, memory in MB."""

    tokens: tuple[int, ...]
    cold_ms: float
    warm_ms: float
    rss_mb: float


def run_canary(
    folder: Path,
    *,
    timeout: float = TIMEOUT_S,
    python: str = sys.executable,
    any_size: bool = False,
) -> CanaryTrial:
    """Try the bundle in `folder`. Raises BundleError with the reason if it must not be used.

    `any_size` accepts more memory and time than is suitable for an editor.
    """
    command = [python, "-P", "-m", "nextedit_jupyter.suggest.canary", str(folder)]
    if any_size:
        command.append("--any-size")
    code, output = _watched(command, timeout, _max_mb(any_size))
    try:
        value = json.loads(output.splitlines()[-1])
        problem = value.get("problem")
    except (ValueError, IndexError, AttributeError):
        raise BundleError(f"the bundle ended its trial with code {code}: not used") from None
    if problem:
        raise BundleError(f"the bundle failed its trial: {problem}")
    trial = CanaryTrial(tuple(value["tokens"]), value["cold_ms"], value["warm_ms"], value["rss_mb"])
    if any_size:
        return trial
    if trial.rss_mb > MAX_RSS_MB:
        raise BundleError(
            f"the bundle takes {trial.rss_mb:.0f} MB of memory, over {MAX_RSS_MB:.0f}: not used"
        )
    if trial.cold_ms > MAX_COLD_MS:
        raise BundleError(f"the bundle took {trial.cold_ms:.0f} ms for a small notebook: not used")
    return trial


def _watched(command: list[str], timeout: float, max_mb: float) -> tuple[int, bytes]:
    """A process's exit code and output; it is killed if it takes too long or too much memory.

    The process limits its own memory if the system supports that; otherwise this check from outside
    does.
    """
    import psutil

    until = time.monotonic() + timeout
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            watched = psutil.Process(process.pid)
            while True:
                try:
                    output, _ = process.communicate(timeout=_POLL_SECONDS)
                    return process.returncode, output
                except subprocess.TimeoutExpired:
                    pass
                if time.monotonic() > until:
                    raise BundleError(f"the bundle gave no answer in {timeout:.0f} s: not used")
                with contextlib.suppress(psutil.Error):
                    if watched.memory_info().rss / 2**20 > max_mb:
                        raise BundleError(_TOO_LARGE.format(max_mb))
        finally:
            process.kill()


def _max_mb(any_size: bool) -> float:
    """The memory limit of a trial: more than a worker's, so that the measured size can be
    reported."""
    import psutil

    return psutil.virtual_memory().total / 2**20 * 0.8 if any_size else 2 * MAX_RSS_MB


def _bound_memory(max_mb: float) -> None:
    """Limit this process's memory to that much on top of what is already mapped."""
    if sys.platform == "win32":
        return
    import resource

    import psutil

    mapped = psutil.Process().memory_info().vms
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = mapped + int(max_mb * 2**20)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    with contextlib.suppress(OSError, ValueError):  # macOS accepts the limit and ignores it
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _try_texts(
    encode: Callable[[str], object],
    tokenizer_json: str,
    *,
    clock: Callable[[], float] = time.process_time,
) -> None:
    """Encode growing texts on which regular expressions backtrack; refuse the bundle on a panic or
    a long wait.

    What an expression requires is at the end, out of its reach: otherwise an engine sees that it is
    missing, and does not try.
    """
    asked_for = "".join(sorted({char for char in tokenizer_json if char.isprintable()})[:500])
    for characters in _HOSTILE_CHARACTERS:
        for size in _HOSTILE_SIZES:
            text = (characters * size)[:size]
            for ending in ("", f" \n\0{asked_for}"):
                began = clock()
                encode(text + ending)
                if clock() - began > MAX_ENCODE_S:
                    raise BundleError(f"its tokenizer takes too long for a text of {size} letters")


def try_bundle(folder: Path, *, clock: Callable[[], float] = time.perf_counter) -> CanaryTrial:
    """Open and test the bundle in this process. Raises NextEditError."""
    from nextedit_jupyter.bundles.bundle import Bundle
    from nextedit_jupyter.engine import Engine
    from nextedit_jupyter.prompt import BundleTokenizer, get_format

    bundle = Bundle.open(folder)
    tokenizer = BundleTokenizer(bundle.tokenizer)
    _try_texts(tokenizer.encode, bundle.tokenizer.read_text(encoding="utf-8"))
    format = get_format(bundle.prompt_format)
    engine = Engine(
        bundle.model,
        tokenizer,
        bundle,
    )
    request, other = _requests()
    prompt = format.inline(request, tokenizer, 512)
    said: list[tuple[int, ...]] = []
    times: list[float] = []
    for ahead in (None, None, other):
        if ahead is not None:  # another cell's prompt in between must not change the answer
            engine.prefill(format.inline(ahead, tokenizer, 512), cancelled=lambda: False)
        began = clock()
        completion = engine.complete(
            prompt, max_new=16, deadline=time.monotonic() + 60, cancelled=lambda: False
        )
        times.append((clock() - began) * 1e3)
        # Broken characters only mean a poor model, and are gated; logits must be finite.
        if completion.finish == "invalid" and completion.tokens.generated == 0:
            raise BundleError("its logits are not numbers")
        said.append(completion.ids)
    if len(set(said)) != 1:
        raise BundleError("its answers depend on what was asked before")
    golden = bundle.manifest.get("golden_tokens")
    if isinstance(golden, list) and tuple(golden) != said[0]:
        raise BundleError("its answers are not those that its publisher measured")
    return CanaryTrial(said[0], times[0], times[1], _resident_mb())


def _requests() -> tuple[SuggestRequest, SuggestRequest]:
    cells = tuple(Cell(f"c{i}", "code", source) for i, source in enumerate(_CELLS))
    notebook = Notebook("python", cells)
    history = (EditEvent("c1", "", _CELLS[1]),)
    return (
        SuggestRequest(notebook, Caret("c2", len(_CELLS[2])), history),
        SuggestRequest(notebook, Caret("c0", 5), history),
    )


def _resident_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss / 2**20)


def main(arguments: list[str]) -> int:
    """Print the trial of the bundle in the folder named, or the problem, as JSON."""
    if hasattr(os, "nice"):
        os.nice(5)  # an editor may be in use
    # Memory that the libraries map when loaded does not count for the bundle.
    import onnxruntime
    import tokenizers

    del onnxruntime, tokenizers
    max_mb = _max_mb("--any-size" in arguments[1:])
    _bound_memory(max_mb)
    try:
        print(json.dumps(asdict(try_bundle(Path(arguments[0])))))
    except NextEditError as error:
        print(json.dumps({"problem": str(error)}))
    except MemoryError:
        print(json.dumps({"problem": _TOO_LARGE.format(max_mb)}))
    except BaseException as error:  # a library's panic is not an Exception
        name = type(error).__name__
        is_full = "alloc" in str(error).lower()
        problem = _TOO_LARGE.format(max_mb) if is_full else f"{name} while it was loaded or run"
        print(json.dumps({"problem": problem}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
