"""One onnxruntime session of a decoder graph, and the KV buffers it reads and writes in place.

The graph is that of `bundles.graph`. Its past inputs and present outputs are bound to the same
memory, so nothing is copied, and rewinding means passing a smaller position.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.core.memory_use import give_back_freed
from nextedit_jupyter.engine.contention import Contention
from nextedit_jupyter.engine.sessions import Sessions, open_session

if TYPE_CHECKING:
    import onnxruntime as ort

Floats = npt.NDArray[np.float32]


class CacheSizes(Protocol):
    """The sizes of a graph's keys and values, which a bundle and a graph shape provide."""

    @property
    def layers(self) -> int: ...
    @property
    def kv_heads(self) -> int: ...
    @property
    def head_dim(self) -> int: ...
    @property
    def context(self) -> int: ...


class Slot:
    """The KV buffers of one token sequence.

    `tokens` are those whose keys and values are in the buffers; `cost` is how many of them were
    computed for this slot alone, which is the cost of losing it.
    """

    def __init__(self, decoder: Decoder) -> None:
        self.tokens: list[int] = []
        self.cost = 0
        self.priority = 0
        self.buffers = list(_pages_of_zeros(decoder))

    def rewind(self, length: int) -> None:
        """Forget all tokens from `length` on."""
        del self.tokens[length:]
        self.cost = min(self.cost, length)

    def copy_from(self, other: Slot, length: int) -> None:
        """Copy the first `length` tokens of another slot, which adds nothing to `cost`."""
        for mine, theirs in zip(self.buffers, other.buffers, strict=True):
            mine[:, :, :length] = theirs[:, :, :length]
        self.tokens = other.tokens[:length]
        self.cost = 0


def _pages_of_zeros(decoder: Decoder) -> Floats:
    """Zeros [2 * layers, 1, kv_heads, context, head_dim], float32, in a separate memory mapping.

    Untouched pages of a mapping use no memory, so a short sequence costs only its length, and
    everything is returned to the system with the last view. The allocator guarantees neither: once
    it has freed a block of this size, glibc takes the next ones from its heap, zeroes all of them
    and rarely returns them.
    """
    shape = (2 * decoder.layers, 1, decoder.kv_heads, decoder.context, decoder.head_dim)
    return np.frombuffer(mmap.mmap(-1, decoder.slot_bytes), np.float32).reshape(shape)


class Decoder:
    """Runs passes. Not thread-safe.

    `model` is a graph built by `bundles.graph`. Raises BundleError if onnxruntime cannot load it or
    its inputs do not match `sizes`.

    `company` is the id of a padding row, added only so that a pass has two rows and processed by no
    expert; None if the graph has no experts, where a guess costs nothing extra.
    """

    def __init__(
        self,
        model: Path | bytes,
        sizes: CacheSizes,
        *,
        threads: int = 2,
        providers: Sequence[str] = (),
        contention: Contention | None = None,
    ) -> None:
        self.layers, self.kv_heads = sizes.layers, sizes.kv_heads
        self.head_dim, self.context = sizes.head_dim, sizes.context
        self._sessions = Sessions(
            lambda count: open_session(model, count, providers), threads, contention
        )
        self._bindings: WeakKeyDictionary[Slot, ort.IOBinding] = WeakKeyDictionary()
        self._bound_in = self.session
        self.vocab_size = self._check()
        self.company = self._company()

    @property
    def session(self) -> ort.InferenceSession:
        """The session for the next pass."""
        return self._sessions.current

    @property
    def slot_bytes(self) -> int:
        """The memory of one slot's buffers, in bytes, when its whole context is used."""
        return 2 * self.layers * self.kv_heads * self.context * self.head_dim * 4

    def _binding(self, slot: Slot) -> ort.IOBinding:
        """A slot's buffers, bound for the present session."""
        self._sessions.fit()
        if self._bound_in is not self.session:
            self._bindings.clear()  # each keeps its session alive, and with it the weights
            self._bound_in = self.session
            give_back_freed()
        binding = self._bindings.get(slot)
        if binding is None:
            binding = self._bindings[slot] = self._bind(slot.buffers)
        return binding

    def _bind(self, buffers: Sequence[Floats]) -> ort.IOBinding:
        """Bind key and value buffers, layer after layer, as both past and present."""
        import onnxruntime as ort

        binding = self.session.io_binding()
        for at, buffer in enumerate(buffers):
            value = ort.OrtValue.ortvalue_from_numpy(buffer)
            name = f"{at // 2}.{'value' if at % 2 else 'key'}"
            binding.bind_ortvalue_input(f"past.{name}", value)
            binding.bind_ortvalue_output(f"present.{name}", value)
        return binding

    def run(self, slot: Slot, ids: Sequence[int], position: int, start: int) -> Floats:
        """Logits [len(ids) - start, vocab_size] of `ids`, which are at `position` and after.

        The slot must contain the positions before; from `position` on it is overwritten. The caller
        must update `slot.tokens`.
        """
        end = position + len(ids)
        binding = self._binding(slot)
        binding.bind_cpu_input("input_ids", np.array([ids], np.int64))
        binding.bind_cpu_input("seqlens_k", np.array([end - 1], np.int32))
        binding.bind_cpu_input("total", np.array(end, np.int32))
        binding.bind_cpu_input("start", np.array([start], np.int64))
        binding.bind_output("logits", "cpu")  # again, because its shape differs from the last run's
        self.session.run_with_iobinding(binding)
        logits: Floats = binding.get_outputs()[-1].numpy()[0]
        return logits

    def _check(self) -> int:
        inputs = {value.name: value.shape for value in self.session.get_inputs()}
        outputs = {value.name: value.shape for value in self.session.get_outputs()}
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

    def _company(self) -> int | None:
        # Defined in `bundles.graph.decoder_graph`, which needs `onnx`; workers do not load that.
        found = self.session.get_modelmeta().custom_metadata_map.get("nextedit.company")
        return -1 if found == "-1" else None
