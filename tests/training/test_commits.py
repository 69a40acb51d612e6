"""Real edits: from commits and releases to rendered examples."""

from __future__ import annotations

import json
import os
import random
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from nextedit_jupyter.cli import main as jupyter_main
from nextedit_jupyter.core import EditEvent
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.cells_spm_v1 import CellsSpmV1
from nextedit_jupyter.training.bpe import train_tokenizer
from nextedit_jupyter.training.cli import main
from nextedit_jupyter.training.commits import mine as mining
from nextedit_jupyter.training.commits.classify import changes_code, classify
from nextedit_jupyter.training.commits.file_pieces import (
    FilePiece,
    Pieces,
    align,
    module_pieces,
    notebook_pieces,
    read_pieces,
)
from nextedit_jupyter.training.commits.git import Repository
from nextedit_jupyter.training.commits.real_edit import RealEdit, read_edits
from nextedit_jupyter.training.commits.steps import (
    MAX_EVENT_CHARS,
    MAX_EVENTS,
    file_steps,
    recent,
    targets,
)
from nextedit_jupyter.training.corpus.extract import Skipped
from nextedit_jupyter.training.corpus.licence import is_permissive, licence_of_text
from nextedit_jupyter.training.examples import real_edit
from nextedit_jupyter.training.mixture import Part, Stage, read_stages, render_stage
from nextedit_jupyter.training.packing import NO_LOSS

MIT = (
    "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\n"
)
FIRST = """\
import math

RATE = 3


def area(width, height):
    return width * height


def report(items):
    total = 0
    for item in items:
        total += area(item.w, item.h)
    print(total)
    return total


def volume(box):
    base = area(box.w, box.h)
    return base * box.d
"""
SECOND = (
    FIRST.replace("def area(width, height)", "def area(width, height, scale)")
    .replace("return width * height", "return width * height * scale")
    .replace("area(item.w, item.h)", "area(item.w, item.h, RATE)")
    .replace("area(box.w, box.h)", "area(box.w, box.h, RATE)")
)


def git(folder: Path, *arguments: str) -> None:
    quiet = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *quiet, *arguments], check=True, capture_output=True)


def commit(folder: Path, files: Mapping[str, str | bytes], message: str = "change") -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    git(folder, "init", "-q")
    commit(folder, {"LICENSE": MIT, "shapes.py": FIRST})
    commit(folder, {"shapes.py": SECOND})
    return folder


def notebook(*cells: str) -> str:
    made = [
        {"id": f"n{i}", "cell_type": "code", "source": cell, "outputs": []}
        for i, cell in enumerate(cells)
    ]
    return json.dumps({"metadata": {"kernelspec": {"language": "python"}}, "cells": made})


def mined(folder: Path, work: Path, *more: str) -> list[RealEdit]:
    line = ["train", "from-git", str(folder), "--work", str(work), "--processes", "1", *more]
    assert main(line) == 0
    return list(read_edits(work / "edits" / "train"))


def test_a_commits_hunks_become_history_and_target(repository: Path, tmp_path: Path) -> None:
    edits = [edit for edit in mined(repository, tmp_path / "work") if edit.change != "none"]
    assert [edit.change for edit in edits] == ["call", "call"]
    edit = edits[0]
    # The signature was changed before, in another cell: that is what announces the call.
    assert "scale" in edit.request.history[-1].after
    assert "scale" not in edit.request.history[-1].before
    assert "area(item.w, item.h)" in edit.request.cell.source
    assert "area(item.w, item.h, RATE)" in edit.after
    others = [cell.source for cell in edit.request.notebook.cells]
    assert any("def area(width, height, scale)" in source for source in others)
    assert any("area(box.w, box.h)" in source for source in others)  # not done so far
    assert (edit.source.licence, edit.source.language) == ("MIT", "python")
    assert edit.source.path == "shapes.py"
    assert len(edit.source.revision) == 40
    assert edit.source.name.startswith("mine-")


def test_notebooks_are_mined_by_their_cells(repository: Path, tmp_path: Path) -> None:
    cells = ("import pandas as pd\ndf = pd.read_csv('a.csv')", "df.plot(lw=2)", "df.mean()")
    commit(repository, {"a.ipynb": notebook(*cells)})
    renamed = [cell.replace("df", "frame") for cell in cells]
    commit(repository, {"a.ipynb": notebook(*renamed)})
    edits = [e for e in mined(repository, tmp_path / "work") if e.source.path == "a.ipynb"]
    assert [(e.change, e.request.cell.source) for e in edits if e.change != "none"] == [
        ("rename", "df.plot(lw=2)"),
        ("rename", "df.mean()"),
    ]
    assert edits[1].request.notebook.cells[1].source == "frame.plot(lw=2)"


def test_the_report_says_what_went_in_and_what_was_left_out(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = 'api_key = "sk-proj-Xy7Qp2Lm9Rt4Vb8Nz1Kc6Wd3"\n'
    commit(repository, {"s.py": f"def f():\n    return 1\n\n\ndef g():\n    {secret}    x = 1\n"})
    commit(repository, {"s.py": f"def f():\n    return 2\n\n\ndef g():\n    {secret}    x = 2\n"})
    commit(repository, {"shapes.py": SECOND.replace("import math", "import math  # why")})
    commit(repository, {"latin.py": b"x = '\xff'\n", "old.py": "print 'x'\n"})
    commit(repository, {"latin.py": b"x = '\xfe'\n", "old.py": "print 'y'\n"})
    commit(repository, {"tests/test_a.py": "x = 1\n", "b.ipynb": "{"})
    commit(repository, {"tests/test_a.py": "x = 2\n", "b.ipynb": "{}"})
    many = {f"m{i}.py": "x = 1\n" for i in range(mining.MAX_FILES + 1)}
    commit(repository, many)
    commit(repository, dict.fromkeys(many, "x = 2\n"))
    edits = mined(repository, tmp_path / "work")
    (entry,) = json.loads((tmp_path / "work" / "edits" / "report.json").read_text()).values()
    assert entry["edits"] == len(edits)
    assert entry["licence"] == "MIT"
    for why in (
        "secret", "no code", "not utf-8", "no python 3", "tests and vendored", "corrupt notebook",
        "massive commit",
    ):  # fmt: skip
        assert entry["skipped"][why] == 1, why
    assert not any("sk-proj" in edit.to_json() for edit in edits)
    assert "left out" in capsys.readouterr().out


def test_a_repository_cannot_make_anything_run(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
    script.chmod(0o755)
    commit(repository, {".gitattributes": "*.py diff=evil filter=evil\n", "shapes.py": "x = 1\n"})
    for key in (
        "diff.evil.textconv", "diff.external", "filter.evil.smudge", "filter.evil.clean",
        "core.fsmonitor", "core.sshCommand", "core.pager", "core.alternateRefsCommand",
        "diff.evil.command", "remote.origin.uploadpack", "alias.rev-list", "core.editor",
    ):  # fmt: skip
        git(repository, "config", key, str(script))
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        path = repository / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(script.read_text())
        path.chmod(0o755)
    # A partial clone would fetch the objects that it lacks, by a program of its own choice.
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(tmp_path / "elsewhere"))
    git(repository, "config", "remote.origin.url", str(tmp_path / "elsewhere"))
    git(repository, "config", "remote.origin.promisor", "true")
    git(repository, "config", "extensions.partialClone", "origin")
    missing = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "HEAD:shapes.py"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    (repository / ".git" / "objects" / missing[:2] / missing[2:]).unlink()
    ran.unlink(missing_ok=True)
    subprocess.run(["git", "-C", str(repository), "show", "HEAD"], capture_output=True, check=False)
    assert ran.exists()  # whoever is not careful runs it
    ran.unlink()
    before = sorted(path for path in repository.rglob("*") if path.is_file())
    edits = mined(repository, tmp_path / "work")
    assert edits
    assert not ran.exists()
    assert sorted(path for path in repository.rglob("*") if path.is_file()) == before


@pytest.mark.parametrize("what", ["missing", "no checkout", "empty", "a file"])
def test_what_is_no_checkout_is_refused_with_what_to_do(
    tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "r"
    if what == "a file":
        folder.write_text("")
    elif what != "missing":
        folder.mkdir()
    if what == "empty":
        git(folder, "init", "-q")
    line = ["train", "from-git", str(folder), "--work", str(tmp_path / "work")]
    assert jupyter_main(line) == 1
    assert capsys.readouterr().err.startswith("jupyter nextedit: ")


def test_a_folder_inside_of_a_checkout_is_not_taken_for_it(repository: Path) -> None:
    (repository / "sub").mkdir()
    with pytest.raises(TrainingError, match="not a git checkout"):
        Repository(repository / "sub")


@pytest.mark.parametrize("licence", ["", "GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007"])
def test_code_that_is_not_permissive_is_taken_only_if_asked(
    repository: Path, tmp_path: Path, licence: str
) -> None:
    commit(repository, {"LICENSE": licence})
    with pytest.raises(TrainingError, match="--any-licence"):
        mined(repository, tmp_path / "work")
    assert mined(repository, tmp_path / "work", "--any-licence")


def test_mining_again_replaces_and_a_fork_adds_nothing(repository: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    once = mined(repository, work)
    assert [e.to_json() for e in mined(repository, work)] == [e.to_json() for e in once]
    git(tmp_path, "clone", "-q", str(repository), str(tmp_path / "fork"))
    assert len(mined(tmp_path / "fork", work)) == len(once)
    assert [path.name for path in work.iterdir()] == ["edits"]


def test_many_commits_are_mined_in_parts(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SECOND
    for number in range(5):
        text = text.replace("total", f"sum{number}") if number == 0 else text + f"\nX{number} = 1\n"
        commit(repository, {"shapes.py": text})
    whole = mined(repository, tmp_path / "whole")
    monkeypatch.setattr(mining, "CHUNK", 2)
    line = ["train", "from-git", str(repository), "--work", str(tmp_path / "parts")]
    assert main([*line, "--processes", "2"]) == 0
    parts = list(read_edits(tmp_path / "parts" / "edits" / "train"))
    # The first file of a part lacks the context of the part before, and nothing else.
    assert 0 < len(parts) <= len(whole)
    assert {e.source.revision for e in parts} <= {e.source.revision for e in whole}


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("x = load(a)", "y = load(a)", "rename"),
        ("x = load(x)", "y = load(y)", "rename"),
        ("def f(a):", "def f(a, b=1):", "signature"),
        ("    def f(self):\n        pass", "    def f(self, n):\n        pass", "signature"),
        ("class A(B):", "class A(B, C):", "signature"),
        ("plot(x, y)", "plot(x, y, color='r')", "call"),
        ("fit(x, lr=0.1)", "fit(x, rate=0.1, n=2)", "call"),
        ("a[0](x)", "a[0](x, 1)", "call"),
        ("x = 3", "x = 4", "literal"),
        ("a = 'left'", "a = \"right\"", "literal"),
        ("", "import a", "insertion"),
        ("import a", "", "deletion"),
        ("x = a + b", "x = a * b", "other"),
        ("if (a and b):", "if (a or b or c):", "other"),
        ("", "", "none"),
    ],
)  # fmt: skip
def test_a_change_is_classified_by_its_lines(old: str, new: str, kind: str) -> None:
    assert classify(old, new) == kind


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("x = 1", "x = 1  # why", False),
        ("x=1", "x = 1", False),
        ('def f():\n    """A."""\n    return 1', 'def f():\n    """B."""\n    return 1', False),
        ("x = 1", "x = 2", True),
        ("%matplotlib inline\nx = 1", "%matplotlib widget\nx = 1", True),
        ("x = (", "x = (  # open", True),
        ("x = (\n# a", "x = (\n# b", False),
    ],
)
def test_what_changes_no_code_is_told_from_what_does(before: str, after: str, code: bool) -> None:
    assert changes_code(before, after) is code


def test_the_context_is_five_edits_of_at_most_1024_tokens() -> None:
    events = [EditEvent("a", f"x = {i}", f"x = {i + 1}") for i in range(9)]
    assert [event.before for event in recent(events)] == [f"x = {i}" for i in range(4, 9)]
    long = EditEvent("a", "", "\n".join(["value = compute(1)"] * 160))
    assert len(long.after) < MAX_EVENT_CHARS
    assert recent([long, long, *events[:2]]) == recent([long, *events[:2]])
    assert len(recent([long, *events[:2]])) == 3
    secret = EditEvent("a", "", 'password = "Xy7Qp2Lm9Rt4Vb8Nz1"')
    assert recent([secret]) == ()
    assert MAX_EVENTS == 5


def test_steps_lead_from_one_version_to_the_other() -> None:
    was = module_pieces(FIRST)
    now = module_pieces(SECOND.replace("def report", "def new():\n    pass\n\n\ndef report"))
    assert isinstance(was, Pieces)
    assert isinstance(now, Pieces)
    ids, texts, steps = file_steps(was.pieces, now.pieces, "c")
    state = dict(texts)
    for step in steps:
        assert state.get(step.cell) == step.before
        if step.after is not None:
            state[step.cell] = step.after
    assert [state[id] for id in ids if id in state] == [piece.text for piece in now.pieces]


def test_a_state_is_stored_in_which_nothing_is_left_to_do() -> None:
    pieces = (FilePiece("a", "x = 1\nprint(x)"), FilePiece("b", "print(x + 1)"))
    after = (FilePiece("a", "y = 1\nprint(y)"), FilePiece("b", "print(y + 1)"))
    ids, texts, steps = file_steps(pieces, after, "c")
    kinds = set()
    for seed in range(20):
        rng = random.Random(seed)
        for target in targets(ids, texts, steps, (), "python", rng, Skipped()):
            kinds.add(target.change)
            assert (target.change == "none") == (target.after == target.request.cell.source)
    assert kinds == {"rename", "none"}


def test_pieces_are_paired_by_key_then_by_likeness() -> None:
    before = [
        FilePiece("f#1", "def f(): return 1"),
        FilePiece("", "x = compute(1)"),
        FilePiece("", "gone"),
    ]
    after = [
        FilePiece("", "new()"),
        FilePiece("f#1", "def f(): return 9"),
        FilePiece("", "x = compute(2)"),
    ]
    pairs = [(a and a.text, b and b.text) for a, b in align(before, after)]
    assert pairs == [
        (None, "new()"),
        ("def f(): return 1", "def f(): return 9"),
        ("x = compute(1)", "x = compute(2)"),
        ("gone", None),
    ]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"cells": 3}', '{"cells": [1]}', "[" * 100_000]
)
def test_a_corrupt_notebook_is_no_reason_to_stop(text: str) -> None:
    assert notebook_pieces(text) == "corrupt notebook"
    assert read_pieces("a.py", b"\xff") == "not utf-8"
    assert read_pieces("a.py", b"a\0") == "binary"


def test_licence_files_are_known_by_their_sentences() -> None:
    bsd = "Redistribution and use in source and binary forms, with or without modification …\n"
    assert licence_of_text(MIT) == "MIT"
    assert licence_of_text(bsd) == "BSD-2-Clause"
    assert licence_of_text(bsd + "Neither the name of the holder") == "BSD-3-Clause"
    assert licence_of_text("Apache License\n   Version 2.0, January 2004") == "Apache-2.0"
    assert licence_of_text("GNU LESSER GENERAL PUBLIC LICENSE\nVersion 3") == "LGPL"
    assert licence_of_text("all rights reserved") == "unknown"
    both = licence_of_text(MIT + "GNU GENERAL PUBLIC LICENSE Version 2")
    assert set(both.split(" AND ")) == {"MIT", "GPL-2.0"}
    assert not is_permissive(both)
    assert not is_permissive("unknown")


def release(path: Path, text: str, version: str) -> Path:
    folder = path / f"pack-{version}"
    folder.mkdir(parents=True)
    (folder / "core.py").write_text(text)
    (folder / "PKG-INFO").write_text(f"Name: pack\nVersion: {version}\nLicense: MIT\n")
    archive = path / f"pack-{version}.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(folder, f"pack-{version}")
    return archive


def test_two_releases_give_edits(tmp_path: Path) -> None:
    old, new = release(tmp_path, FIRST, "1.0"), release(tmp_path, SECOND, "1.1")
    work = tmp_path / "work"
    assert main(["train", "from-releases", str(old), str(new), "--work", str(work)]) == 0
    edits = [e for e in read_edits(work / "edits" / "train") if e.change != "none"]
    assert [e.change for e in edits] == ["call", "call"]
    assert edits[0].source.revision == "1.0..1.1"
    assert edits[0].source.licence == "MIT"
    broken = tmp_path / "broken-1.0.tar.gz"
    broken.write_bytes(old.read_bytes()[:40])
    with pytest.raises(TrainingError, match="cannot be read"):
        main(["train", "from-releases", str(broken), str(new), "--work", str(work)])


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> BundleTokenizer:
    path = tmp_path_factory.mktemp("commits") / "tokenizer.json"
    train_tokenizer([FIRST, SECOND] * 10, path, vocab_size=500)
    return BundleTokenizer(path)


def test_a_real_edit_is_rendered_as_it_is_served(
    repository: Path, tmp_path: Path, tokenizer: BundleTokenizer
) -> None:
    fmt = CellsSpmV1()
    for edit in mined(repository, tmp_path / "work"):
        ids = real_edit(edit, tokenizer, length=700)
        assert ids is not None
        plain = [id & (NO_LOSS - 1) for id in ids]
        answer = len(plain) - next(
            n for n in range(len(plain) + 1) if tuple(plain[:n])
            == fmt.next_edit(edit.request, tokenizer, 700 - (len(plain) - n)).ids
        )  # fmt: skip
        assert all(id < NO_LOSS for id in ids[-answer:])
        parsed = fmt.parse_next_edit(edit.request, plain[-answer:], tokenizer)
        now = edit.request.cell.source
        assert (parsed[1].apply(now) if parsed else now) == edit.after
        if edit.change != "none":  # whose answer is one token
            assert real_edit(edit, tokenizer, length=40) is None


def test_a_recipe_takes_real_edits(
    repository: Path, tmp_path: Path, tokenizer: BundleTokenizer
) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        '[[stage]]\nname = "s"\nseed = 1\n[[stage.phase]]\n'
        'parts = [{ form = "real", changes = ["call"], room = [1.0] }]\n'
    )
    (stage,) = read_stages(recipe)
    edits = mined(repository, tmp_path / "work")
    rows = render_stage(stage, [], tokenizer, length=512, edits=edits)
    assert rows.shape[1] == 513
    again = render_stage(stage, [], tokenizer, length=512, edits=edits)
    assert (rows == again).all()
    with pytest.raises(TrainingError, match="from-git"):
        render_stage(stage, [], tokenizer, length=512)
    nothing = Stage("s", 1, ((Part("real", languages=("julia",)),),))
    with pytest.raises(TrainingError, match="from-git"):
        render_stage(nothing, [], tokenizer, length=512, edits=edits)
    recipe.write_text(recipe.read_text().replace("real", "plain"))
    with pytest.raises(TrainingError, match="needs kinds"):
        read_stages(recipe)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "edits.jsonl"
    path.write_text("{}\n")
    with pytest.raises(TrainingError, match="line 1"):
        list(read_edits(path))


def test_a_cluster_does_the_same_as_this_machine(repository: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    here = mined(repository, tmp_path / "here")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None, processes=True
    ) as cluster:
        there = mined(repository, tmp_path / "there", "--scheduler", cluster.scheduler_address)
    assert [e.to_json() for e in there] == [e.to_json() for e in here]


def test_a_scheduler_that_is_not_there_is_said(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("nextedit_jupyter.training.parallel.CONNECT_S", 1)
    with pytest.raises(TrainingError, match="does not answer"):
        mined(repository, tmp_path / "work", "--scheduler", "tcp://127.0.0.1:9")


def test_symlinks_and_submodules_are_left_out(repository: Path, tmp_path: Path) -> None:
    os.symlink("shapes.py", repository / "link.py")
    commit(repository, {})
    (repository / "link.py").unlink()
    os.symlink("other.py", repository / "link.py")
    commit(repository, {})
    assert {e.source.path for e in mined(repository, tmp_path / "work")} == {"shapes.py"}
