"""The browser tests: each `*.test.mjs` in a real JupyterLab with a real kernel and worker."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import Lab, running_lab

from nextedit_jupyter.worker.client import WorkerClient, WorkerSettings

REQUEST = {
    "id": 1,
    "notebook": {
        "language": "python",
        "cells": [{"id": "a", "type": "code", "source": "import numpy as np\nnp.arr"}],
    },
    "cursor": {"cell": "a", "offset": 25},
}
pytestmark = [pytest.mark.ui, pytest.mark.slow]
Run = Callable[[str, Lab], None]


def test_the_main_job_works_in_jupyterlab(lab: Lab, run_browser_test: Run) -> None:
    run_browser_test("main.test.mjs", lab)


def test_the_panel_the_explicit_rename_and_stale_cells_work(
    lab: Lab, run_browser_test: Run
) -> None:
    run_browser_test("panel.test.mjs", lab)


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


def test_an_idle_server_and_worker_use_next_to_no_processor_time(lab: Lab) -> None:
    """Half a per cent of a core over 30 s, by the processor time of server and worker."""
    WorkerClient("idle", WorkerSettings(runtime_dir=lab.runtime)).suggest(REQUEST)
    server = psutil.Process(lab.pid)
    (worker,) = [
        process
        for process in psutil.process_iter(["cmdline"])
        if f"--runtime-dir={lab.runtime}" in (process.info["cmdline"] or ())
    ]
    time.sleep(2)
    before = [sum(process.cpu_times()[:2]) for process in (server, worker)]
    time.sleep(30)
    after = [sum(process.cpu_times()[:2]) for process in (server, worker)]
    spent = [late - early for early, late in zip(before, after, strict=True)]
    assert spent[1] <= 0.15, f"the worker took {spent[1]:.2f} s"
    assert spent[0] <= 0.15, f"the server took {spent[0]:.2f} s"


def test_two_people_in_one_notebook_dont_get_in_each_others_way(
    tmp_path: Path, run_browser_test: Run
) -> None:
    with running_lab(tmp_path, collaboration=True) as lab:
        run_browser_test("collaboration.test.mjs", lab)
