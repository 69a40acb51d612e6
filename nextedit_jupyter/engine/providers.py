"""What may run a model beside the processor: onnxruntime's execution providers, by short names."""

from __future__ import annotations

from collections.abc import Sequence

CPU = "CPUExecutionProvider"
# The name in a configuration, onnxruntime's, and the package that brings it.
_KNOWN = {
    "coreml": ("CoreMLExecutionProvider", "onnxruntime for macOS"),
    "cuda": ("CUDAExecutionProvider", "onnxruntime-gpu"),
    "directml": ("DmlExecutionProvider", "onnxruntime-directml"),
}
NAMES = (*_KNOWN, "cpu")


def choose_providers(
    wanted: Sequence[str], available: Sequence[str] | None = None
) -> tuple[list[str], list[str]]:
    """onnxruntime's names of those that are there, as ordered, and what to do about others.

    The processor is left out: it comes last always. `available` are onnxruntime's own if None.
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
