"""Execution providers of onnxruntime other than the CPU, by short names."""

from __future__ import annotations

from collections.abc import Sequence

CPU = "CPUExecutionProvider"
# The name in our configuration, onnxruntime's name, and the package that provides it.
_KNOWN = {
    "coreml": ("CoreMLExecutionProvider", "onnxruntime for macOS"),
    "cuda": ("CUDAExecutionProvider", "onnxruntime-gpu"),
    "directml": ("DmlExecutionProvider", "onnxruntime-directml"),
}
NAMES = (*_KNOWN, "cpu")


def choose_providers(
    wanted: Sequence[str], available: Sequence[str] | None = None
) -> tuple[list[str], list[str]]:
    """onnxruntime's names of the available ones, in order, and what to do about the others.

    The CPU is left out: it is always last. `available` defaults to onnxruntime's own list.
    """
    if available is None:
        import onnxruntime as ort

        available = ort.get_available_providers()
    found: list[str] = []
    problems: list[str] = []
    for name in wanted:
        if name == "cpu":
            continue
        if name not in _KNOWN:
            problems.append(
                f"{name} is not a provider: c.NextEdit.providers takes {', '.join(NAMES)}."
            )
            continue
        full, package = _KNOWN[name]
        if full in available:
            found.append(full)
        else:
            problems.append(
                f"{name} is not in this onnxruntime, so the model runs on the processor: install "
                f"{package}, or take it out of c.NextEdit.providers."
            )
    return found, problems
