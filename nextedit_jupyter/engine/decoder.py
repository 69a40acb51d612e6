"""One onnxruntime session of a decoder graph, and the KV buffers it reads and writes in place.

The graph is that of `bundles.graph`. Its past and present inputs are bound to the same memory, so
nothing is copied, and going back is passing a smaller position.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.core.errors import BundleError

if TYPE_CHECKING:
    import onnxruntime as ort

Floats = npt.NDArray[np.float32]

SPIN_US = 1_000  # longer than the loop takes between two passes
SPINS_BRIEFLY = (1, 30)  # the releases of onnxruntime that know `spin_duration_us`


class Slot:
    """The KV buffers of one token sequence.

    `tokens` are those whose keys and values the buffers hold; `cost` is how many of them were
    computed for this slot alone, which is what losing it would cost.
    """

    def __init__(self, decoder: Decoder) -> None:
        self.tokens: list[int] = []
        self.cost = 0
        self.priority = 0
        # Untouched pages of zeros take no memory, so a short sequence costs its length.
        shape = (1, decoder.kv_heads, decoder.context, decoder.head_dim)
        self.buffers = [np.zeros(shape, np.float32) for _ in range(2 * decoder.layers)]
        self.binding = decoder.bind(self.buffers)

    def rewind(self, length: int) -> None:
        """Forget all tokens from `length` on."""
        del self.tokens[length:]
        self.cost = min(self.cost, length)

    def copy_from(self, other: Slot, length: int) -> None:
        """Hold the first `length` tokens of another slot: a copy, at no cost of its own."""
        for mine, theirs in zip(self.buffers, other.buffers, strict=True):
            mine[:, :, :length] = theirs[:, :, :length]
        self.tokens = other.tokens[:length]
        self.cost = 0


class Decoder:
    """Runs passes. Not for use by two threads at once.

    `model` is a graph as `bundles.graph` builds it. Raises BundleError if onnxruntime cannot load
    it or its inputs are not those that `layers`, `kv_heads`, `head_dim` and `context` ask for.
    """

    def __init__(
        self,
        model: Path | bytes,
        *,
        layers: int,
        kv_heads: int,
        head_dim: int,
        context: int,
        threads: int = 2,
        providers: Sequence[str] = (),
    ) -> None:
        # Read by the attention kernel when a session is made. The plain way over the shared buffer
        # is the faster one here: 512 tokens take 25 ms, not 29.
        os.environ.setdefault("ORT_GQA_DISABLE_FLASH_ATTENTION", "1")
        import onnxruntime as ort

        self.layers, self.kv_heads = layers, kv_heads
        self.head_dim, self.context = head_dim, context
        self._ort = ort
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 4  # what goes wrong is raised; onnxruntime prints it as well
        # A worker that waits must not burn a core, yet a thread that sleeps between two operations
        # of a pass wakes too late to help: without spinning 256 tokens take 22 ms on two threads,
        # as on one; with it 15. So threads spin for a millisecond and then sleep, where
        # onnxruntime can be told so (before, it was a fixed 30 ms: then not at all).
        brief = _release(ort.__version__) >= SPINS_BRIEFLY
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(brief)))
        if brief:
            options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN_US))
        # Attention gives most positions next to nothing, and many processors take a hundred times
        # as long over numbers that small (denormals): 512 tokens 116 ms on a Xeon, 49 with them
        # as zero.
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        # Passes differ in length, so planned memory patterns would only pile up.
        options.enable_mem_pattern = False
        source = model if isinstance(model, bytes) else str(model)
        try:
            self._session = ort.InferenceSession(
                source, options, providers=[*providers, "CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors share no base but Exception
            raise BundleError(
                f"the model cannot be loaded ({_first_line(error)}): install the bundle again"
            ) from None
        self.vocab_size = self._check()

    @property
    def slot_bytes(self) -> int:
        """The memory of one slot's buffers, in bytes, when all of its context is used."""
        return 2 * self.layers * self.kv_heads * self.context * self.head_dim * 4

    def bind(self, buffers: Sequence[Floats]) -> ort.IOBinding:
        """Bind key and value buffers, layer after layer, as both past and present."""
        binding = self._session.io_binding()
        for at, buffer in enumerate(buffers):
            value = self._ort.OrtValue.ortvalue_from_numpy(buffer)
            name = f"{at // 2}.{'value' if at % 2 else 'key'}"
            binding.bind_ortvalue_input(f"past.{name}", value)
            binding.bind_ortvalue_output(f"present.{name}", value)
        return binding

    def run(self, slot: Slot, ids: Sequence[int], position: int, start: int) -> Floats:
        """Logits [len(ids) - start, vocab_size] of `ids` that stand at `position` and after.

        The slot must hold the positions before; what it held from `position` on is overwritten.
        `slot.tokens` is the caller's to keep.
        """
        end = position + len(ids)
        binding = slot.binding
        binding.bind_cpu_input("input_ids", np.array([ids], np.int64))
        binding.bind_cpu_input("seqlens_k", np.array([end - 1], np.int32))
        binding.bind_cpu_input("total", np.array(end, np.int32))
        binding.bind_cpu_input("start", np.array([start], np.int64))
        binding.bind_output("logits", "cpu")  # anew: the last run's has another shape
        self._session.run_with_iobinding(binding)
        logits: Floats = binding.get_outputs()[-1].numpy()[0]
        return logits

    def _check(self) -> int:
        inputs = {value.name: value.shape for value in self._session.get_inputs()}
        outputs = {value.name: value.shape for value in self._session.get_outputs()}
        cache = [1, self.kv_heads, self.context, self.head_dim]
        wanted = {
            f"past.{i}.{part}": cache for i in range(self.layers) for part in ("key", "value")
        }
        fits = all(inputs.get(name) == shape for name, shape in wanted.items())
        names = {"input_ids", "seqlens_k", "total", "start", *wanted}
        vocabulary: Any = outputs.get("logits", [None])[-1]
        if not fits or set(inputs) != names or not isinstance(vocabulary, int):
            raise BundleError(
                "the model's inputs are not those that its manifest describes: "
                "install the bundle again"
            )
        return vocabulary


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
