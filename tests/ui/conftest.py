"""One JupyterLab for all browser tests, on a folder, settings and worker of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

HERE = Path(__file__).parent
ARTIFACTS = HERE / "artifacts"
BOUNDED = HERE.parents[1] / ".ci" / "bounded.py"
# The news pop-up covers the page; collaboration is switched on by its own tests only.
DISABLED = {"@jupyterlab/apputils-extension:announcements": True}
COLLABORATION = [
    "@jupyter/collaboration-extension",
    "@jupyter/docprovider-extension",
]


@dataclass(frozen=True)
class Lab:
    """A running server; `folder` is what it shows."""

    url: str
    token: str
    folder: Path
    runtime: Path
    pid: int

    @property
    def environ(self) -> dict[str, str]:
        return {
            "LAB_URL": self.url,
            "LAB_TOKEN": self.token,
            "LAB_FOLDER": str(self.folder),
            "LAB_RUNTIME": str(self.runtime),
            "LAB_PID": str(self.pid),
            "LAB_PYTHON": sys.executable,
            "LAB_ARTIFACTS": str(ARTIFACTS),
            "LAB_CHROMIUM": chromium() or "",
        }


def chromium() -> str | None:
    """The build without windows, which starts in half the time; otherwise the whole browser."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def running_lab(
    base: Path,
    *,
    collaboration: bool = False,
    labextension: bool = True,
    offers_tour: bool = False,
    nextedit: dict[str, object] | None = None,
    **environ: str,
) -> Iterator[Lab]:
    """A JupyterLab in `base`, with these variables; ended, with its worker, on leaving.

    `nextedit` is the administrator's configuration of `c.NextEdit`; `offers_tour` is false where
    the notification of the first start would be in the way.
    """
    folder, config, runtime = base / "notebooks", base / "config", base / "run"
    for path in (folder, config / "labconfig", runtime):
        path.mkdir(parents=True)
    runtime.chmod(0o700)
    disabled = dict(DISABLED)
    if not collaboration:
        disabled |= dict.fromkeys(COLLABORATION, True)
    if not labextension:
        disabled["nextedit-jupyter"] = True
    (config / "labconfig" / "page_config.json").write_text(
        json.dumps({"disabledExtensions": disabled})
    )
    (config / "labconfig" / "default_setting_overrides.json").write_text(
        json.dumps({"nextedit-jupyter:plugin": {"tourOffered": not offers_tour}})
    )
    extensions = {"jupyter_server_ydoc": collaboration, "jupyter_server_fileid": collaboration}
    (config / "jupyter_server_config.json").write_text(
        json.dumps(
            {
                "ServerApp": {"jpserver_extensions": extensions},
                "JupyterNotebookApp": {"expose_app_in_browser": True},
                "NextEdit": nextedit or {},
            }
        )
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    log = (base / "lab.log").open("w")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={folder}",
            "--LabApp.expose_app_in_browser=True",
            "--ServerApp.log_level=WARN",
        ],
        env={
            **os.environ,
            "JUPYTER_TOKEN": token,
            "JUPYTER_CONFIG_DIR": str(config),
            "JUPYTERLAB_SETTINGS_DIR": str(config / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(config / "workspaces"),
            "JUPYTER_RUNTIME_DIR": str(base / "jupyter"),
            "IPYTHONDIR": str(base / "ipython"),
            "NEXTEDIT_RUNTIME_DIR": str(runtime),
            **environ,
        },
        cwd=base,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    lab = Lab(f"http://127.0.0.1:{port}", token, folder, runtime, process.pid)
    try:
        wait_until(lambda: answers(f"{lab.url}/api?token={token}"), process)
        yield lab
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait(5)
        end_worker(runtime)
        log.close()


def end_worker(runtime: Path) -> None:
    """The worker outlives its server, for others may share it; nobody shares this one."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (entry / "cmdline").read_text()
            if "nextedit_jupyter.worker" in line and str(runtime) in line:
                os.kill(int(entry.name), signal.SIGTERM)


def workers_of(lab: Lab) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if f"--runtime-dir={lab.runtime}" in (process.info["cmdline"] or ())
    ]


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 180  # a busy machine takes a minute
    while not is_so():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail("JupyterLab did not start; see lab.log in the test's folder")
        time.sleep(0.1)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def run_browser_test() -> Callable[..., None]:
    """Runs one file of browser tests with Node's test runner; its report is ours on failure."""

    def run(name: str, lab: Lab, *, minutes: float = 5) -> None:
        if not (HERE.parents[1] / "labextension" / "node_modules" / "playwright-core").exists():
            pytest.fail("playwright-core is not installed: cd labextension && jlpm install")
        if chromium() is None:
            pytest.fail("there is no Chromium: apt-get install chromium")
        ARTIFACTS.mkdir(exist_ok=True)
        node = ["node", "--test", "--test-reporter=spec", str(HERE / name)]
        for _ in range(2):  # another program's load makes a page slow: what is broken fails twice
            end_worker(lab.runtime)  # one that was often dismissed offers less
            done = subprocess.run(
                [sys.executable, str(BOUNDED), str(minutes), *node],
                env={**os.environ, **lab.environ},
                capture_output=True,
                text=True,
            )
            print(done.stdout)
            if done.returncode == 0:
                return
            told = ARTIFACTS / f"{Path(name).stem}.failed.txt"  # a second try may succeed
            told.write_text(f"{done.stdout}\n{done.stderr}")
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    return run
