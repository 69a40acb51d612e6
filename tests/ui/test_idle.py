"""A JupyterLab that nobody uses. It is watched for half a minute, so beside other checks."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import Lab, workers_of  # type: ignore[import-not-found, unused-ignore]

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


def test_an_idle_server_and_worker_use_next_to_no_processor_time(lab: Lab) -> None:
    """Half a per cent of a core over 30 s, by the processor time of server and worker."""
    WorkerClient("idle", WorkerSettings(runtime_dir=lab.runtime)).suggest(REQUEST)
    server = psutil.Process(lab.pid)
    (worker,) = workers_of(lab)
    time.sleep(2)
    before = [sum(process.cpu_times()[:2]) for process in (server, worker)]
    time.sleep(30)
    after = [sum(process.cpu_times()[:2]) for process in (server, worker)]
    spent = [late - early for early, late in zip(before, after, strict=True)]
    assert spent[1] <= 0.15, f"the worker took {spent[1]:.2f} s"
    assert spent[0] <= 0.15, f"the server took {spent[0]:.2f} s"
