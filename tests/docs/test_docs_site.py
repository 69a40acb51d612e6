"""The documentation's site: every setting, object and page is in it, and links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import typing
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from nextedit_jupyter.core import status, wire
from nextedit_jupyter.kernel.session_settings import SessionSettings
from nextedit_jupyter.server.config import NextEdit

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def site() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_site", ROOT / ".ci" / "docs_site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_names_every_setting(site: ModuleType) -> None:
    page = site.settings_page()
    own = set(NextEdit.class_own_traits(config=True))
    for name in own | set(SessionSettings.names()):
        assert re.search(rf"`(c\.NextEdit\.)?{name}`", page), name


def test_the_reference_names_every_object_and_field_of_the_protocol(site: ModuleType) -> None:
    page = site.protocol_page()
    for name, made in (vars(wire) | vars(status)).items():
        if typing.is_typeddict(made):
            section = page.split(f"\n## {name.removesuffix('Wire')}\n")[1].split("\n## ")[0]
            assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == list(made.__annotations__)
    anchors = {heading.lower() for heading in re.findall(r"^## (\w+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#(\w+)\)", page)) <= anchors


def test_every_page_has_its_place(site: ModuleType) -> None:
    config = site.on_config(SimpleNamespace(docs_dir=str(ROOT / "docs"), nav=None))
    placed = {page for section in config.nav for pages in section.values() for page in pages}
    written = {p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")}
    assert written <= placed


def test_links_between_pages_lead_somewhere(site: ModuleType) -> None:
    made = {ROOT / "docs" / path for path, _ in site.generated()}
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for page in pages:
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in link and not link.startswith("mailto:"):
                target = (page.parent / link).resolve()
                assert target.exists() or target in made, f"{page.name}: {link}"
