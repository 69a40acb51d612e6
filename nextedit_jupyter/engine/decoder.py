"""One onnxruntime session of a decoder graph, and the KV buffers it reads and writes in place.

The graph is that of `bundles.graph`. Its past and present inputs are bound to the same memory, so
nothing is copied, and going back is passing a smaller position.
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
    """What the keys and values of a graph take, as its bundle and its shape say it."""

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

    `tokens` are those whose keys and values the buffers hold; `cost` is how many of them were
    computed for this slot alone, which is what losing it would cost.
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
        """Hold the first `length` tokens of another slot: a copy, at no cost of its own."""
        for mine, theirs in zip(self.buffers, other.buffers, strict=True):
            mine[:, :, :length] = theirs[:, :, :length]
        self.tokens = other.tokens[:length]
        self.cost = 0


def _pages_of_zeros(decoder: Decoder) -> Floats:
    """[2 * layers, 1, kv_heads, context, head_dim] of float32, in a mapping of its own.

    Untouched pages of a mapping take no memory, so a short sequence costs its length, and all of it
    goes back to the system with the last view. The allocator promises neither: once it has freed a
    block of this size, glibc takes the next ones from its heap, writes zeros over all of them and
    seldom gives them back.
    """
    shape = (2 * decoder.layers, 1, decoder.kv_heads, decoder.context, decoder.head_dim)
    return np.frombuffer(mmap.mmap(-1, decoder.slot_bytes), np.float32).reshape(shape)


class Decoder:
    """Runs passes. Not for use by two threads at once.

    `model` is a graph as `bundles.graph` builds it. Raises BundleError if onnxruntime cannot load
    it or its inputs are not those that `sizes` ask for.

    `company` is the id of a row that stands in a pass only so that there are two, and that no
    experts work on; None where the graph has no experts, and a guess costs no more.
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
        """The one that the next pass runs in."""
        return self._sessions.current

    @property
    def slot_bytes(self) -> int:
        """The memory of one slot's buffers, in bytes, when all of its context is used."""
        return 2 * self.layers * self.kv_heads * self.context * self.head_dim * 4

    def _binding(self, slot: Slot) -> ort.IOBinding:
        """A slot's buffers as the present session wants them."""
        self._sessions.fit()
        if self._bound_in is not self.session:
            self._bindings.clear()  # each keeps its session alive, and that the weights
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
        """Logits [len(ids) - start, vocab_size] of `ids` that stand at `position` and after.

        The slot must hold the positions before; what it held from `position` on is overwritten.
        `slot.tokens` is the caller's to keep.
        """
        end = position + len(ids)
        binding = self._binding(slot)
        binding.bind_cpu_input("input_ids", np.array([ids], np.int64))
        binding.bind_cpu_input("seqlens_k", np.array([end - 1], np.int32))
        binding.bind_cpu_input("total", np.array(end, np.int32))
        binding.bind_cpu_input("start", np.array([start], np.int64))
        binding.bind_output("logits", "cpu")  # anew: the last run's has another shape
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
        # Named in `bundles.graph.decoder_graph`, which needs `onnx`: no worker loads that.
        found = self.session.get_modelmeta().custom_metadata_map.get("nextedit.company")
        return -1 if found == "-1" else None
