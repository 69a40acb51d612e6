"""Build a release, test it in an empty environment, and print its tag; `--tag` creates the tag.

    python .ci/release.py [--tag] [--out DIR]

Needs a built front end, a clean checkout, and `build` and `twine`. Nothing is uploaded.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SMOKE = ROOT / ".ci" / "smoke.py"


class Refused(Exception):
    """The release cannot be made; the message says what to do."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, prog="release")
    parser.add_argument("--tag", action="store_true", help="create the tag (default: a dry run)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="directory (dist)")
    options = parser.parse_args(arguments)
    try:
        release(options.out, tag=options.tag)
    except Refused as refusal:
        print(f"release: {refusal}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"release: {' '.join(map(str, error.cmd))} failed", file=sys.stderr)
        return 1
    return 0


def release(out: Path, *, tag: bool) -> None:
    """Every step in order; raises Refused, or CalledProcessError of a command that failed."""
    version = read_version(ROOT)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    notes = release_notes(changelog, version) if tag else notes_so_far(changelog, version)
    name = f"v{version}"
    check_tree(name, new=tag)
    check_front_end(ROOT, version)
    files = build_twice(out)
    check_contents(files, version)
    run(sys.executable, "-m", "twine", "check", "--strict", *files)
    wheel = next(file for file in files if file.suffix == ".whl")
    try_in_empty_environment(wheel, version)
    for file in files:
        print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}")
    if not tag:
        print(f"All is well. `make release RELEASE_FLAGS=--tag` would create the tag {name}.")
        return
    run("git", "-C", ROOT, "tag", "--annotate", name, "--message", f"{name}\n\n{notes}")
    print(f"Created the tag {name}. `git push origin {name}` publishes it.")


def read_version(root: Path) -> str:
    """The package's version, read as Hatch reads it."""
    text = (root / "nextedit_jupyter" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise Refused("nextedit_jupyter/__init__.py has no __version__")
    return found[1]


def release_notes(changelog: str, version: str) -> str:
    """The changelog's section for a version. Raises Refused if there is none, or nothing in it."""
    pattern = rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)"
    found = re.search(pattern, changelog, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        raise Refused(f"CHANGELOG.md has no section [{version}]: write what changed")
    unreleased = re.search(r"^## \[Unreleased\]\n(.*?)(?=^## \[)", changelog, re.M | re.DOTALL)
    if unreleased is not None and unreleased[1].strip():
        raise Refused(f"CHANGELOG.md has unreleased changes: move them to [{version}]")
    return found[1].strip()


def notes_so_far(changelog: str, version: str) -> str:
    """As `release_notes` for a dry run, which says what is missing before the tag."""
    try:
        return release_notes(changelog, version)
    except Refused as refusal:
        print(f"Before the tag: {refusal}")
        return ""


def check_tree(tag: str, *, new: bool) -> None:
    """Raises Refused for a checkout with changes, and for a tag that names another commit.

    `new` asks for a tag that does not exist at all.
    """
    if output("git", "-C", ROOT, "status", "--porcelain"):
        raise Refused("the checkout has uncommitted changes: commit or stash them")
    exists = output("git", "-C", ROOT, "tag", "--list", tag)
    if exists and (new or tag not in output("git", "-C", ROOT, "tag", "--points-at").split()):
        raise Refused(f"the tag {tag} exists: raise __version__")


def check_front_end(root: Path, version: str) -> None:
    """Raises Refused if the built front end is missing or has another version."""
    built = root / "nextedit_jupyter" / "labextension" / "package.json"
    if not built.is_file():
        raise Refused("the front end is not built: make labextension")
    found = json.loads(built.read_text(encoding="utf-8")).get("version")
    if found != version:
        raise Refused(f"the built front end is {found}, not {version}: make labextension")


def build_twice(out: Path) -> list[Path]:
    """Wheel and sdist in `out`. Raises Refused if building again gives other bytes."""
    epoch = output("git", "-C", ROOT, "log", "-1", "--format=%ct")
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder, "again")
        for place in (out, again):
            place.mkdir(parents=True, exist_ok=True)
            for old in (*place.glob("*.whl"), *place.glob("*.tar.gz")):
                old.unlink()
            run(
                sys.executable, "-m", "build", "--outdir", place, ROOT,
                SOURCE_DATE_EPOCH=epoch, SKIP_JUPYTER_BUILDER="1",
            )  # fmt: skip
        files = sorted(out.iterdir())
        for file in files:
            if file.read_bytes() != (again / file.name).read_bytes():
                raise Refused(f"{file.name} is not reproducible: two builds differ")
    return files


def check_contents(files: list[Path], version: str) -> None:
    """Raises Refused if the wheel lacks a file it should have, or either archive has a file it
    should not."""
    names = [file.name for file in files]
    stem = f"nextedit_jupyter-{version}"
    if sorted(names) != sorted([f"{stem}-py3-none-any.whl", f"{stem}.tar.gz"]):
        raise Refused(f"the build made {', '.join(names)}")
    wheel, sdist = sorted(files, key=lambda file: file.suffix == ".gz")
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.namelist()
    share = f"{stem}.data/data/share/jupyter/labextensions/nextedit-jupyter/package.json"
    for needed in (share, "nextedit_jupyter/_bundles/nextedit-python/model.onnx"):
        if needed not in inside:
            raise Refused(f"the wheel has no {needed}")
    with tarfile.open(sdist) as sources:
        inside += sources.getnames()
    strange = [name for name in inside if "node_modules" in name or name.endswith(".pyc")]
    if strange:
        raise Refused(f"{strange[0]} must not be in a release")


def try_in_empty_environment(wheel: Path, version: str) -> None:
    """Install the wheel in an environment of its own, and use it there."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder, "env")
        venv.create(where, with_pip=True)
        scripts = where / ("Scripts" if sys.platform == "win32" else "bin")
        python = scripts / "python"
        run(python, "-m", "pip", "install", "--quiet", wheel, PYTHONPATH="")
        run(python, "-I", SMOKE, version, PYTHONPATH="", cwd=folder)


def run(*command: str | Path, cwd: str | Path | None = None, **environ: str) -> None:
    """Run a command with more environment variables; raises CalledProcessError."""
    print("+", *command, flush=True)
    subprocess.run(
        [str(word) for word in command], check=True, cwd=cwd, env={**os.environ, **environ}
    )


def output(*command: str | Path) -> str:
    """What a command prints, stripped."""
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
