"""The browser tests: each `*.test.mjs` in a real JupyterLab with a real kernel and worker."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import Lab, running_lab, workers_of  # type: ignore[import-not-found, unused-ignore]
from publishing import ID, Publishing
from team_server import completion, raw, team_server

from nextedit_jupyter.cli import main
from nextedit_jupyter.worker.client import WorkerClient, WorkerSettings

# Each suite has a bound of its own, and may be tried twice. The longest stand first: the last ones
# end at about the same time.
pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(900)]
Run = Callable[..., None]


def test_what_goes_wrong_beside_it_costs_no_key_and_changes_nothing_unseen(
    lab: Lab, run_browser_test: Run
) -> None:
    run_browser_test("trouble.test.mjs", lab)


def test_every_key_does_what_it_says_at_each_place_of_a_cell(
    lab: Lab, run_browser_test: Run
) -> None:
    run_browser_test("hands.test.mjs", lab)


@pytest.mark.timeout(6600)
@pytest.mark.parametrize("where", ["lab", "notebook"])
def test_each_key_does_what_the_table_of_the_docs_says(
    lab: Lab, run_browser_test: Run, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setenv("LAB_KEYS_IN", where)
    run_browser_test("keys.test.mjs", lab, minutes=50 if "NEXTEDIT_KEYS" in os.environ else 8)


def test_the_main_job_works_in_jupyterlab(lab: Lab, run_browser_test: Run) -> None:
    run_browser_test("main.test.mjs", lab)


def test_the_status_items_menu_pauses_switches_fetches_and_restarts(
    lab: Lab, run_browser_test: Run
) -> None:
    run_browser_test("menu.test.mjs", lab)


def test_an_update_is_announced_a_bad_one_refused_and_a_rollback_seen_in_the_status_item(
    tmp_path: Path, run_browser_test: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NEXTEDIT_RUNTIME_DIR", str(tmp_path / "before"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    publishing = Publishing(tmp_path)
    publishing.publish("1.0.0")
    where = ["--from", publishing.address, "--root", str(publishing.root)]
    assert main(["model", "install", ID, *where]) == 0

    def step(name: str, text: str, title: str) -> None:
        monkeypatch.setenv("LAB_STEP", name)
        monkeypatch.setenv("LAB_EXPECTED_TEXT", text)
        monkeypatch.setenv("LAB_EXPECTED_TITLE", title)
        run_browser_test("update.test.mjs", lab)

    repository: dict[str, Any] = {
        "NEXTEDIT_REPOSITORY": publishing.address,
        "NEXTEDIT_ROOT": str(publishing.root),
    }
    with running_lab(tmp_path / "lab", **repository) as lab:
        monkeypatch.setenv("NEXTEDIT_RUNTIME_DIR", str(lab.runtime))
        step("installed", "ready", f"Model: {ID}/1.0.0")
        looked(tmp_path)
        publishing.publish("1.1.0", "longer lines")
        look_again(tmp_path, lab)
        # A page that is open already hears of it up to half a minute later.
        wait_for(lambda: progress(tmp_path)["state"] == "switched")
        step("switched", "updated", f"Updated to 1.1.0: longer lines.*Model: {ID}/1.1.0")
        publishing.publish("1.2.0", spoil=True)
        look_again(tmp_path, lab)
        wait_for(lambda: progress(tmp_path)["refused"])
        step("refused", "update failed", f"Update 1.2.0 could not be installed.*Model: {ID}/1.1.0")
        assert main(["model", "rollback"]) == 0
        step("rolled-back", "ready", f"Model: {ID}/1.0.0")


def test_axe_has_no_serious_finding_on_what_is_ours(lab: Lab, run_browser_test: Run) -> None:
    run_browser_test("a11y.test.mjs", lab)


def test_the_first_start_offers_the_tour_once_ever(tmp_path: Path, run_browser_test: Run) -> None:
    with running_lab(tmp_path, offers_tour=True) as lab:
        run_browser_test("firstrun.test.mjs", lab)


@pytest.mark.parametrize("where", ["lab", "notebook"])
def test_the_tour_keeps_what_it_promises(
    lab: Lab, run_browser_test: Run, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setenv("LAB_TOUR_IN", where)
    # Both notebooks have the same cells, and a worker remembers what was undone in them.
    for process in workers_of(lab):
        process.kill()
    run_browser_test("tour.test.mjs", lab)


def test_the_panel_the_explicit_rename_and_stale_cells_work(
    lab: Lab, run_browser_test: Run
) -> None:
    run_browser_test("panel.test.mjs", lab)


def test_what_a_figure_shows_is_offered_in_the_next_cell(lab: Lab, run_browser_test: Run) -> None:
    run_browser_test("figures.test.mjs", lab)


def test_notebook_7_works(lab: Lab, run_browser_test: Run) -> None:
    run_browser_test("notebook7.test.mjs", lab)


def test_without_a_bundle_all_but_the_model_works(tmp_path: Path, run_browser_test: Run) -> None:
    with running_lab(tmp_path, NEXTEDIT_BUNDLE=str(tmp_path / "nowhere")) as lab:
        run_browser_test("nobundle.test.mjs", lab)


def test_the_widgets_panel_accepts_and_rejects(lab: Lab, run_browser_test: Run) -> None:
    run_browser_test("widgets.test.mjs", lab)


def test_without_the_labextension_magics_show_diffs_and_apply_them(
    tmp_path: Path, run_browser_test: Run
) -> None:
    with running_lab(tmp_path, labextension=False) as lab:
        run_browser_test("magics.test.mjs", lab)


def test_a_teams_server_answers_and_the_status_item_says_so(
    tmp_path: Path, run_browser_test: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with team_server(completion("np.linspace(0, 1, 7)")) as server:
        settings: dict[str, object] = {
            "engine": "openai",
            "openai_url": server.url,
            "openai_hosts": ["127.0.0.1"],
            "openai_model": "ours",
            "openai_prompt": "fim-qwen",
        }
        with running_lab(tmp_path, nextedit=settings) as lab:
            run_browser_test("team.test.mjs", lab)
            asked = len(server.asked)
            assert asked
            server.answer = raw(500, b"")
            monkeypatch.setenv("LAB_STEP", "broken")
            run_browser_test("team.test.mjs", lab)
            assert len(server.asked) > asked


def test_two_people_in_one_notebook_dont_get_in_each_others_way(
    tmp_path: Path, run_browser_test: Run
) -> None:
    with running_lab(tmp_path, collaboration=True) as lab:
        run_browser_test("collaboration.test.mjs", lab)


def test_python_files_have_what_notebooks_have(lab: Lab, run_browser_test: Run) -> None:
    run_browser_test("files.test.mjs", lab)


def test_consoles_have_at_the_prompt_what_notebooks_have(lab: Lab, run_browser_test: Run) -> None:
    run_browser_test("consoles.test.mjs", lab)


def looked(home: Path) -> Path:
    """Wait for the worker's first check; gives the file in which it stands."""
    checked = home / "data" / "updates" / f"{ID}.json"
    wait_for(checked.exists)
    return checked


def wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until, "the worker never looked"
        time.sleep(0.2)


def progress(home: Path) -> dict[str, Any]:
    return dict(json.loads(looked(home).read_text()))


def look_again(home: Path, lab: Lab) -> None:
    """Let the weekly check be due now."""
    checked = looked(home)
    checked.write_text(json.dumps(progress(home) | {"checked_at": 0}))
    WorkerClient("again", WorkerSettings(runtime_dir=lab.runtime)).reload()
