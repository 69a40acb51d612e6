"""Answers of the real models are those without drafts, whatever was said before."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextedit_jupyter.bundles.active import candidates, user_store
from nextedit_jupyter.bundles.bundle import Bundle, packaged_bundle_path
from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, SuggestRequest
from nextedit_jupyter.engine import Completion, Engine
from nextedit_jupyter.prompt import BundleTokenizer, Prompt, get_format

ABOVE = (
    "import numpy as np\nimport pandas as pd\n\nsales = pd.read_csv('sales.csv')\n",
    "x = np.linspace(0, 10, 200)\ny = np.sin(x)\nfor i in range(10):\n    print(i, y[i])\n",
    "def area(width, height=2):\n    return width * height\n\ntotal = area(3, height=4)\n",
)
TYPED = (
    "monthly = sales.groupby('month')['price'].mean()\nprint(monthly)\n",
    "def volume(width, height, depth):\n    return area(width, height) * depth\n",
    "for i in range(20):\n    print(i, np.cos(x[i]))\n",
    "sales = pd.read_csv('sales.csv')\nsales = sales.dropna()\n",
)
KEYS = 4

pytestmark = pytest.mark.slow  # real models


class Pair:
    """One model with drafts and without; both live through all examples."""

    def __init__(self, path: Path) -> None:
        bundle = Bundle.open(path)
        self.tokenizer = BundleTokenizer(bundle.tokenizer)
        self.format = get_format(bundle.prompt_format)
        self.drafting, self.plain = (
            Engine(
                bundle.model,
                self.tokenizer,
                bundle,
                drafts=drafts,
            )
            for drafts in (True, False)
        )

    def agree(self, prompt: Prompt, max_new: int) -> Completion:
        drafted, plain = (
            engine.complete(
                prompt,
                max_new=max_new,
                deadline=time.monotonic() + 600,
                cancelled=lambda: False,
                rejoin=prompt.draft_source if prompt.kind == "next_edit" else (),
            )
            for engine in (self.drafting, self.plain)
        )
        assert (drafted.ids, drafted.text, drafted.finish) == (plain.ids, plain.text, plain.finish)
        assert drafted.logprobs == plain.logprobs  # to the bit
        return drafted


def paths() -> list[Path]:
    """The model in the package, and the larger one where it is installed for the user."""
    user = Path(os.environ.get("JUPYTER_DATA_DIR") or Path.home() / ".local/share/jupyter")
    stored = candidates(store=user_store(user / "nextedit"))
    installed = [candidate.path for candidate in stored if candidate.source == "store"]
    return [packaged_bundle_path(), *installed[:1]]


@pytest.fixture(scope="module", params=paths(), ids=lambda path: path.name)
def pair(request: pytest.FixtureRequest) -> Pair:
    return Pair(request.param)


def notebook(source: str) -> Notebook:
    above = (Cell(f"a{i}", "code", text, i + 1) for i, text in enumerate(ABOVE))
    return Notebook("python", (*above, Cell("here", "code", source)))


@given(st.sampled_from(TYPED), st.data())
@settings(max_examples=4, suppress_health_check=list(HealthCheck))
def test_typing_is_answered_the_same_with_drafts_and_without(
    pair: Pair, text: str, data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, len(text) - KEYS))
    for end in range(first, first + KEYS):
        request = SuggestRequest(notebook(text[:end]), Caret("here", end))
        pair.agree(pair.format.inline(request, pair.tokenizer, 384), 10)


@given(st.sampled_from(TYPED), st.data())
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
def test_next_edits_are_written_the_same_with_drafts_and_without(
    pair: Pair, text: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    after = text[:at] + "x" + text[at:]
    request = SuggestRequest(
        notebook(after),
        Caret("here", at + 1),
        history=(EditEvent("here", text, after, "typed", 0.0),),
        want=("next_edit",),
    )
    pair.agree(pair.format.next_edit(request, pair.tokenizer, 512), 40)


def test_a_key_later_much_of_what_is_said_was_drafted(pair: Pair) -> None:
    text = TYPED[0]
    generated = accepted = 0
    for end in range(10, 30):
        request = SuggestRequest(notebook(text[:end]), Caret("here", end))
        tokens = pair.agree(pair.format.inline(request, pair.tokenizer, 384), 10).tokens
        generated += tokens.generated
        accepted += tokens.accepted
    assert accepted > generated / 3
