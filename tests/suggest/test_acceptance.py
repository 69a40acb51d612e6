"""The learned filter: what it looks at, what it refuses to read, and what the lane does with it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_bundle import make_bundle

from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.core import Caret, Cell, EditEvent, KernelFacts, NamedObject, Notebook
from nextedit_jupyter.core import SuggestRequest as Request
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.suggest.acceptance import FEATURES, AcceptanceFilter, Situation, features
from nextedit_jupyter.suggest.build import open_model_lane
from nextedit_jupyter.suggest.trim import Cut, GeneratedToken


def at(text: str, *above: str, **fields: object) -> Request:
    cells = [Cell(f"a{i}", "code", source) for i, source in enumerate(above)]
    notebook = Notebook("python", (*cells, Cell("c", "code", text)))
    return Request(notebook, Caret("c", len(text)), **fields)  # type: ignore[arg-type]


def values(request: Request, shown: str, probability: float = 0.8) -> dict[str, float]:
    steps = [GeneratedToken(len(shown), math.log(probability))]
    found = features(Situation.of(request), shown, steps, Cut(len(shown), probability), 1)
    return dict(zip(FEATURES, found, strict=True))


def weighing(**weights: float) -> AcceptanceFilter:
    return AcceptanceFilter(tuple(weights.get(name, 0.0) for name in FEATURES), 0.0, 0.5)


def test_a_text_is_placed_in_words_strings_comments_and_brackets() -> None:
    assert values(at("x = dat"), "a.mean()")["mid_word"] == 1
    assert values(at("x = data."), "mean()")["after_dot"] == 1
    assert values(at("x = 'da"), "ta'")["string"] == 1
    assert values(at("x = 1  # no"), "te")["comment"] == 1
    assert values(at("f(g["), "x]")["brackets"] == 2
    assert values(at("x = 1\n    "), "y = 2")["line_start"] == 1


def test_names_are_known_from_cells_and_the_kernel() -> None:
    assert values(at("x = "), "frame")["first_unknown"] == 1
    assert values(at("x = ", "frame = 1"), "frame")["first_unknown"] == 0
    kernel = KernelFacts(names=(NamedObject("df", "DataFrame", subscripts=("price",)),))
    assert values(at("x = df.", facts=kernel), "price")["unknown_words"] == 0
    # The word at the caret counts whole.
    assert values(at("x = fra", "frame = 1"), "me")["unknown_words"] == 0


def test_a_line_that_stood_in_the_notebook_is_seen() -> None:
    request = at("plt.sh", "plt.figure()\nplt.show()")
    assert values(request, "ow()")["stood_before"] == 1
    assert values(request, "ape()")["stood_before"] == 0
    assert values(request, "ape()")["line_alike"] == 1


def test_what_was_edited_before_counts() -> None:
    history = (EditEvent("c", "", "x"),)
    assert values(at("x", history=history), "y")["edited"] == 1
    assert values(at("x"), "y")["edited"] == 0


def test_a_filter_survives_the_manifest() -> None:
    made = AcceptanceFilter(tuple(0.25 * i for i in range(len(FEATURES))), -0.5, 0.7)
    assert AcceptanceFilter.from_manifest(json.loads(json.dumps(made.to_manifest()))) == made
    assert AcceptanceFilter.from_manifest(None) is None


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"weights": {}},
        {"weights": [1.0], "bias": 0.0, "threshold": 0.5},
        {"weights": dict.fromkeys(FEATURES, "x"), "bias": 0.0, "threshold": 0.5},
        {"weights": dict.fromkeys(FEATURES, float("nan")), "bias": 0.0, "threshold": 0.5},
        {"weights": dict.fromkeys(FEATURES, 0.0), "bias": True, "threshold": 0.5},
        {"weights": dict.fromkeys(FEATURES, 0.0), "bias": 0.0, "threshold": 1.5},
    ],
)
def test_a_damaged_filter_is_refused(value: object) -> None:
    with pytest.raises(BundleError, match="install it again"):
        AcceptanceFilter.from_manifest(value)


def test_a_filter_of_another_version_is_left_aside() -> None:
    weights = {**dict.fromkeys(FEATURES, 0.0), "moon_phase": 1.0}
    value = {"weights": weights, "bias": 0.0, "threshold": 0.5}
    assert AcceptanceFilter.from_manifest(value) is None


def test_a_bundle_is_served_with_its_filter_or_without(tmp_path: Path) -> None:
    plain = make_bundle(tmp_path / "plain")
    assert open_model_lane(Bundle.open(plain)).acceptance is None
    made = replace(weighing(logit=1.0), threshold=0.7)
    filtered = make_bundle(tmp_path / "filtered", acceptance=made.to_manifest())
    lane = open_model_lane(Bundle.open(filtered))
    assert lane.acceptance == made
    assert lane.shown_from == 0.7


def test_probability_is_between_0_and_1_whatever_the_features() -> None:
    made = weighing(logit=1e6)
    assert (
        0 < made.probability([-1e6] * len(FEATURES)) < 0.5 < made.probability([1e6] * len(FEATURES))
    )
