"""nextedit-bench: the same tasks for all, peers that misbehave cost their own answers alone."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from byte_gguf import write_gguf
from llama_server import llama_cpp

from nextedit_jupyter.cli import main
from nextedit_jupyter.core import Caret, Cell, Notebook, SuggestRequest
from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.evals import sdists
from nextedit_jupyter.evals.benchmark import table, tasks
from nextedit_jupyter.evals.benchmark.isolated import Isolated, Spec
from nextedit_jupyter.evals.benchmark.peers import Infill, Server, make
from nextedit_jupyter.evals.benchmark.run import run, scores

pytestmark = pytest.mark.slow

CELLS = (
    "import numpy as np\nimport pandas as pd",
    "height = np.array([1.6, 1.8])\nweight = np.array([50, 80])",
    "frame = pd.DataFrame({'height': height, 'weight': weight})",
    "print(height.mean())\nprint(weight.mean())",
    "for value in height:\n    print(value)\n    print(value + 1)",
)
SIZES = tasks.Sizes(2, 3, 3, 3, 3, 200)


def book(*cells: str) -> Notebook:
    made = tuple(Cell(f"c{n}", "code", text) for n, text in enumerate(cells))
    return Notebook("python", made)


def renamed(old: str, new: str) -> Notebook:
    return book(*(cell.replace(old, new) for cell in CELLS))


@pytest.fixture
def sources() -> tasks.Sources:
    single = book(*CELLS[:3], "print(height.max(), 2)\nprint(weight)", CELLS[4])
    return tasks.of_versions(
        "mine", [(book(*CELLS), renamed("height", "tall")), (book(*CELLS), single)]
    )


def request(text: str) -> SuggestRequest:
    return SuggestRequest(book("y = 2", text), Caret("c1", len(text)), want=("inline",))


def isolated(name: str, **given: Any) -> Isolated:
    return Isolated(Spec(name.lower(), f"bench_peers:{name}"), **given)


def test_versions_become_tasks_of_each_kind(sources: tasks.Sources) -> None:
    assert [commit.kind for commit in sources.commits] == ["rename", "single"]
    assert sources.commits[0].rename == ("height", "tall")
    made = tasks.make(sources, SIZES, 0)
    counts = made.counts()
    assert counts["typing"] == 2
    assert counts["next edits"] == 1
    assert counts["propagation"] >= 1
    assert counts["silence"] >= 1
    assert counts["next line"] >= 1


def test_the_same_seed_makes_the_same_tasks_and_another_makes_others(
    sources: tasks.Sources,
) -> None:
    assert tasks.make(sources, SIZES, 1) == tasks.make(sources, SIZES, 1)
    assert tasks.make(sources, SIZES, 1) != tasks.make(sources, SIZES, 2)


def test_a_notebook_that_became_another_one_is_no_edit() -> None:
    other = book(*(f"completely = 'other {n}'" for n in range(5)))
    assert tasks.commit_of("x", book(*CELLS), other) is None
    assert tasks.commit_of("x", book(*CELLS), book(*CELLS)) is None


def test_nothing_to_make_tasks_of_says_so() -> None:
    with pytest.raises(NextEditError, match="no Python notebook"):
        tasks.make(tasks.Sources(()), SIZES, 0)


def test_an_archive_that_is_another_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "one-1.0.tar.gz"
    file.write_bytes(b"planted")
    monkeypatch.setattr(sdists, "archive", lambda package, cache: file)
    with pytest.raises(NextEditError, match="not the file that the benchmark names"):
        tasks.of_packages(tmp_path, {"one==1.0": "0" * 64})
    monkeypatch.setattr(sdists, "archive", lambda package, cache: None)
    with pytest.raises(NextEditError, match="from-git"):
        tasks.of_packages(tmp_path, {"one==1.0": "0" * 64})


def test_a_peer_that_is_right_is_scored_right(sources: tasks.Sources) -> None:
    made = tasks.make(sources, replace(SIZES, typing=0, next_line=0), 0)
    made = replace(made, propagation=sources.commits[:1])
    report = run(
        made, [Spec("right", "bench_peers:Right"), Spec("eager", "bench_peers:Eager")], seed=0
    )
    right, eager = report["peers"]
    assert right["propagation"]["recall"] == 1.0
    assert right["propagation"]["wrong"] == 0
    assert "silence" not in right  # it must be told: its silence says nothing
    assert eager["silence"]["silent"] == 0
    assert eager["next edits"]["exact"] == 0
    assert eager["propagation"]["wrong"] > 0
    assert right["notes"] == ""
    shown = table.markdown(report)
    assert "| right |" in shown
    assert "1 propagation" in shown


def test_two_runs_with_one_seed_have_the_same_scores_and_a_plot(
    sources: tasks.Sources, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    specs = [Spec("history", "history"), Spec("n-grams", "n-grams"), Spec("words", "words")]
    first, second = (run(tasks.make(sources, SIZES, 3), specs, seed=3) for _ in range(2))
    assert scores(first) == scores(second)
    table.plot(first, tmp_path / "plot.svg")
    assert "<svg" in (tmp_path / "plot.svg").read_text()
    json.dumps(first)


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("Hangs", "hung 2×; given up"),
        ("Dies", "died 2×; given up"),
        ("Raises", "failed 3×"),
        ("Babbles", "nonsense 3×"),
        ("NeverStarts", "left out: OSError: no licence"),
    ],
)
def test_a_peer_that_misbehaves_is_noted_and_met_with_silence(name: str, summary: str) -> None:
    peer = isolated(name, patience_s=0.5 if name == "Hangs" else 60.0, max_deaths=2)
    try:
        assert [peer.complete(request("x = ")) for _ in range(3)] == ["", "", ""]
        assert peer.troubles.summary() == summary
    finally:
        peer.close()


def test_cells_that_are_not_there_are_nonsense() -> None:
    peer = isolated("Babbles")
    try:
        assert peer.edits(request("x = "), ("y", "z"), False) == {}
        assert peer.troubles.summary() == "nonsense 1×"
    finally:
        peer.close()


def test_the_rest_goes_on_beside_a_peer_that_dies(sources: tasks.Sources) -> None:
    made = tasks.make(sources, replace(SIZES, typing=1, next_line=1), 0)
    specs = [Spec("dies", "bench_peers:Dies"), Spec("right", "bench_peers:Right")]
    report = run(made, specs, seed=0)
    assert [row["name"] for row in report["peers"]] == ["dies", "right"]
    assert "given up" in report["peers"][0]["notes"]
    assert "- dies: died" in table.markdown(report)


class _Model(BaseHTTPRequestHandler):
    asked: list[tuple[str, dict[str, Any]]]
    answer: Any

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked.append((self.path, body))
        data = json.dumps(type(self).answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[tuple[str, type[_Model]]]:
    handler = type("Handler", (_Model,), {"asked": [], "answer": {}})
    with HTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}", handler
        http.shutdown()
        thread.join()


def test_a_completion_server_is_asked_for_the_rest_of_the_line(
    server: tuple[str, type[_Model]],
) -> None:
    url, model = server
    model.answer = {"choices": [{"text": "41  \nmore"}]}
    assert Server(f"{url}/v1/", "small").complete(request("x = ")) == "41"
    path, body = model.asked[0]
    assert (path, body["model"], body["prompt"]) == ("/v1/completions", "small", "y = 2\n\nx = ")
    assert body["temperature"] == 0
    model.answer = {"error": "overloaded"}
    with pytest.raises(KeyError):
        Server(f"{url}/v1").complete(request("x = "))


def test_llama_cpps_server_is_asked_to_fill_in(server: tuple[str, type[_Model]]) -> None:
    url, model = server
    model.answer = {"content": "41"}
    assert Infill(url).complete(request("a = 1\nx = ")) == "41"
    path, body = model.asked[0]
    assert (path, body["input_prefix"], body["prompt"]) == ("/infill", "y = 2\n\na = 1\n", "x = ")


def test_llama_cpps_own_server_fills_in(tmp_path: Path) -> None:
    model = write_gguf(tmp_path / "tiny.gguf")
    with llama_cpp(model, key="") as server:
        filled = Infill(server.url).complete(request("a = 1\nx = "))
    # Random weights write anything, but the same each time, and no more than the line.
    assert filled
    assert "\n" not in filled


def test_rope_and_jedi_complete_a_name_that_is_begun() -> None:
    asked = SuggestRequest(
        book("height_of_all = 2", "print(height_o"), Caret("c1", 14), want=("inline",)
    )
    for kind in ("jedi", "rope"):
        pytest.importorskip(kind)
        assert make(kind, ()).complete(asked) == "f_all"


def test_unknown_peers_and_addresses_say_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "--peers", "copilot"]) == 1
    assert "choose from nextedit, jedi" in capsys.readouterr().err
    assert main(["benchmark", "--peer", "mine"]) == 1
    assert "NAME=MODULE:CLASS" in capsys.readouterr().err
    with pytest.raises(NextEditError, match="cannot be imported"):
        make("no_such_module:Peer", ())
    with pytest.raises(NextEditError, match="http"):
        Server("file:///etc").complete(request("x = "))


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True
    )


def written(notebook: Notebook) -> str:
    cells = [
        {"cell_type": "code", "source": cell.source, "metadata": {}, "outputs": []}
        for cell in notebook.cells
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_a_checkouts_commits_become_tasks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    git(tmp_path, "init", "-q")
    for version in (book(*CELLS), renamed("height", "tall"), renamed("weight", "mass")):
        (tmp_path / "work.ipynb").write_text(written(version))
        git(tmp_path, "add", "work.ipynb")
        git(tmp_path, "commit", "-qm", "more")
    arguments = ["benchmark", "from-git", str(tmp_path), "--quick", "--peers", "history,words"]
    out = tmp_path / "report"
    assert main([*arguments, "--output", str(out)]) == 0
    assert "| history (IPython's history habit) |" in capsys.readouterr().out
    report = json.loads((out / "benchmark.json").read_text())
    assert report["tasks"]["next edits"] >= 1
    assert (out / "benchmark.md").exists()
    assert (out / "benchmark.svg").exists()


def test_checkouts_that_give_no_tasks_say_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, plain = tmp_path / "empty", tmp_path / "plain"
    for folder in (empty, plain):
        folder.mkdir()
        git(folder, "init", "-q")
    (plain / "a.txt").write_text("a")
    git(plain, "add", "a.txt")
    git(plain, "commit", "-qm", "first")
    for folder, told in (
        (empty, "no commit"),
        (plain, "no commit"),
        (tmp_path, "not a git checkout"),
    ):
        assert main(["benchmark", "from-git", str(folder)]) == 1
        assert told in capsys.readouterr().err
    assert main(["benchmark", "from-git"]) == 1
    assert "FOLDER" in capsys.readouterr().err
