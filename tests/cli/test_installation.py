"""What Jupyter and IPython are told: read from where they read it, written beside what is there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jupyter_core.paths
import pytest

from nextedit_jupyter.cli import installation, main
from nextedit_jupyter.core.errors import NextEditError


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and an environment of the test's own."""
    env = str(tmp_path / "env" / "etc" / "jupyter")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    monkeypatch.setattr(jupyter_core.paths, "ENV_CONFIG_PATH", [env])
    monkeypatch.setattr(jupyter_core.paths, "SYSTEM_CONFIG_PATH", [])
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "home" / ".jupyter"))
    monkeypatch.delenv("JUPYTER_CONFIG_PATH", raising=False)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "env" / "share" / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "home" / ".ipython"))
    (tmp_path / "home" / ".ipython").mkdir(parents=True)
    return tmp_path


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


def test_enabling_and_disabling_is_seen_and_spares_what_others_wrote(
    places: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = places / "env" / "etc" / "jupyter"
    write(
        config / "labconfig" / "page_config.json",
        {"disabledExtensions": {"other": True}, "lockedExtensions": {}},
    )
    write(
        config / "jupyter_server_config.json",
        {"ServerApp": {"jpserver_extensions": {"other": True}, "port": 9}},
    )
    assert main(["disable"]) == 0
    assert "a running Jupyter server drops it when it restarts" in capsys.readouterr().out
    assert not installation.labextension_setting().on
    assert not installation.server_setting().on
    assert main(["enable"]) == 0
    assert "a running Jupyter server loads it when it restarts" in capsys.readouterr().out
    assert installation.labextension_setting().on
    assert installation.server_setting().on
    page = json.loads((config / "labconfig" / "page_config.json").read_text())
    assert page["disabledExtensions"]["other"] is True
    assert page["lockedExtensions"] == {}
    server = json.loads((config / "jupyter_server_config.json").read_text())
    assert server["ServerApp"]["port"] == 9
    assert server["ServerApp"]["jpserver_extensions"] == {"other": True, "nextedit_jupyter": True}


def test_what_the_wheel_puts_into_place_counts_as_enabled(places: Path) -> None:
    assert not installation.server_setting().on
    write(
        places / "env" / "etc" / "jupyter" / "jupyter_server_config.d" / "nextedit_jupyter.json",
        {"ServerApp": {"jpserver_extensions": {"nextedit_jupyter": True}}},
    )
    assert installation.server_setting().on


def test_the_user_s_own_setting_wins_over_the_environment_s(places: Path) -> None:
    assert main(["enable"]) == 0
    assert main(["disable", "--user"]) == 0
    setting = installation.server_setting()
    assert not setting.on
    assert setting.file == places / "home" / ".jupyter" / "jupyter_server_config.json"


def test_a_setting_that_another_file_overrules_is_pointed_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    assert main(["enable"]) == 0
    capsys.readouterr()
    assert main(["disable", "--user"]) == 1
    assert "env/etc/jupyter/" in capsys.readouterr().err


def test_a_plugin_or_an_old_list_disables_as_well(places: Path) -> None:
    page = places / "home" / ".jupyter" / "labconfig" / "page_config.json"
    write(page, {"disabledExtensions": {"nextedit-jupyter:plugin": True}})
    assert not installation.labextension_setting().on
    write(page, {"disabledExtensions": ["nextedit-jupyter", "other"]})
    assert not installation.labextension_setting().on
    assert main(["enable", "--user"]) == 0
    assert installation.labextension_setting().on
    assert json.loads(page.read_text())["disabledExtensions"]["other"] is True


def test_kernels_load_the_extension_after_others_and_no_longer_once_disabled(places: Path) -> None:
    file = places / "env" / "etc" / "ipython" / "ipython_kernel_config.json"
    write(file, {"InteractiveShellApp": {"extensions": ["autoreload"]}, "Other": 1})
    assert main(["enable", "--kernel"]) == 0
    assert main(["enable", "--kernel"]) == 0
    assert installation.kernel_setting().on
    assert json.loads(file.read_text()) == {
        "InteractiveShellApp": {"extensions": ["autoreload", "nextedit_jupyter"]},
        "Other": 1,
    }
    assert main(["disable", "--kernel"]) == 0
    assert not installation.kernel_setting().on
    assert json.loads(file.read_text())["InteractiveShellApp"] == {"extensions": ["autoreload"]}


def test_a_list_in_the_user_s_own_configuration_is_pointed_out(
    places: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = places / "home" / ".ipython" / "profile_default" / "ipython_config.py"
    write(own, "# c.InteractiveShellApp.extensions = []\n")
    assert installation.own_extension_lists() == []
    write(own, "c.InteractiveShellApp.extensions = ['autoreload']\n")
    assert main(["enable", "--kernel"]) == 0
    assert str(own) in capsys.readouterr().out


def test_the_terminal_is_switched_on_and_off_in_the_user_s_profile(places: Path) -> None:
    assert not installation.terminal_setting().on
    assert main(["enable", "--terminal"]) == 0
    setting = installation.terminal_setting()
    assert setting.on
    assert setting.file == places / "home" / ".ipython" / "profile_default" / "ipython_config.py"
    assert installation.own_extension_lists() == []
    assert main(["disable", "--terminal"]) == 0
    assert not installation.terminal_setting().on


@pytest.mark.parametrize("content", ["{not json", "[]", b"\xff".decode("latin-1")])
def test_a_damaged_file_is_left_as_it_is_with_a_message(
    places: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = places / "env" / "etc" / "ipython" / "ipython_kernel_config.json"
    write(file, content)
    assert main(["enable", "--kernel"]) == 1
    assert file.read_text() == content
    said = capsys.readouterr().err
    assert str(file) in said
    assert "Traceback" not in said


def test_a_folder_that_cannot_be_made_is_a_message(places: Path) -> None:
    write(places / "env" / "etc", "a file where a folder is needed")
    with pytest.raises(NextEditError, match="--user"):
        installation.set_server(True, user=False)
    with pytest.raises(NextEditError, match="cannot be written"):
        installation.set_kernel(True)
    assert [path.name for path in (places / "env").iterdir()] == ["etc"]
