"""`jupyter nextedit doctor`: each thing that can be wrong is found, with what to do about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nextedit_jupyter import __version__
from nextedit_jupyter.bundles import active
from nextedit_jupyter.cli import installation, main
from nextedit_jupyter.cli.installation import InstalledSetting
from nextedit_jupyter.core.errors import BundleError, WorkerError
from nextedit_jupyter.evals import machine
from nextedit_jupyter.worker import client

Report = Callable[[], tuple[int, dict[str, Any]]]
STATUS = {
    "pid": 7,
    "rss_mb": 120.0,
    "served": 3,
    "bundle": "nextedit-python/0.0.1",
    "problem": None,
}


@pytest.fixture
def healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation in which nothing is wrong; tests then break one thing."""
    folder = tmp_path / "labextension"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"version": __version__}))
    on = InstalledSetting(True, tmp_path / "config.json")
    monkeypatch.setattr(installation, "labextension_folder", lambda: folder)
    monkeypatch.setattr(installation, "labextension_setting", lambda: on)
    monkeypatch.setattr(installation, "server_setting", lambda: on)
    monkeypatch.setattr(installation, "kernel_setting", lambda: InstalledSetting(False, None))
    monkeypatch.setattr(installation, "terminal_setting", lambda: InstalledSetting(False, None))
    monkeypatch.setattr(installation, "own_extension_lists", lambda: [])
    opened = SimpleNamespace(label="nextedit-python/0.0.1", path=folder, manifest={})
    monkeypatch.setattr(active, "active_bundle", lambda: (opened, None))
    monkeypatch.setenv("NEXTEDIT_RUNTIME_DIR", str(tmp_path / "run"))
    answering(monkeypatch, STATUS, {"id": 1, "suggestions": []})
    return tmp_path


def answering(
    monkeypatch: pytest.MonkeyPatch, status: Mapping[str, Any], answer: Mapping[str, Any] | None
) -> None:
    """A worker with this status and answer; with None, one that cannot be started."""

    class Client:
        def __init__(self, name: str) -> None: ...
        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_: object) -> None: ...

        def status(self, timeout: float = 5.0) -> Mapping[str, Any]:
            if answer is None:
                raise WorkerError("the worker died while starting")
            return status

        def suggest(self, request: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
            assert answer is not None
            return answer

    monkeypatch.setattr(client, "WorkerClient", Client)


@pytest.fixture
def examine(capsys: pytest.CaptureFixture[str]) -> Report:
    """The exit code, and the checks by part."""

    def run() -> tuple[int, dict[str, Any]]:
        code = main(["doctor", "--json"])
        report = json.loads(capsys.readouterr().out)
        assert report["ok"] == (code == 0)
        return code, {check["part"]: check for check in report["checks"]}

    return run


@pytest.mark.usefixtures("healthy")
def test_where_nothing_is_wrong_it_ends_with_0_and_shows_how_fast(
    examine: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    code, checks = examine()
    assert code == 0
    assert {check["state"] for check in checks.values()} == {"ok", "off"}
    assert "answers in" in checks["worker"]["found"]
    assert main(["doctor"]) == 0
    assert "all is well" in capsys.readouterr().out


def test_a_missing_extension_of_lab_is_found(
    healthy: Path, examine: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "labextension_folder", lambda: None)
    code, checks = examine()
    assert code == 1
    assert checks["JupyterLab"]["state"] == "wrong"
    assert "pip install" in checks["JupyterLab"]["todo"]


def test_an_extension_of_lab_that_an_upgrade_left_behind_is_found(
    healthy: Path, examine: Report
) -> None:
    (healthy / "labextension" / "package.json").write_text('{"version": "0.0.9"}')
    code, checks = examine()
    assert code == 1
    assert "0.0.9" in checks["JupyterLab"]["found"]
    assert "pip install" in checks["JupyterLab"]["todo"]


@pytest.mark.parametrize(
    ("what", "part"), [("labextension_setting", "JupyterLab"), ("server_setting", "server")]
)
def test_a_disabled_part_is_found_with_its_file(
    healthy: Path, examine: Report, monkeypatch: pytest.MonkeyPatch, what: str, part: str
) -> None:
    file = healthy / "elsewhere.json"
    monkeypatch.setattr(installation, what, lambda: InstalledSetting(False, file))
    code, checks = examine()
    assert code == 1
    assert str(file) in checks[part]["found"]
    assert "jupyter nextedit enable" in checks[part]["todo"]


def test_a_list_of_the_user_s_that_replaces_ours_is_found(
    healthy: Path, examine: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = healthy / "ipython_config.py"
    on = InstalledSetting(True, healthy / "k.json")
    monkeypatch.setattr(installation, "kernel_setting", lambda: on)
    assert examine()[1]["kernels"]["state"] == "ok"
    monkeypatch.setattr(installation, "own_extension_lists", lambda: [own])
    code, checks = examine()
    assert code == 1
    assert str(own) in checks["kernels"]["todo"]


def test_a_bundle_that_is_missing_or_damaged_is_found(
    healthy: Path, examine: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise BundleError("model.onnx is not what its manifest says")

    monkeypatch.setattr(active, "active_bundle", refuse)
    code, checks = examine()
    assert code == 1
    assert "model.onnx is not what its manifest says" in checks["model"]["found"]
    assert "NEXTEDIT_BUNDLE" in checks["model"]["todo"]


@pytest.mark.usefixtures("healthy")
def test_a_bundle_that_stands_in_for_a_damaged_one_is_found(
    examine: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, _ = active.active_bundle()
    monkeypatch.setattr(active, "active_bundle", lambda: (bundle, "0.2.0 is damaged: install"))
    code, checks = examine()
    assert code == 1
    assert checks["model"]["todo"] == "0.2.0 is damaged: install"


@pytest.mark.usefixtures("healthy")
def test_a_worker_that_does_not_start_is_found_with_its_log(
    examine: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, STATUS, None)
    code, checks = examine()
    assert code == 1
    assert checks["worker"]["found"] == "the worker died while starting"
    assert "worker.log" in checks["worker"]["todo"]
    assert "jupyter nextedit purge --yes" in checks["worker"]["todo"]


@pytest.mark.usefixtures("healthy")
def test_a_worker_that_answers_with_errors_or_has_a_problem_is_found(
    examine: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, STATUS, {"id": 1, "error": {"code": "x", "message": "no lanes"}})
    assert "no lanes" in examine()[1]["worker"]["found"]
    answering(monkeypatch, {**STATUS, "problem": "the model is damaged"}, {"suggestions": []})
    code, checks = examine()
    assert code == 1
    assert "the model is damaged" in checks["worker"]["found"]


@pytest.mark.usefixtures("healthy")
def test_what_doctor_advises_is_never_doctor(
    examine: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = "the worker died 3 times with the model x/1.0.0, so it is off"
    for off in ([], ["x/1.0.0"], [""]):
        status = {**STATUS, "problem": problem, "off": off}
        answering(monkeypatch, status, {"suggestions": []})
        todo = examine()[1]["worker"]["todo"]
        assert "jupyter nextedit model retry" in todo
        assert "doctor" not in todo
        assert ("model use ID VERSION" in todo) == bool(off)


@pytest.mark.usefixtures("healthy")
def test_a_missing_package_is_found(examine: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        machine,
        "versions",
        lambda *names: {name: None if name == "tokenizers" else "1" for name in names},
    )
    code, checks = examine()
    assert code == 1
    assert checks["packages"]["todo"] == "pip install tokenizers"


@pytest.mark.usefixtures("healthy")
def test_a_check_that_fails_is_a_finding_and_the_others_are_made(
    examine: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> InstalledSetting:
        raise RuntimeError("surprise")

    monkeypatch.setattr(installation, "server_setting", fail)
    code, checks = examine()
    assert code == 1
    assert "surprise" in checks["server"]["found"]
    assert checks["worker"]["state"] == "ok"
