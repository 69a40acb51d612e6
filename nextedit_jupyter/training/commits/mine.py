"""Mining: repositories and pairs of releases in, files of real edits out, with a report.

`WORK/edits/<split>/<name>.jsonl` has the edits, `WORK/edits/report.json` what was included and what
was left out.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nextedit_jupyter.core import EditEvent
from nextedit_jupyter.core.cache import LruCache
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt.lines import changed_lines
from nextedit_jupyter.training.commits.file_pieces import Pieces, read_pieces
from nextedit_jupyter.training.commits.git import FileChange, Repository
from nextedit_jupyter.training.commits.real_edit import (
    EditSource,
    RealEdit,
    read_edits,
    write_edits,
)
from nextedit_jupyter.training.commits.steps import StepTarget, file_steps, targets
from nextedit_jupyter.training.corpus.document import Split
from nextedit_jupyter.training.corpus.extract import (
    MAX_NOTEBOOK_BYTES,
    MAX_SOURCE_BYTES,
    Skipped,
    is_unfit_path,
    walk_archive,
    walk_folder,
)
from nextedit_jupyter.training.corpus.licence import is_permissive, read_metadata
from nextedit_jupyter.training.parallel import run_jobs

SUFFIXES = (".py", ".ipynb")
MAX_FILES = 20  # code files in a commit; more are changed by a tool
MAX_LINES = 400  # lines that it changes in them
MAX_EDITS = 8  # per file and commit, so that none outweighs the others
MAX_RELEASE_LINES = 300  # lines that a release changes in one file
CHUNK = 400  # commits per job
_REMEMBERED = 2_000  # files whose last edits are kept as context for later commits


@dataclass(frozen=True, slots=True)
class Mined:
    """The result of a job: the edits are in `path`."""

    path: Path
    source: str
    licence: str
    revisions: int
    skipped: dict[str, int]


@dataclass(frozen=True, slots=True)
class CommitJob:
    """A range of a repository's commits, oldest first."""

    repository: Path
    name: str
    licence: str
    commits: tuple[str, ...]
    out: Path
    seed: int


def mine_commits(job: CommitJob) -> Mined:
    """Mine a range of commits into a file of edits."""
    skipped, found = Skipped(), list[RealEdit]()
    repository = Repository(job.repository)
    # The last edits of each file and of the previous commit, as context for later ones.
    held: LruCache[str, list[EditEvent]] = LruCache(_REMEMBERED)
    with repository.blobs() as blobs:
        for commit, changes in repository.changes(job.commits):
            code = [change for change in changes if change.path.endswith(SUFFIXES)]
            fit = [change for change in code if not is_unfit_path(change.path)]
            skipped["tests and vendored"] += len(code) - len(fit)
            if not fit:
                continue
            if len(code) > MAX_FILES:
                skipped["massive commit"] += 1
                continue
            versions = []
            for change in fit:
                read = _versions(change, blobs.read, skipped)
                if read is not None:
                    versions.append((change.path, *read))
            if sum(_lines(was, now) for _, was, now in versions) > MAX_LINES:
                skipped["massive commit"] += 1
                continue
            here: list[EditEvent] = []
            for path, was, now in versions:
                rng = random.Random(f"{job.seed} {commit} {path}")
                earlier = [*(held.get(path) or ()), *here]
                made, events = _file_edits(path, was, now, earlier, rng, skipped)
                source = EditSource(job.name, commit, path, job.licence, now.language)
                found += [RealEdit(t.request, t.after, t.change, source) for t in made]
                here += events
                held.put(path, events[-5:])
    return _written(job.out, job.name, job.licence, len(job.commits), found, skipped)


def repository_jobs(
    paths: Sequence[Path], parts: Path, *, limit: int, seed: int = 0, any_licence: bool = False
) -> list[CommitJob]:
    """The jobs for some repositories, with the newest `limit` commits each.

    Raises TrainingError for a path that is not a repository, and for a repository without a
    permissive licence file, unless `any_licence`.
    """
    jobs = []
    for path in paths:
        repository = Repository(path)
        licence = repository.licence()
        if not any_licence and not is_permissive(licence):
            raise TrainingError(
                f"the licence of {path} is {licence}, not a permissive one: leave it out, or give "
                "--any-licence if the code is your own and the model stays with you"
            )
        name = f"{repository.name}-{repository.root[:8]}"
        commits = repository.commits(limit)
        for number, start in enumerate(range(0, len(commits), CHUNK)):
            out = parts / f"{name}.{number:04}.jsonl"
            chunk = tuple(commits[start : start + CHUNK])
            jobs.append(CommitJob(path.resolve(), name, licence, chunk, out, seed))
    return jobs


@dataclass(frozen=True, slots=True)
class ReleaseJob:
    """Two releases of a package: archives or folders."""

    old: Path
    new: Path
    out: Path
    seed: int
    any_licence: bool = False


def mine_release(job: ReleaseJob) -> Mined:
    """Mine the differences of two releases; raises TrainingError for what cannot be read."""
    skipped, found = Skipped(), list[RealEdit]()
    facts = [_release_facts(path) for path in (job.old, job.new)]
    licence = facts[1][2] or facts[0][2] or "unknown"
    if not job.any_licence and not is_permissive(licence):
        raise TrainingError(
            f"the licence of {job.new} is {licence}, not a permissive one: leave it out, or give "
            "--any-licence if the code is your own and the model stays with you"
        )
    name = re.sub(r"[^\w.-]+", "-", facts[1][0] or job.new.name)
    revision = f"{facts[0][1] or job.old.name}..{facts[1][1] or job.new.name}"
    was = dict(_release_files(job.old, skipped))
    for path, data in _release_files(job.new, skipped):
        before = was.get(path)
        if before is None or before == data or is_unfit_path(path):
            continue
        read = _read_both(path, before, data, skipped)
        if read is None:
            continue
        if _lines(*read) > MAX_RELEASE_LINES:
            skipped["massive"] += 1
            continue
        rng = random.Random(f"{job.seed} {revision} {path}")
        made, _ = _file_edits(path, *read, [], rng, skipped)
        source = EditSource(name, revision, path, licence, read[1].language)
        found += [RealEdit(t.request, t.after, t.change, source) for t in made]
    return _written(job.out, name, licence, 1, found, skipped)


def mine(
    jobs: Sequence[CommitJob] | Sequence[ReleaseJob],
    work: Path,
    *,
    split: Split = "train",
    processes: int = 2,
    scheduler: str | None = None,
    progress: Callable[[Mined], None] = lambda mined: None,
) -> dict[str, object]:
    """Run the jobs, drop duplicate edits, and write one file per source.

    Returns the report, which is merged with that of earlier runs. The edits of a source that was
    mined before are replaced.
    """
    folder = work / "edits" / split
    folder.mkdir(parents=True, exist_ok=True)
    done: dict[str, list[Mined]] = {}
    run = mine_release if jobs and isinstance(jobs[0], ReleaseJob) else mine_commits
    for mined in run_jobs(run, jobs, processes=processes, scheduler=scheduler):  # type: ignore[arg-type]
        done.setdefault(mined.source, []).append(mined)
        progress(mined)
    report = _read_report(work / "edits" / "report.json")
    replaced = {folder / f"{name}.jsonl" for name in done}
    seen = _seen(path for path in (work / "edits").rglob("*.jsonl") if path not in replaced)
    for name, parts in sorted(done.items()):
        parts.sort(key=lambda part: part.path.name)
        skipped, kinds, languages = Skipped(), Counter[str](), Counter[str]()
        for part in parts:
            skipped.update(part.skipped)
        edits = list(_fresh((e for part in parts for e in read_edits(part.path)), seen, skipped))
        kinds.update(edit.change for edit in edits)
        languages.update(edit.source.language for edit in edits)
        write_edits(folder / f"{name}.jsonl", edits)
        for part in parts:
            part.path.unlink()
        report[name] = {
            "split": split,
            "licence": parts[0].licence,
            "revisions": sum(part.revisions for part in parts),
            "edits": len(edits),
            "kinds": dict(kinds.most_common()),
            "languages": dict(languages.most_common()),
            "skipped": dict(skipped.most_common()),
        }
    text = json.dumps(report, indent=1, sort_keys=True)
    (work / "edits" / "report.json").write_text(text + "\n", encoding="utf-8")
    return {name: report[name] for name in done}


def format_report(report: dict[str, object]) -> str:
    """The report as lines for people."""
    lines = []
    for name, entry in sorted(report.items()):
        assert isinstance(entry, dict)
        kinds = ", ".join(f"{count} {kind}" for kind, count in entry["kinds"].items())
        lines.append(
            f"{name} ({entry['licence']}): {entry['edits']} edits of {entry['revisions']} "
            f"revisions{f': {kinds}' if kinds else ''}"
        )
        if entry["skipped"]:
            why = ", ".join(f"{count} {reason}" for reason, count in entry["skipped"].items())
            lines.append(f"  left out: {why}")
    return "\n".join(lines)


def _versions(
    change: FileChange, read: Callable[..., bytes | None], skipped: Skipped
) -> tuple[Pieces, Pieces] | None:
    limit = MAX_NOTEBOOK_BYTES if change.path.endswith(".ipynb") else MAX_SOURCE_BYTES
    data = [read(id, limit=limit) for id in (change.before, change.after)]
    if data[0] is None or data[1] is None:
        skipped["too large or missing"] += 1
        return None
    return _read_both(change.path, data[0], data[1], skipped)


def _read_both(
    path: str, before: bytes, after: bytes, skipped: Skipped
) -> tuple[Pieces, Pieces] | None:
    was, now = read_pieces(path, before), read_pieces(path, after)
    for read in (was, now):
        if isinstance(read, str):
            skipped[read] += 1
            return None
    assert isinstance(was, Pieces)
    assert isinstance(now, Pieces)
    return was, now


def _lines(was: Pieces, now: Pieces) -> int:
    """Roughly how many lines differ: those that are in only one version."""
    counts = [Counter(line for p in v.pieces for line in p.text.split("\n")) for v in (was, now)]
    return sum((counts[0] - counts[1]).values()) + sum((counts[1] - counts[0]).values())


def _file_edits(
    path: str,
    was: Pieces,
    now: Pieces,
    earlier: Sequence[EditEvent],
    rng: random.Random,
    skipped: Skipped,
) -> tuple[list[StepTarget], list[EditEvent]]:
    """The targets of one changed file, and all its steps as events for later targets."""
    prefix = hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()[:6] + "-"
    ids, texts, steps = file_steps(was.pieces, now.pieces, prefix)
    made = list(targets(ids, texts, steps, earlier, now.language, rng, skipped))
    if len(made) > MAX_EDITS:
        made = [made[i] for i in sorted(rng.sample(range(len(made)), MAX_EDITS))]
    return made, [step.event for step in steps]


def _release_files(path: Path, skipped: Skipped) -> Iterator[tuple[str, bytes]]:
    try:
        files = walk_folder(path, skipped) if path.is_dir() else walk_archive(path)
        for name, data in files:
            if name.endswith(SUFFIXES):
                yield name, data
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        raise TrainingError(
            f"the release {path} cannot be read ({type(error).__name__}): give a .tar.gz, .zip or "
            ".whl archive, or a folder"
        ) from None


def _release_facts(path: Path) -> tuple[str, str, str]:
    """Name, version and licence from a release's own metadata; empty if missing."""
    name = re.compile(r"(?:[^/]+/)?PKG-INFO|[^/]+\.dist-info/METADATA")
    try:
        if path.is_dir():
            found = [*path.glob("PKG-INFO"), *path.glob("*.dist-info/METADATA")]
            data = found[0].read_bytes() if found else b""
        elif path.name.endswith((".zip", ".whl")):
            with zipfile.ZipFile(path) as archive:
                names = [item for item in archive.namelist() if name.fullmatch(item)]
                data = archive.read(names[0]) if names else b""
        else:
            data = b""
            with tarfile.open(path) as bundle:
                for member in bundle:
                    if member.isfile() and name.fullmatch(member.name):
                        file = bundle.extractfile(member)
                        data = file.read() if file else b""
                        break
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        raise TrainingError(
            f"the release {path} cannot be read ({type(error).__name__}): give a .tar.gz, .zip or "
            ".whl archive, or a folder"
        ) from None
    facts = read_metadata(data.decode("utf-8", "replace"))
    return facts.name, facts.version, facts.licence


def _written(
    out: Path, name: str, licence: str, revisions: int, edits: list[RealEdit], skipped: Skipped
) -> Mined:
    out.parent.mkdir(parents=True, exist_ok=True)
    write_edits(out, edits)
    return Mined(out, name, licence, revisions, dict(+skipped))


def _fresh(edits: Iterable[RealEdit], seen: set[bytes], skipped: Skipped) -> Iterator[RealEdit]:
    for edit in edits:
        key = _key(edit)
        if key in seen:
            skipped["duplicate"] += 1
        else:
            seen.add(key)
            yield edit


def _seen(paths: Iterable[Path]) -> set[bytes]:
    """The edits of sources that were mined before, because forks and cherry-picks repeat edits."""
    return {_key(edit) for path in paths for edit in read_edits(path)}


def _key(edit: RealEdit) -> bytes:
    old, new = changed_lines(edit.request.cell.source, edit.after)
    text = "\0".join((edit.request.cell.source, old, new))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _read_report(path: Path) -> dict[str, object]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
