"""The engine's law: an answer depends on the request alone, never on caches, chunks or drafts."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_bundle import MIXTURE, SHAPE, make_bundle
from tiny_engine import complete, open_engine, prompt_of

from nextedit_jupyter.bundles.bundle import Bundle, default_bundle_path
from nextedit_jupyter.bundles.graph import Experts
from nextedit_jupyter.core import Caret, Cell, Notebook, SuggestRequest
from nextedit_jupyter.engine import Engine
from nextedit_jupyter.engine.decoder import Decoder, Slot
from nextedit_jupyter.prompt import BundleTokenizer, Prompt, get_format

SLOT_BYTES = 2 * SHAPE.layers * SHAPE.kv_heads * SHAPE.context * SHAPE.head_dim * 4


class Reference:
    """Reads the whole sequence anew for every token, in one pass: nothing to go wrong."""

    def __init__(self, bundle: Bundle) -> None:
        self.tokenizer = BundleTokenizer(bundle.tokenizer)
        self.decoder = Decoder(
            bundle.model,
            bundle,
        )

    def ids(self, prompt: Prompt, max_new: int) -> tuple[int, ...]:
        said: list[int] = []
        while len(said) < max_new:
            ids = [*prompt.ids, *said]
            slot = Slot(self.decoder)
            # One row more than there are tokens: see `engine.engine`.
            row = self.decoder.run(slot, [*ids, 0], 0, len(ids) - 1)[0]
            row = row[: self.tokenizer.vocab_size]
            rest = prompt.heal[len(b"".join(map(self.tokenizer.token_bytes, said))) :]
            order = np.argsort(-row, kind="stable").tolist()
            if rest:
                order = [id for id in order if self._agrees(id, rest)]
            said.append(order[0])
            if said[-1] in prompt.stop:
                break
        return tuple(said)

    def _agrees(self, id: int, rest: bytes) -> bool:
        token = self.tokenizer.token_bytes(id)
        return bool(token) and (token.startswith(rest) or rest.startswith(token))


BUNDLES: dict[str, dict[str, Any]] = {
    "dense": {},
    "mixture": {"shape": MIXTURE},
    "mixture, 4 bits": {
        "shape": replace(SHAPE, width=64, hidden=64, experts=Experts(4, 1, 32)),
        "bits": 4,
    },
}


@pytest.fixture(scope="module", params=list(BUNDLES.values()), ids=list(BUNDLES))
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("tiny") / "bundle"
    return Bundle.open(make_bundle(folder, **request.param))


@pytest.fixture(scope="module")
def reference(tiny: Bundle) -> Reference:
    return Reference(tiny)


@pytest.fixture(scope="module")
def engines(tiny: Bundle) -> list[Engine]:
    """Engines that differ in everything that must not matter; they live through all examples."""
    return [
        open_engine(tiny.path),
        open_engine(tiny.path, chunk=2, cache_bytes=SLOT_BYTES),
        open_engine(tiny.path, chunk=5, cache_bytes=2 * SLOT_BYTES, drafts=False),
        open_engine(tiny.path, chunk=16, cache_bytes=3 * SLOT_BYTES, threads=1),
    ]


token = st.integers(24, 340)
common = st.sampled_from([tuple(range(30, 30 + n)) for n in (1, 3, 17, 70, 130)])


@st.composite
def prompts(draw: st.DrawFn) -> Prompt:
    """Prompts that share beginnings of many lengths, with repetition for drafts to find."""
    piece = draw(st.lists(token, min_size=1, max_size=6))
    tail = piece * draw(st.integers(1, 8)) + draw(st.lists(token, max_size=3))
    start = draw(common)
    ids = (*start[: draw(st.integers(0, len(start)))], *tail)
    heal = draw(st.sampled_from([b"", b"i", b"im", b"imp", b"np.l", b"  ", b"pri", b"\xc3"]))
    source = tuple(draw(st.lists(token, max_size=12)))
    return prompt_of(ids, heal=heal, source=source)


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(prompts(), min_size=1, max_size=4), st.integers(1, 14), st.data())
def test_an_answer_is_the_same_cold_warm_chunked_drafted_and_after_evictions(
    engines: list[Engine],
    reference: Reference,
    asked: list[Prompt],
    max_new: int,
    data: st.DataObject,
) -> None:
    for prompt in asked:
        expected = reference.ids(prompt, max_new)
        for engine in engines:
            if data.draw(st.booleans(), label="prefill"):
                engine.prefill(prompt, cancelled=lambda: False)
            answer = complete(engine, prompt, max_new)
            if answer.finish == "invalid":  # a random model may write half a character
                assert not answer.ids
            else:
                assert answer.ids == expected
            again = complete(engine, prompt, max_new)
            assert (again.ids, again.text, again.finish) == (
                answer.ids,
                answer.text,
                answer.finish,
            )
            assert again.logprobs == answer.logprobs


@settings(max_examples=15)
@given(prompts(), st.integers(1, 6), st.integers(1, 40))
def test_an_answer_is_the_same_after_one_that_was_cancelled(
    engines: list[Engine], reference: Reference, prompt: Prompt, passes: int, max_new: int
) -> None:
    for engine in engines:
        left = [passes]

        def cancelled(left: list[int] = left) -> bool:
            left[0] -= 1
            return left[0] < 0

        engine.prefill(prompt, cancelled=cancelled)
        complete(engine, prompt, max_new, cancelled=cancelled)
        answer = complete(engine, prompt, max_new)
        assert answer.finish == "invalid" or answer.ids == reference.ids(prompt, max_new)


@settings(max_examples=15)
@given(prompts())
def test_typing_what_was_suggested_goes_on_with_the_same_text(
    engines: list[Engine], prompt: Prompt
) -> None:
    whole = complete(engines[0], prompt_of(prompt.ids), 12)
    for typed in range(len(whole.ids)):
        longer = prompt_of((*prompt.ids, *whole.ids[:typed]))
        rest = complete(engines[0], longer, 12 - typed)
        assert rest.finish == "invalid" or rest.ids == whole.ids[typed:]


@pytest.mark.slow
def test_the_bundled_model_answers_the_same_cold_warm_and_chunked() -> None:
    bundle = Bundle.open(default_bundle_path())
    reference = Reference(bundle)
    format = get_format(bundle.prompt_format)

    def engine(**more: Any) -> Engine:
        return Engine(
            bundle.model,
            reference.tokenizer,
            bundle,
            **more,
        )

    engines = [engine(), engine(chunk=48, cache_bytes=1), engine(drafts=False)]
    sources = [
        "import numpy as np\nimport pandas as pd\n\nframe = pd.read_csv('data.csv')\nframe.gro",
        "def area(width, height):\n    return width * height\n\nfor i in range(10):\n    pri",
        "fig, ax = plt.subplots()\nax.plot(x, np.sin(x), label='sine')\nax.set_xlabel('x')\nax.",
    ]
    other = Cell("other", "code", "x = np.linspace(0, 10, 200)\ny = np.sin(x)\n" * 4, 1)
    for source in sources:
        for end in (len(source) // 2, len(source)):
            notebook = Notebook("python", (other, Cell("here", "code", source[:end])))
            request = SuggestRequest(notebook, Caret("here", end))
            prompt = format.inline(request, reference.tokenizer, 512)
            expected = reference.ids(prompt, 16)
            for one in engines:
                for _ in range(2):
                    answer = one.complete(
                        prompt,
                        max_new=16,
                        deadline=time.monotonic() + 60,
                        cancelled=lambda: False,
                    )
                    assert answer.ids == expected


def test_an_answer_begins_as_it_is_told_and_its_probability_is_the_models(tiny: Bundle) -> None:
    engine = open_engine(tiny.path)
    prompt = prompt_of([1, *range(20, 40)])
    plain = complete(engine, prompt)
    other = next(id for id in range(40, 60) if id != plain.ids[0])
    told = replace(prompt, begin=other)
    said = complete(engine, told)
    assert said.ids[0] == other
    assert said.logprobs[0] < plain.logprobs[0]
    same = complete(engine, replace(told, begin=plain.ids[0]))
    assert same.ids == plain.ids
