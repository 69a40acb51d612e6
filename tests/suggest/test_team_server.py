"""A team's server in the suggester: asked first, gated like any model, replaced where it fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from team_server import Server, completion, raw, team_server
from tiny_bundle import make_bundle

from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, SuggestRequest
from nextedit_jupyter.core.remote_settings import RemoteSettings
from nextedit_jupyter.suggest import Suggester, build_suggester

SURE = {"tokens": ["space(0, 1)"], "token_logprobs": [-0.1]}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def server() -> Iterator[Server]:
    with team_server(completion("space(0, 1)", logprobs=SURE)) as found:
        yield found


def build(bundle: Path, server: Server, **more: Any) -> Suggester:
    return build_suggester(
        bundle, remote=RemoteSettings(server.url, ("127.0.0.1",), model="coder", **more)
    )


def request(source: str = "x = np.lin", **fields: Any) -> SuggestRequest:
    cells = (Cell("a", "code", "import numpy as np", 1), Cell("b", "code", source))
    asked: dict[str, Any] = {"want": ("inline",), "deadline_ms": 60_000.0, **fields}
    return SuggestRequest(Notebook("python", cells), Caret("b", len(source)), **asked)


def test_the_server_answers_and_says_so(bundle: Path, server: Server) -> None:
    suggester = build(bundle, server)
    host = server.url.split("/")[2]
    assert suggester.remote == {"host": host, "model": "coder", "problem": None}
    answer = suggester.answer(request())
    assert answer.bundle == f"coder@{host}"
    (found,) = answer.suggestions
    assert (found.kind, found.lane) == ("inline", "model")
    assert found.edits[0].edit.apply("x = np.lin") == "x = np.linspace(0, 1)"
    assert found.confidence == pytest.approx(0.9048, abs=1e-3)
    assert suggester.bundle == "nextedit-tiny/0.1.0"  # what updates are compared with
    assert "import numpy as np" in server.asked[0]["prompt"]


def test_without_a_server_nothing_says_that_text_leaves(bundle: Path) -> None:
    assert build_suggester(bundle).remote is None


def test_its_answers_pass_the_gates_of_any_model(bundle: Path, server: Server) -> None:
    suggester = build(bundle, server)
    unsure = {"tokens": ["space(0, 1)"], "token_logprobs": [-3.0]}
    for text, logprobs, reason in (
        ("space(0, 1)", unsure, "low_confidence"),
        ("space(nobody_knows)", None, "unknown_name"),
    ):
        server.answer = completion(text, logprobs=logprobs)
        assert suggester.model is not None
        suggester.model.forget()
        assert suggester.answer(request()).silence["inline"].reason == reason


def test_where_it_fails_the_local_bundle_answers(bundle: Path, server: Server) -> None:
    suggester = build(bundle, server)
    server.answer = raw(500, b"")
    answer = suggester.answer(request())
    assert answer.bundle == "nextedit-tiny/0.1.0"
    assert answer.tokens.prompt > 0
    assert suggester.remote is not None
    assert "500" in (suggester.remote["problem"] or "")
    server.answer = completion("space(0, 1)", logprobs=SURE)
    assert (suggester.answer(request("y = np.lin")).bundle or "").startswith("coder@")


def test_without_a_local_bundle_silence_has_the_reason(tmp_path: Path, server: Server) -> None:
    suggester = build(tmp_path / "nowhere", server)
    assert len(suggester.answer(request()).suggestions) == 1
    server.answer = raw(500, b"")
    silence = suggester.answer(request("z = np.lin")).silence["inline"]
    assert silence.reason == "no_model"
    assert "500" in silence.detail


def test_settings_that_cannot_be_used_leave_the_local_bundle(bundle: Path, server: Server) -> None:
    for more in ({"key_env": "NO_SUCH_KEY"}, {"prompt": "no-such-format"}):
        suggester = build(bundle, server, **more)
        assert suggester.remote is None
        assert "is not asked" in (suggester.problem or "")
        assert suggester.answer(request()).bundle == "nextedit-tiny/0.1.0"
    assert server.asked == []


def test_the_lanes_without_a_model_stay_here(bundle: Path, server: Server) -> None:
    suggester = build(bundle, server)
    cells = (Cell("a", "code", "width = 1"), Cell("b", "code", "print(size)"))
    event = EditEvent("a", "size = 1", "width = 1")
    asked = SuggestRequest(
        Notebook("python", cells), Caret("a", 5), (event,), want=("rename", "next_edit")
    )
    assert [s.lane for s in suggester.answer(asked).suggestions] == ["symbols"]
    suggester.prefill(asked)
    assert server.asked == []


def test_a_secret_is_not_sent(bundle: Path, server: Server) -> None:
    secret = "ghp_" + "a1B2" * 9
    cells = (Cell("a", "code", f"token = '{secret}'", 1), Cell("b", "code", "x = np.lin"))
    event = EditEvent("a", "token = ''", f"token = '{secret}'")
    asked = SuggestRequest(Notebook("python", cells), Caret("b", 10), (event,), want=("inline",))
    build(bundle, server).answer(asked)
    assert len(server.asked) == 1
    assert secret not in str(server.asked)


def test_a_notebook_that_names_a_local_bundle_is_not_sent(bundle: Path, server: Server) -> None:
    answer = build(bundle, server).answer(request(bundle="nextedit-tiny"))
    assert answer.bundle == "nextedit-tiny/0.1.0"
    assert server.asked == []


@pytest.mark.parametrize("prompt", ["cells-spm-v1", "sweep", "zeta-2.1"])
def test_formats_that_edit_ask_for_edits_too(bundle: Path, server: Server, prompt: str) -> None:
    server.answer = completion("nonsense", logprobs=None)
    asked = request(history=(EditEvent("b", "x = ", "x = np.lin"),), want=("inline", "next_edit"))
    answer = build(bundle, server, prompt=prompt).answer(asked)
    assert len(server.asked) == 2
    assert all(sent["prompt"] for sent in server.asked)
    assert set(answer.silence) | {s.kind for s in answer.suggestions} == {"inline", "next_edit"}


def test_a_provider_that_is_not_there_is_named_and_the_processor_serves(bundle: Path) -> None:
    suggester = build_suggester(bundle, providers=["cuda", "abacus", "cpu"])
    assert "install onnxruntime-gpu" in (suggester.problem or "")
    assert "abacus is not a provider" in (suggester.problem or "")
    assert suggester.answer(request()).bundle == "nextedit-tiny/0.1.0"


PASSWORD = "Tr0ub4" + "dorX9"


@pytest.mark.parametrize("half", ["sk-ant-", "sk-ant-api03-Zk8", "ghp_", "ghp_Zk81"])
def test_a_key_that_is_half_typed_goes_nowhere(bundle: Path, server: Server, half: str) -> None:
    suggester = build(bundle, server)
    answer = suggester.answer(request(f"client = Client('{half}"))
    assert server.asked == []
    assert answer.bundle == "nextedit-tiny/0.1.0"


@pytest.mark.parametrize(
    "secret", [f"password: str = ('{PASSWORD}')", f"!mysql -u root -p{PASSWORD} shop"]
)
def test_no_secret_of_any_cell_and_no_past_of_it_is_sent(
    bundle: Path, server: Server, secret: str
) -> None:
    suggester = build(bundle, server)
    assert suggester.answer(request(secret + "\nx = np.lin")).silence["inline"].reason == "refused"
    assert server.asked == []
    past = EditEvent("b", secret, "x = np.li", "typed", 0.0)
    asked = request("x = np.lin", history=(past,))
    cells = (*asked.notebook.cells, Cell("c", "code", secret))
    suggester.answer(replace(asked, notebook=Notebook("python", cells)))
    assert server.asked
    assert PASSWORD not in str(server.asked)
