from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.corpus.assemble import build
from nextedit_jupyter.training.corpus.document import Document, read_documents
from nextedit_jupyter.training.corpus.extract import Skipped
from nextedit_jupyter.training.corpus.fetch import fetch, find_archive
from nextedit_jupyter.training.corpus.licence import is_permissive, read_metadata
from nextedit_jupyter.training.corpus.quality import NearDuplicates, clean
from nextedit_jupyter.training.corpus.recipe import PackageSource, Recipe, read_recipe

RECIPE = Path(__file__).parents[2] / "models" / "recipes" / "nextedit-python.toml"


@pytest.mark.parametrize(
    ("licence", "permissive"),
    [
        ("MIT", True),
        ("BSD-3-Clause", True),
        ("Apache-2.0 OR GPL-3.0", True),
        ("MPL-2.0 AND MIT", False),
        ("GNU General Public License v3 (GPLv3)", False),
        ("LGPL-2.1-only", False),
        ("Other/Proprietary License", False),
        ("", False),
        ("UNKNOWN", False),
    ],
)
def test_only_permissive_licences_pass(licence: str, permissive: bool) -> None:
    assert is_permissive(licence) is permissive


def test_a_packages_own_metadata_says_its_licence() -> None:
    facts = read_metadata(
        "Metadata-Version: 2.1\nName: a\nVersion: 1.0\n"
        "Classifier: License :: OSI Approved :: BSD License\n\ntext"
    )
    assert (facts.name, facts.version, facts.licence) == ("a", "1.0", "BSD License")


def test_a_recipe_with_a_licence_that_is_not_permissive_is_refused() -> None:
    with pytest.raises(TrainingError, match="not permissive"):
        Recipe("r", (PackageSource("a", "1", "GPL-3.0", ""),))


def test_a_recipe_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    for text, why in (
        ("name = ", "cannot be read"),
        ("x = 1", "lacks or misspells"),
        ('name = "r"\n[[package]]\nnam = "a"', "lacks or misspells"),
        (
            'name="r"\n[[package]]\nname="a"\nversion="1"\nlicence="MIT"\nwhy=""\nsplit="x"',
            "split must be",
        ),
    ):
        path.write_text(text)
        with pytest.raises(TrainingError, match=why):
            read_recipe(path)


def test_the_shipped_recipe_holds_out_whole_packages() -> None:
    recipe = read_recipe(RECIPE)
    splits = [source.split for source in recipe.sources]
    assert splits.count("validation") >= 2
    assert splits.count("test") >= 3


def test_cells_with_secrets_data_or_long_lines_are_dropped() -> None:
    skipped = Skipped()
    secret = 'api_key = "sk-proj-Xy7Qp2Lm9Rt4Vb8Nz1Kc6Wd3"'
    document = Document(
        "p",
        "a",
        "notebook",
        ("import numpy as np\nimport pandas as pd", secret, "x = [" + "12345, " * 50 + "]",
         "y = '" + "a" * 500 + "'", "df = pd.DataFrame({'a': [x]})\ndf.plot(figsize=(4, 4))"),
    )  # fmt: skip
    kept = clean(document, skipped)
    assert kept is not None
    assert len(kept.cells) == 2
    assert skipped == {"secret": 1, "data": 1, "long line": 1}


def test_a_near_duplicate_is_found_and_another_text_is_not() -> None:
    near = NearDuplicates()
    text = "\n".join(f"value_{i} = compute(value_{i - 1}, step={i})" for i in range(60))
    assert not near.add(text)
    assert near.add(text.replace("value_7 ", "other "))
    assert not near.add("\n".join(f"print(row[{i}], end={i}) if row else {i}" for i in range(60)))


def make_archive(folder: Path, name: str, source: str) -> None:
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo(f"{name}-1.0/{name}/core.py")
        info.size = len(source.encode())
        archive.addfile(info, io.BytesIO(source.encode()))


def test_held_out_packages_win_their_duplicates(tmp_path: Path) -> None:
    body = "\n\n\n".join(
        f"def f{i}(a, b):\n    total = a * {i} + b\n    return total" for i in range(9)
    )
    make_archive(tmp_path / "archives", "one", body)
    make_archive(tmp_path / "archives", "two", body)
    recipe = Recipe(
        "r",
        (PackageSource("one", "1.0", "MIT", ""), PackageSource("two", "1.0", "MIT", "", "test")),
    )
    report = build(recipe, tmp_path / "archives", tmp_path / "corpus", processes=1)
    assert report["near_duplicates"] == 1
    assert len(list(read_documents(tmp_path / "corpus" / "test.jsonl"))) == 1
    assert list(read_documents(tmp_path / "corpus" / "train.jsonl")) == []


def test_a_missing_archive_says_what_to_do(tmp_path: Path) -> None:
    recipe = Recipe("r", (PackageSource("one", "1.0", "MIT", ""),))
    with pytest.raises(TrainingError, match="run `train data` without"):
        build(recipe, tmp_path, tmp_path / "corpus")


def test_an_interrupted_download_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = PackageSource("one", "1.0", "MIT", "")

    def fail(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "ERROR: connection broken")

    monkeypatch.setattr(subprocess, "run", fail)
    assert list(fetch([source], tmp_path)) == [(source, None, "ERROR: connection broken")]
    assert list(tmp_path.iterdir()) == []


def test_what_was_fetched_is_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    make_archive(tmp_path, "scikit_learn", "x = 1")
    source = PackageSource("scikit-learn", "1.0", "MIT", "")
    assert find_archive(tmp_path, source) == tmp_path / "scikit_learn-1.0.tar.gz"
    assert [archive for _, archive, _ in fetch([source], tmp_path)] == [
        tmp_path / "scikit_learn-1.0.tar.gz"
    ]
