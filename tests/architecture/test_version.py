"""One version: in the package, its wheel, the front end, the socket's name and the bundles."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from tiny_bundle import make_bundle

import nextedit_jupyter
from nextedit_jupyter import __version__
from nextedit_jupyter.bundles import bundle as bundles
from nextedit_jupyter.bundles.bundle import Bundle, packaged_bundle_path
from nextedit_jupyter.bundles.manifest import Identity
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.worker.runtime import RuntimeFolder

ROOT = Path(nextedit_jupyter.__file__).resolve().parent.parent


def test_hatch_reads_the_version_from_the_package_and_nothing_else_writes_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert "version" not in project["project"]
    source = ROOT / project["tool"]["hatch"]["version"]["path"]
    assert f'__version__ = "{__version__}"\n' in source.read_text(encoding="utf-8")


def test_the_front_end_has_the_package_s_version() -> None:
    package = json.loads((ROOT / "labextension" / "package.json").read_text(encoding="utf-8"))
    assert package["version"] == __version__


def test_the_changelog_has_a_section_for_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert __version__ in sections


def test_workers_of_two_versions_have_nothing_in_common_but_the_key_and_the_log(
    tmp_path: Path,
) -> None:
    old, new = RuntimeFolder(tmp_path, "0.2.0"), RuntimeFolder(tmp_path)
    assert new.version == __version__
    for name in ("address", "worker_lock", "start_lock", "deaths"):
        assert getattr(old, name) != getattr(new, name)
    assert __version__ in new.address


def test_a_bundle_asks_for_the_version_that_writes_it() -> None:
    assert Identity("any", "1.0.0", "cells-spm-v1").min_app_version == __version__


def test_the_shipped_bundle_runs_with_this_version_and_not_with_one_without_its_format(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shipped = Bundle.open(packaged_bundle_path())
    needed = shipped.manifest["min_app_version"]
    monkeypatch.setattr(bundles, "__version__", "0.1.0")
    with pytest.raises(BundleError, match=rf"needs nextedit-jupyter {re.escape(needed)}: update"):
        Bundle.open(packaged_bundle_path())


@pytest.mark.parametrize("needed", ["0.3.1", "0.4.0", "1.0.0", "0.10.0"])
def test_a_bundle_for_a_newer_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needed: str
) -> None:
    folder = make_bundle(tmp_path / "bundle")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, "min_app_version": needed}))
    monkeypatch.setattr(bundles, "__version__", "0.3.0")
    with pytest.raises(BundleError, match="update it"):
        Bundle.open(folder)
    monkeypatch.setattr(bundles, "__version__", needed)
    assert Bundle.open(folder).label
