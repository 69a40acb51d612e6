"""Builds a `Suggester` from a bundle's folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from nextedit_jupyter.bundles.active import CandidateBundle, all_candidates, candidates
from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.core import NextEditError, phases
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.core.phases import Phase
from nextedit_jupyter.core.remote_settings import RemoteSettings
from nextedit_jupyter.engine import Engine
from nextedit_jupyter.engine.contention import Contention
from nextedit_jupyter.engine.providers import choose_providers
from nextedit_jupyter.prompt import BundleTokenizer, get_format
from nextedit_jupyter.suggest.acceptance import AcceptanceFilter
from nextedit_jupyter.suggest.model_lane import ModelLane, ModelSettings
from nextedit_jupyter.suggest.remote_lane import TeamServer
from nextedit_jupyter.suggest.routing import Router, Specialist
from nextedit_jupyter.suggest.suggester import Suggester, SuggesterSettings


def build_suggester(
    bundle_path: Path | None = None,
    *,
    threads: int = 2,
    settings: SuggesterSettings | None = None,
    providers: Sequence[str] = (),
    remote: RemoteSettings | None = None,
    off: Collection[str] = (),
) -> Suggester:
    """A suggester with the bundle at `bundle_path`, by default the one that `bundles.active` finds.

    `providers` are execution providers besides the CPU (`engine.providers`), best first;
    unavailable ones are named in `problem`. `remote` is a team's server that is asked before the
    bundle. `off` are the labels of bundles that must not be used.

    If a preferred bundle cannot be used, `problem` says so and what to do; without any bundle there
    is no model lane. Never raises on a missing or damaged bundle.
    """
    problems: list[str] = []
    if providers:
        providers, missing = choose_providers(providers)
        problems += missing
    try:
        for candidate in candidates(bundle_path):
            description = candidate.described()
            if description is not None and description.label in off:
                continue
            try:
                with phases.during(Phase.LOADING, description.label if description else ""):
                    bundle = candidate.open()
                    lane = open_model_lane(bundle, threads=threads, providers=providers)
            except NextEditError as error:
                problems.append(candidate.explain(error))
            except Exception as error:
                why = BundleError(f"it cannot be loaded ({type(error).__name__}): reinstall it")
                problems.append(candidate.explain(why))
            else:
                problem = " ".join(problems) or None

                def opened(other: CandidateBundle) -> ModelLane:
                    description = other.described()
                    with phases.during(Phase.LOADING, description.label if description else ""):
                        return open_model_lane(other.open(), threads=threads, providers=providers)

                specialists = _specialists(bundle, candidate, opened, bundle_path)
                kept = [one for one in specialists if one.label not in off]
                router = Router(kept, lane)
                return _with_server(remote, router, bundle.label, problem, settings)
    except NextEditError as error:
        problems.append(str(error))
    return _with_server(remote, None, None, " ".join(problems), settings)


def _with_server(
    remote: RemoteSettings | None,
    local: Router | None,
    label: str | None,
    problem: str | None,
    settings: SuggesterSettings | None,
) -> Suggester:
    """The suggester with a team's server before the local model, if one is configured."""
    if remote is None:
        return Suggester(local, label, problem=problem, settings=settings)
    try:
        server = TeamServer(remote, local)
    except NextEditError as error:
        problem = " ".join(filter(None, (problem, f"the team's server is not asked: {error}")))
        return Suggester(local, label, problem=problem, settings=settings)
    return Suggester(
        server, label or server.label, problem=problem if local else None, settings=settings
    )


def _specialists(
    first: Bundle,
    candidate: CandidateBundle,
    opened: Callable[[CandidateBundle], ModelLane],
    named: Path | None,
) -> list[Specialist]:
    """The active bundle, then the other installed ones, one version of each."""
    found = [Specialist(first.id, first.language, first.label, lambda: opened(candidate))]
    for other in all_candidates(named):
        description = other.described()
        if description is not None and description.label not in {one.label for one in found}:
            found.append(
                Specialist(
                    description.id,
                    description.language,
                    description.label,
                    lambda other=other: opened(other),  # type: ignore[misc]
                )
            )
    return found


def open_model_lane(
    bundle: Bundle,
    *,
    threads: int = 2,
    settings: ModelSettings | None = None,
    providers: Sequence[str] = (),
) -> ModelLane:
    """The model lane of a verified bundle. Raises NextEditError."""
    tokenizer = BundleTokenizer(bundle.path / "tokenizer.json")
    engine = Engine(
        bundle.path / "model.onnx",
        tokenizer,
        bundle,
        threads=threads,
        providers=providers,
        contention=Contention(),
    )
    return ModelLane(
        engine,
        get_format(bundle.prompt_format),
        tokenizer,
        settings or ModelSettings.from_thresholds(bundle.thresholds),
        AcceptanceFilter.from_manifest(bundle.manifest.get("acceptance")),
    )
