"""`model list`, `info` and `verify`: what is installed, which model answers, whether its files are
intact."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextedit_jupyter.core.errors import BundleError

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.bundle import Bundle


def run_info(arguments: argparse.Namespace) -> int:
    bundle = _open(arguments.bundle)
    if arguments.json:
        print(json.dumps(describe(bundle)))
        return 0
    if arguments.card:
        print((bundle.path / "CARD.md").read_text(encoding="utf-8"))
        return 0
    for key, value in describe(bundle).items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {number}" for name, number in value.items()) or "none"
        print(f"{key:<14} {value}")
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.bundles.active import user_store

    bundle = _open(arguments.bundle)  # opening compares every file with the manifest
    checked = [bundle]
    problems = []
    for installed in user_store().installed() if arguments.bundle is None else []:
        if installed.path == bundle.path:
            continue
        try:
            checked.append(user_store().open(installed.id, installed.version))
        except BundleError as error:
            problems.append(f"{installed.label}: {error}")
    if arguments.json:
        found = {"ok": not problems, "bundle": bundle.label, "path": str(bundle.path)}
        others = {"checked": [each.label for each in checked], "problems": problems}
        print(json.dumps({**found, **others}))
    else:
        for each in checked:
            print(f"{each.label} in {each.path}: every file is what its manifest says")
        for problem in problems:
            print(f"jupyter nextedit: {problem}", file=sys.stderr)
    return 1 if problems else 0


def run_list(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.bundles.active import active_bundle, user_store
    from nextedit_jupyter.bundles.bundle import Bundle, packaged_bundle_path

    used: Path | None = None
    folders = [installed.path for installed in user_store().installed()]
    with contextlib.suppress(BundleError):
        folders.append(packaged_bundle_path())
    try:
        bundle, problem = active_bundle()
        used = bundle.path
        folders.insert(0, used)
    except BundleError as error:
        problem = str(error)
    found: list[dict[str, Any]] = []
    for folder in dict.fromkeys(folders):
        try:
            found.append({**describe(Bundle.open(folder)), "used": folder == used})
        except BundleError as error:
            found.append({"path": str(folder), "used": False, "problem": str(error)})
    if arguments.json:
        print(json.dumps(found))
    for entry in [] if arguments.json else found:
        mark = "*" if entry["used"] else " "
        if "problem" in entry:
            print(f"{mark} {entry['path']}: {entry['problem']}")
        else:
            print(f"{mark} {entry['bundle']}  {entry['language']}  {entry['size_mb']} MB")
            print(f"    {entry['path']}")
    if used is None:
        raise BundleError(problem or "no model bundle is installed")
    if problem is not None:
        print(f"note: {problem}", file=sys.stderr)
    return 0


def describe(bundle: Bundle) -> dict[str, Any]:
    """A bundle's manifest data as JSON values."""
    found = {
        "bundle": bundle.label,
        "path": str(bundle.path),
        "language": bundle.language,
        "prompt_format": bundle.prompt_format,
        "licence": str(bundle.manifest.get("licence", "unknown")),
        "context": bundle.context,
        "layers": bundle.layers,
        "vocabulary": bundle.vocab_size,
        "size_mb": round(
            sum(file.stat().st_size for file in bundle.path.iterdir() if file.is_file()) / 1e6, 1
        ),
        "thresholds": dict(bundle.thresholds),
    }
    base = bundle.manifest.get("base")
    if isinstance(base, dict):
        found["base"] = (
            f"{base.get('name')} ({base.get('licence')}), from {base.get('package')} "
            f"{base.get('version')}, sha256 {base.get('member_sha256')}"
        )
    return found


def _open(path: Path | None) -> Bundle:
    """The bundle in a folder, or the one in use, verified. Raises BundleError."""
    from nextedit_jupyter.bundles.active import active_bundle
    from nextedit_jupyter.bundles.bundle import Bundle

    if path is not None:
        return Bundle.open(path)
    bundle, problem = active_bundle()
    if problem is not None:
        print(f"note: {problem}", file=sys.stderr)
    return bundle
