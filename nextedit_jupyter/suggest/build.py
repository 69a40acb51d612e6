"""From a bundle's folder to a `Suggester` that is ready to answer."""

from __future__ import annotations

from pathlib import Path

from nextedit_jupyter.bundles.active import Candidate, all_candidates, candidates
from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.core import NextEditError
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.engine import Engine
from nextedit_jupyter.prompt import BundleTokenizer, get_format
from nextedit_jupyter.suggest.acceptance import AcceptanceFilter
from nextedit_jupyter.suggest.model import ModelLane, ModelSettings
from nextedit_jupyter.suggest.routing import Router, Specialist
from nextedit_jupyter.suggest.suggester import Suggester, SuggesterSettings


def build_suggester(
    bundle_path: Path | None = None,
    *,
    threads: int = 2,
    settings: SuggesterSettings | None = None,
) -> Suggester:
    """A suggester with the bundle at `bundle_path`, or with the one that `bundles.active` finds.

    Where a better one cannot be used, `problem` says so and what to do; without any it answers
    without the model lane. Never raises on a missing or damaged bundle.
    """
    problems: list[str] = []
    try:
        for candidate in candidates(bundle_path):
            try:
                bundle = candidate.open()
                lane = open_model_lane(bundle, threads=threads)
            except NextEditError as error:
                problems.append(candidate.explain(error))
            except Exception as error:
                why = BundleError(f"it cannot be loaded ({type(error).__name__}): reinstall it")
                problems.append(candidate.explain(why))
            else:
                problem = " ".join(problems) or None
                router = Router(_specialists(bundle, candidate, threads, bundle_path), lane)
                return Suggester(router, bundle.label, problem=problem, settings=settings)
    except NextEditError as error:
        problems.append(str(error))
    return Suggester(problem=" ".join(problems), settings=settings)


def _specialists(
    first: Bundle, candidate: Candidate, threads: int, named: Path | None
) -> list[Specialist]:
    """The bundle that answers, then the others that are installed, one version of each."""
    found = [Specialist(first.id, first.language, first.label, lambda: _open(candidate, threads))]
    for other in all_candidates(named):
        told = other.described()
        if told is not None and told.label not in {one.label for one in found}:
            found.append(
                Specialist(
                    told.id,
                    told.language,
                    told.label,
                    lambda other=other: _open(other, threads),  # type: ignore[misc]
                )
            )
    return found


def _open(candidate: Candidate, threads: int) -> ModelLane:
    return open_model_lane(candidate.open(), threads=threads)


def open_model_lane(
    bundle: Bundle, *, threads: int = 2, settings: ModelSettings | None = None
) -> ModelLane:
    """The model lane of a verified bundle. Raises NextEditError."""
    tokenizer = BundleTokenizer(bundle.path / "tokenizer.json")
    engine = Engine(
        bundle.path / "model.onnx",
        tokenizer,
        layers=bundle.layers,
        kv_heads=bundle.kv_heads,
        head_dim=bundle.head_dim,
        context=bundle.context,
        threads=threads,
    )
    return ModelLane(
        engine,
        get_format(bundle.prompt_format),
        tokenizer,
        settings or ModelSettings.from_thresholds(bundle.thresholds),
        AcceptanceFilter.from_manifest(bundle.manifest.get("acceptance")),
    )
