"""`jupyter nextedit model get`: from a folder of wheels to a model that answers, and back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_bundle import make_bundle
from tiny_gguf import make_delta, make_gguf, make_wheel, plain_pip

from nextedit_jupyter.bundles import active, bundle, delta
from nextedit_jupyter.cli import main
from nextedit_jupyter.suggest import canary

pytest.importorskip("gguf")

Run = Callable[..., str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small bundle, a base in a wheel, and a delta."""
    folder = tmp_path_factory.mktemp("made")
    make_bundle(folder / "small", id="nextedit-python", version="1.0.0")
    weights = make_gguf(folder / "base.gguf", quant="Q8_0").path
    (folder / "links").mkdir()
    wheel = make_wheel(folder / "links", weights)
    make_delta(folder / "delta", wheel, weights, id="nextedit-large")
    return folder


@pytest.fixture(autouse=True)
def links(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home; the folder of wheels that pip is given."""
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NEXTEDIT_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    plain_pip(monkeypatch, tmp_path)
    for name in ("NEXTEDIT_BUNDLE", "NEXTEDIT_REPOSITORY", "NEXTEDIT_ROOT", "JUPYTER_CONFIG_PATH"):
        monkeypatch.delenv(name, raising=False)
    for module in (active, bundle):
        monkeypatch.setattr(module, "packaged_bundle_path", lambda: made / "small")
    known = [delta.Delta.open(made / "delta")]
    monkeypatch.setattr(delta, "deltas", lambda: known)
    monkeypatch.setattr(canary, "run_canary", lambda folder, **how: canary.try_bundle(folder))
    shutil.copytree(made / "links", tmp_path / "links")
    return tmp_path / "links"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: Any, code: int = 0) -> str:
        assert main([str(word) for word in words]) == code
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return said.out if code == 0 else said.err

    return run


def get(links: Path) -> tuple[Any, ...]:
    return "model", "get", "--no-index", "--find-links", links


def used(run: Run) -> str:
    label: str = json.loads(run("model", "info", "--json"))["bundle"]
    return label


def test_it_answers_from_then_on_and_a_rollback_goes_to_the_small_one(
    run: Run, links: Path
) -> None:
    assert used(run) == "nextedit-python/1.0.0"
    said = run(*get(links))
    assert "Tiny base (MIT), which pip fetches as tiny-base==1.0.0" in said
    assert "nextedit-large/1.0.0 answers from now on" in said
    assert used(run) == "nextedit-large/1.0.0"
    assert "here already" in run(*get(links))
    assert "of the package" in run("model", "rollback")
    assert used(run) == "nextedit-python/1.0.0"
    assert "answers from now on" in run(*get(links))  # asked again, it comes back
    assert used(run) == "nextedit-large/1.0.0"


def test_a_busy_machine_does_not_keep_it_out(
    run: Run, links: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(canary, "run_canary", lambda folder, any_size: asked.append(any_size))
    run(*get(links))
    assert asked == [True]  # the trial's answers decide, its times do not


def test_a_damaged_one_is_made_again(run: Run, links: Path, tmp_path: Path) -> None:
    run(*get(links))
    model = tmp_path / "data" / "bundles" / "nextedit-large" / "1.0.0" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    assert "is installed" in run(*get(links))
    assert used(run) == "nextedit-large/1.0.0"


def test_base_and_licence_are_said_by_info_card_and_doctor(run: Run, links: Path) -> None:
    run(*get(links))
    info = json.loads(run("model", "info", "--json"))
    assert info["licence"] == "MIT AND BSD-3-Clause"
    assert "Tiny base" in info["base"]
    assert "tiny-base 1.0.0" in info["base"]
    assert "Tiny base, by nobody." in run("model", "info", "--card")
    checks = {check["part"]: check for check in doctor(run)}
    assert "made of Tiny base (MIT)" in checks["model"]["found"]
    assert "larger model" not in checks


def test_the_doctor_says_how_to_get_it(run: Run) -> None:
    checks = {check["part"]: check for check in doctor(run)}
    assert checks["larger model"]["state"] == "off"
    assert "tiny-base" in checks["larger model"]["found"]
    assert "jupyter nextedit model get" in checks["larger model"]["todo"]


def doctor(run: Run) -> list[dict[str, str]]:
    from nextedit_jupyter.cli.doctor import examine

    return [
        {"part": check.part, "state": check.state, "found": check.found, "todo": check.todo}
        for check in examine(worker=False)
    ]


def test_what_fails_leaves_the_small_one_answering(run: Run, links: Path) -> None:
    (wheel,) = links.iterdir()
    wheel.write_bytes(wheel.read_bytes()[:-100])
    said = run(*get(links), code=1)
    assert "not the file that this version was made for" in said
    assert used(run) == "nextedit-python/1.0.0"
    wheel.unlink()
    assert "--find-links" in run(*get(links), code=1)
    assert "no model other" in run("model", "get", "other", code=1)


def test_programs_get_a_line_a_step_and_the_end(
    run: Run, links: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [json.loads(line) for line in run(*get(links), "--json").splitlines()]
    assert lines[-1] == {"installed": "nextedit-large/1.0.0"}
    assert [line["step"] for line in lines[:-1] if line["share"] == 0] == [
        "fetch",
        "assemble",
        "try",
    ]
    for wheel in links.iterdir():
        wheel.unlink()
    run("model", "rollback")
    run("model", "remove", "nextedit-large", "1.0.0")
    assert main([str(word) for word in (*get(links), "--json")]) == 1
    assert "cannot find a wheel" in json.loads(capsys.readouterr().out.splitlines()[-1])["problem"]


def test_nothing_is_fetched_where_the_administrator_says_so(
    run: Run, links: Path, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    config = tmp_path / "config" / "jupyter_server_config.json"
    config.write_text(json.dumps({"NextEdit": {"updates": False}}))
    assert "nothing is fetched" in run(*get(links), code=1)


def test_without_a_delta_the_command_says_that_there_is_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delta, "deltas", list)
    assert "no larger model" in run("model", "get", code=1)
    assert "larger model" not in {check["part"] for check in doctor(run)}


def test_a_gguf_file_is_imported_by_its_name(run: Run, tmp_path: Path) -> None:
    file = make_gguf(tmp_path / "Own Model.Q8_0.gguf", quant="Q8_0").path
    said = run("model", "import", file, "--prompt", "plain-ltr-v1", "--use")
    assert "own-model.q8_0/0.1.0 is installed" in said
    info = json.loads(run("model", "list", "--json"))
    assert any(entry.get("licence") == "mit" for entry in info)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: data[: len(data) // 2], "truncated"),
        (lambda data: b"GGUF" + b"\xff" * 200, "not a complete GGUF file"),
        (lambda data: b"", "is it a GGUF file"),
        (lambda data: data.replace(b"llama", b"gemma"), "gemma"),
    ],
)
def test_a_gguf_file_that_is_none_of_ours_is_refused_and_leaves_nothing(
    run: Run, tmp_path: Path, spoil: Callable[[bytes], bytes], says: str
) -> None:
    file = make_gguf(tmp_path / "own.gguf").path
    file.write_bytes(spoil(file.read_bytes()))
    said = run("model", "import", file, "--prompt", "fim-qwen", code=1)
    assert says in said
    assert used(run) == "nextedit-python/1.0.0"
    assert not list((tmp_path / "data" / "bundles").glob("[!l]*"))
    assert not list((tmp_path / "data" / "bundles").glob(".import-*"))
