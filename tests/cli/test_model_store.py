"""`jupyter nextedit model` and `publish`: what each command does, says, and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_bundle import make_bundle
from tiny_checkpoint import make_checkpoint

from nextedit_jupyter.bundles import active, bundle
from nextedit_jupyter.cli import main
from nextedit_jupyter.suggest import canary

ID = "nextedit-python"
Run = Callable[..., str]
Fail = Callable[..., str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    versions = enumerate(["1.0.0", "1.1.0", "1.2.0"])
    return {v: make_bundle(folder / v, id=ID, version=v, seed=seed) for seed, v in versions}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, made: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with nothing installed but the packaged 1.0.0, and no configuration."""
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NEXTEDIT_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("NEXTEDIT_PASSPHRASE", "correct horse")
    for name in ("NEXTEDIT_BUNDLE", "NEXTEDIT_REPOSITORY", "NEXTEDIT_ROOT", "JUPYTER_CONFIG_PATH"):
        monkeypatch.delenv(name, raising=False)
    for module in (active, bundle):
        monkeypatch.setattr(module, "packaged_bundle_path", lambda: made["1.0.0"])
    # The trial itself has tests of its own; here it runs in this process.
    monkeypatch.setattr(canary, "run_canary", lambda folder, **how: canary.try_bundle(folder))
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: Any) -> str:
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        assert code == 0, said.err
        return said.out

    return run


@pytest.fixture
def fail(capsys: pytest.CaptureFixture[str]) -> Fail:
    def fail(*words: Any, code: int = 1) -> str:
        assert main([str(word) for word in words]) == code
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return said.err

    return fail


def used(run: Run) -> str:
    bundle: str = json.loads(run("model", "info", "--json"))["bundle"]
    return bundle


def test_a_folder_is_installed_used_listed_rolled_back_and_removed(
    run: Run, fail: Fail, made: dict[str, Path]
) -> None:
    assert used(run) == f"{ID}/1.0.0"
    assert "answers from now on" in run("model", "install", made["1.1.0"])
    run("model", "install", made["1.2.0"])
    assert used(run) == f"{ID}/1.2.0"
    listed = json.loads(run("model", "list", "--json"))
    assert [(entry["bundle"], entry["used"]) for entry in listed] == [
        (f"{ID}/1.2.0", True),
        (f"{ID}/1.1.0", False),
        (f"{ID}/1.0.0", False),
    ]
    assert json.loads(run("model", "verify", "--json"))["checked"] == [
        f"{ID}/1.2.0",
        f"{ID}/1.1.0",
    ]
    run("model", "use", ID, "1.1.0")
    assert used(run) == f"{ID}/1.1.0"
    run("model", "use", ID, "1.2.0")
    assert "rolled back to nextedit-python 1.1.0" in run("model", "rollback")
    assert "of the package" in run("model", "rollback", ID)
    assert used(run) == f"{ID}/1.0.0"
    assert "nothing to roll back" in fail("model", "rollback")
    run("model", "remove", ID, "1.2.0")
    assert "1.2.0 is not installed" in fail("model", "use", ID, "1.2.0")


def test_a_second_bundle_is_installed_beside_and_not_used(run: Run, made: dict[str, Path]) -> None:
    assert f"model use {ID} 1.1.0" in run("model", "install", made["1.1.0"], "--no-use")


def test_an_install_that_is_older_than_the_package_says_so(run: Run, tmp_path: Path) -> None:
    old = make_bundle(tmp_path / "old", id=ID, version="0.9.0")
    assert "came with the package" in run("model", "install", old)
    assert used(run) == f"{ID}/1.0.0"


def test_a_damaged_install_is_found_and_the_package_answers(
    run: Run, fail: Fail, made: dict[str, Path], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("model", "install", made["1.1.0"])
    model = home / "data" / "bundles" / ID / "1.1.0" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    assert main(["model", "list"]) == 0
    said = capsys.readouterr()
    assert f"* {ID}/1.0.0" in said.out
    assert "cannot be used" in said.err
    assert "1.1.0: model.onnx is not what was installed" in fail("model", "verify")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["install", "./nowhere"], "there is no folder"),
        (["install", "nextedit-r"], "no repository is configured"),
        (["install", "{home}"], "manifest.json"),
        (["use", "nextedit-r", "1.0.0"], "not installed"),
        (["use", "../up", "1.0.0"], "not a bundle id"),
        (["use", ID, "newest"], "not a semantic version"),
        (["rollback", "nextedit-r"], "nothing to roll back"),
        (["remove", ID, "9.9.9"], "not installed"),
        (["info", "{home}/nowhere"], "there is no bundle"),
        (["update"], "no repository is configured"),
        (["update", "--check"], "no repository is configured"),
        (["import", "{home}/nowhere", "--prompt", "cells-spm-v1"], "there is no folder"),
        (["import", "{home}", "--prompt", "cells-spm-v1"], "config.json"),
        (["import", "{home}", "--prompt", "from-the-future"], "not known"),
        (["import", "{home}", "--prompt", "cells-spm-v1", "--id", ID], "another --id"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_do(
    fail: Fail, home: Path, words: list[str], says: str
) -> None:
    said = fail("model", *(word.format(home=home) for word in words))
    assert said.startswith("jupyter nextedit: ")
    assert says in said


@pytest.mark.parametrize(
    "words",
    [
        ["model", "install"],
        ["model", "use", ID],
        ["model", "import", "x"],
        ["model", "import", "x", "--prompt", "cells-spm-v1", "--bits", "5"],
        ["model", "import", "x", "--prompt", "cells-spm-v1", "--context", "1"],
        ["publish", "init", "x"],
        ["publish", "rotate", "x", "mirror", "--keys", "k"],
    ],
)
def test_a_wrong_usage_ends_with_2(fail: Fail, words: list[str]) -> None:
    fail(*words, code=2)


@pytest.mark.parametrize(
    "words",
    [["model"], ["publish"]]
    + [["model", a] for a in ("install", "use", "rollback", "remove", "import", "update", "list")]
    + [["publish", a] for a in ("init", "add", "sign", "rotate")],
)
def test_each_command_has_a_help_that_teaches(run: Run, words: list[str]) -> None:
    assert len(run(*words, "--help").splitlines()) > 6


class TestRepository:
    """A publisher and a user, on one machine."""

    @pytest.fixture
    def repository(self, run: Run, home: Path, made: dict[str, Path]) -> Path:
        folder = home / "repository"
        said = run("publish", "init", folder, "--keys", home / "keys")
        assert "1.root.json" in said
        said = run("publish", "add", folder, made["1.1.0"], "--keys", home / "keys")
        assert f"{ID}/1.1.0 is published" in said
        return folder

    @pytest.fixture
    def configured(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("NEXTEDIT_REPOSITORY", str(repository))
        monkeypatch.setenv("NEXTEDIT_ROOT", str(repository / "metadata" / "1.root.json"))
        return repository

    def test_a_bundle_is_installed_by_its_id_and_updated(
        self, run: Run, fail: Fail, home: Path, made: dict[str, Path], configured: Path
    ) -> None:
        assert "signed" in run("model", "install", ID)
        assert used(run) == f"{ID}/1.1.0"
        assert "up to date" in run("model", "update")
        keys = ["--keys", home / "keys"]
        run("publish", "add", configured, made["1.2.0"], *keys, "--changes", "longer lines\x1b[2J")
        said = run("model", "update", "--check")
        assert "1.2.0 is there" in said
        assert "longer lines\\x1b[2J" in said
        assert used(run) == f"{ID}/1.1.0"
        assert "1.2.0 is installed" in run("model", "update")
        assert used(run) == f"{ID}/1.2.0"
        run("model", "install", ID, "--version", "1.1.0")
        assert used(run) == f"{ID}/1.1.0"
        assert "no bundle nextedit-r" in fail("model", "install", "nextedit-r")

    def test_the_repository_may_stand_in_the_command_or_in_the_jupyter_configuration(
        self, run: Run, home: Path, repository: Path
    ) -> None:
        root = repository / "metadata" / "1.root.json"
        run("model", "install", ID, "--from", repository, "--root", root, "--no-use")
        (home / "config").mkdir()
        config = home / "config" / "jupyter_server_config.py"
        config.write_text(
            f"c.NextEdit.repository = {str(repository)!r}\nc.NextEdit.root = {str(root)!r}\n"
        )
        assert "1.1.0 is there" in run("model", "update", "--check")

    def test_updates_switched_off_by_policy_stay_off(
        self, fail: Fail, home: Path, configured: Path
    ) -> None:
        (home / "config").mkdir()
        config = home / "config" / "jupyter_server_config.json"
        config.write_text(json.dumps({"NextEdit": {"updates": False}}))
        assert "switched off" in fail("model", "update")
        config.write_text(json.dumps({"NextEdit": {"updates": "maybe"}}))
        assert "c.NextEdit" in fail("model", "update")
        config.write_text("{")
        assert "jupyter_server_config.json cannot be read" in fail("model", "update")

    def test_without_a_root_or_with_another_s_nothing_is_installed(
        self, run: Run, fail: Fail, home: Path, repository: Path
    ) -> None:
        said = fail("model", "install", ID, "--from", repository)
        assert "no root of trust" in said
        run("publish", "init", home / "other", "--keys", home / "others")
        root = home / "other" / "metadata" / "1.root.json"
        said = fail("model", "install", ID, "--from", repository, "--root", root)
        assert "could not be verified" in said
        assert used(run) == f"{ID}/1.0.0"
        said = fail("model", "install", ID, "--from", repository, "--root", home / "nowhere")
        assert "cannot be read" in said

    def test_a_bad_version_is_refused_by_the_trial_and_the_old_one_goes_on(
        self, run: Run, fail: Fail, home: Path, configured: Path
    ) -> None:
        run("model", "install", ID)
        bad = make_bundle(home / "bad", id=ID, version="1.3.0", spoil=True)
        run("publish", "add", configured, bad, "--keys", home / "keys")
        assert "not numbers" in fail("model", "update")
        assert used(run) == f"{ID}/1.1.0"

    def test_keys_are_renewed_and_rotated_and_users_follow(
        self, run: Run, home: Path, configured: Path, made: dict[str, Path]
    ) -> None:
        keys = ["--keys", home / "keys"]
        run("model", "install", ID)
        run("publish", "sign", configured, *keys)
        for role in ("timestamp", "targets", "root"):
            run("publish", "rotate", configured, role, *keys)
        said = ["--role", "python", "--min-safe", "1.2.0"]
        run("publish", "add", configured, made["1.2.0"], *keys, *said)
        assert "1.2.0 is installed" in run("model", "update")

    def test_a_publisher_s_mistakes_are_said(
        self, fail: Fail, home: Path, repository: Path, made: dict[str, Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        keys = ["--keys", home / "keys"]
        assert "already" in fail("publish", "init", repository, *keys)
        assert "published already" in fail("publish", "add", repository, made["1.1.0"], *keys)
        assert "publish init" in fail("publish", "sign", home / "nowhere", *keys)
        assert "keys of" in fail("publish", "sign", repository, "--keys", home / "nowhere")
        init = ["publish", "init", home / "new", "--keys", home / "k"]
        assert "threshold" in fail(*init, "--threshold", 3)
        monkeypatch.setenv("NEXTEDIT_PASSPHRASE", "wrong")
        assert "wrong passphrase" in fail("publish", "sign", repository, *keys)
        monkeypatch.setenv("NEXTEDIT_PASSPHRASE", "")
        assert "empty passphrase" in fail("publish", "sign", repository, *keys)
        monkeypatch.delenv("NEXTEDIT_PASSPHRASE")
        assert "set NEXTEDIT_PASSPHRASE" in fail("publish", "sign", repository, *keys)

    def test_the_passphrase_is_asked_for_twice_where_there_is_a_terminal(
        self, run: Run, fail: Fail, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("NEXTEDIT_PASSPHRASE")
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        answers = iter(["one", "two", "same", "same", "same"])
        monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
        assert "differ" in fail("publish", "init", home / "a", "--keys", home / "b")
        run("publish", "init", home / "a", "--keys", home / "b")
        run("publish", "sign", home / "a", "--keys", home / "b")
        assert b"ENCRYPTED" in (home / "b" / "root-1.pem").read_bytes()


def test_a_checkpoint_is_imported_and_answers(run: Run, tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "Own Model_0.1")
    said = run("model", "import", folder, "--prompt", "fim-qwen", "--licence", "MIT", "--use")
    assert "own-model_0.1/0.1.0 answers" in said
    info = json.loads(run("model", "info", "--json"))
    assert (info["bundle"], info["prompt_format"]) == ("own-model_0.1/0.1.0", "fim-qwen")
    assert info["licence"] == "MIT"
    run("model", "rollback")
    assert used(run) == f"{ID}/1.0.0"
