"""What a release refuses: no notes, notes that wait, a front end of another version."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from nextedit_jupyter import __version__

ROOT = Path(__file__).resolve().parent.parent.parent
CHANGELOG = (
    "# Changelog\n\n## [Unreleased]\n\n## [0.3.0] - 2026-11-28\n\n- One.\n\n## [0.1.0]\n\n- Two.\n"
)


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_version_is_read_without_importing_the_package(release: ModuleType) -> None:
    assert release.read_version(ROOT) == __version__


def test_notes_are_the_version_s_section(release: ModuleType) -> None:
    assert release.release_notes(CHANGELOG, "0.3.0") == "- One."
    assert release.release_notes(CHANGELOG, "0.1.0") == "- Two."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CHANGELOG.replace("0.3.0", "0.4.0"), "no section"),
        (CHANGELOG.replace("- One.\n", ""), "no section"),
        (CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- More.\n"), "unreleased changes"),
    ],
)
def test_missing_or_waiting_notes_are_refused(release: ModuleType, text: str, message: str) -> None:
    with pytest.raises(release.Refused, match=message):
        release.release_notes(text, "0.3.0")


def test_a_dry_run_says_what_the_notes_lack_and_continues(
    release: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- More.\n")
    assert release.notes_so_far(waiting, "0.3.0") == ""
    assert "Before the tag: CHANGELOG.md has unreleased changes" in capsys.readouterr().out
    assert release.notes_so_far(CHANGELOG, "0.3.0") == "- One."


def test_a_front_end_that_is_missing_or_old_is_refused(release: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(release.Refused, match="not built"):
        release.check_front_end(tmp_path, "0.3.0")
    built = tmp_path / "nextedit_jupyter" / "labextension" / "package.json"
    built.parent.mkdir(parents=True)
    built.write_text(json.dumps({"version": "0.2.0"}))
    with pytest.raises(release.Refused, match=r"0\.2\.0, not 0\.3\.0"):
        release.check_front_end(tmp_path, "0.3.0")
    built.write_text(json.dumps({"version": "0.3.0"}))
    release.check_front_end(tmp_path, "0.3.0")
