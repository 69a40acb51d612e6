"""The browser tests: each `*.test.mjs` in a real JupyterLab with a real kernel and worker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import Lab, running_lab

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


def test_two_people_in_one_notebook_dont_get_in_each_others_way(
    tmp_path: Path, run_browser_test: Run
) -> None:
    with running_lab(tmp_path, collaboration=True) as lab:
        run_browser_test("collaboration.test.mjs", lab)
