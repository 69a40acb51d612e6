"""From a recipe and fetched archives to documents and a report."""

from __future__ import annotations

import json
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.corpus.document import (
    Document,
    Split,
    read_documents,
    write_documents,
)
from nextedit_jupyter.training.corpus.extract import (
    Skipped,
    extract_file,
    walk_archive,
    walk_folder,
)
from nextedit_jupyter.training.corpus.fetch import find_archive
from nextedit_jupyter.training.corpus.quality import (
    PERMUTATIONS,
    NearDuplicates,
    clean,
    document_signature,
    without_duplicates,
)
from nextedit_jupyter.training.corpus.recipe import PackageSource, Recipe
from nextedit_jupyter.training.parallel import run_jobs

SPLITS: tuple[Split, ...] = ("test", "validation", "train")  # so that held-out ones keep duplicates


@dataclass(frozen=True, slots=True)
class Extracted:
    """A package's documents, written to a file, and counts of what was left out."""

    source: PackageSource
    path: Path
    skipped: dict[str, int]


def extract_package(source: PackageSource, archive: Path, folder: Path) -> Extracted:
    """Extract one archive or folder to `folder/<package>.jsonl`.

    From a truncated archive the readable part is kept, and it counts as skipped.
    """
    skipped = Skipped()
    documents: list[Document] = []
    try:
        files = walk_folder(archive, skipped) if archive.is_dir() else walk_archive(archive)
        for name, data in files:
            for document in extract_file(source.key, name, data, skipped):
                kept = clean(document, skipped)
                if kept is not None:
                    documents.append(kept)
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error):
        skipped["broken archive"] += 1
    path = folder / f"{source.key}.jsonl"
    write_documents(path, documents)
    signatures = [document_signature(document) for document in documents]
    np.save(path.with_suffix(".npy"), np.array(signatures, np.int64).reshape(-1, PERMUTATIONS))
    return Extracted(source, path, dict(skipped))


def build(
    recipe: Recipe,
    archives: Path,
    out: Path,
    *,
    processes: int = 2,
    scheduler: str | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, object]:
    """Write `train.jsonl`, `validation.jsonl`, `test.jsonl` and `report.json` to `out`.

    Returns the report. Packages are extracted in `processes`, or on the Dask cluster of
    `scheduler`. Raises TrainingError if an archive is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    raw = out / "raw"
    raw.mkdir(exist_ok=True)
    jobs = _jobs(recipe, archives, raw)
    extracted = []
    for one in run_jobs(_extract_star, jobs, processes=processes, scheduler=scheduler):
        progress(f"extracted {one.source.name}")
        extracted.append(one)
    extracted.sort(key=lambda one: one.source.key)
    near, skipped, report = NearDuplicates(), Skipped(), []
    for split in SPLITS:
        kept: list[Document] = []
        for one in extracted:
            if one.source.split != split:
                continue
            signatures = np.load(one.path.with_suffix(".npy"))
            documents = list(
                without_duplicates(read_documents(one.path), near, skipped, signatures)
            )
            kept += documents
            report.append(_entry(one.source, documents, one.skipped))
            progress(f"cleaned {one.source.name}")
        write_documents(out / f"{split}.jsonl", kept)
    whole: dict[str, object] = {
        "recipe": recipe.name,
        "packages": report,
        "near_duplicates": skipped["near-duplicate"],
    }
    (out / "report.json").write_text(json.dumps(whole, indent=1), encoding="utf-8")
    return whole


def _extract_star(job: tuple[PackageSource, Path, Path]) -> Extracted:
    return extract_package(*job)


def _jobs(recipe: Recipe, archives: Path, raw: Path) -> list[tuple[PackageSource, Path, Path]]:
    """Packages, their archives, and the output paths of their documents; absolute, because a
    cluster's workers run in other folders."""
    jobs = []
    for source in recipe.sources:
        archive = find_archive(archives, source)
        if archive is None:
            raise TrainingError(
                f"{source.name}=={source.version} is not in {archives}: run `train data` without "
                "--offline, or take it out of the recipe"
            )
        jobs.append((source, archive.resolve(), raw.resolve()))
    return jobs


def _entry(source: PackageSource, documents: list[Document], skipped: object) -> dict[str, object]:
    """A package's row of the report."""
    chars: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for document in documents:
        chars[document.kind] += document.chars
        count[document.kind] += 1
    return {
        "package": source.name,
        "version": source.version,
        "licence": source.licence,
        "split": source.split,
        "documents": dict(count),
        "chars": dict(chars),
        "skipped": skipped,
    }
