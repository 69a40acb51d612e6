"""The cost of the extension in a kernel: `%load_ext`, and the overhead per cell."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from typing import Any, cast

from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.evals.latency_series import quantile, rounded

# Runs in a kernel; prints one JSON object. `{cells}` is the number of cells for each median.
_IN_KERNEL = """
import json, sys, time
shell = get_ipython()
before = set(sys.modules)
started = time.perf_counter()
shell.run_line_magic("load_ext", "nextedit_jupyter")
load = (time.perf_counter() - started) * 1000
heavy = sorted({{name.partition(".")[0] for name in set(sys.modules) - before}}
               & {{"onnxruntime", "numpy", "torch", "tornado", "tokenizers"}})
shell.run_line_magic("unload_ext", "nextedit_jupyter")
if {cells}:
    shell.run_cell({setup!r})
def cells(count):
    times = []
    for i in range(count):
        started = time.perf_counter()
        code = f"value = {{i}}\\ntotal_{{i % 50}} = value + 1"
        shell.run_cell(code, store_history=True, cell_id=f"cell-{{i % 50}}")
        times.append((time.perf_counter() - started) * 1000)
    return times
cells({cells} // 4)
without, having = [], []
for _ in range(4 if {cells} else 0):
    without += cells({cells} // 4)
    shell.run_line_magic("load_ext", "nextedit_jupyter")
    having += cells({cells} // 4)
    shell.run_line_magic("unload_ext", "nextedit_jupyter")
result = {{"load": load, "heavy": heavy, "without": without, "having": having}}
print("NEXTEDIT" + json.dumps(result))
"""
_SETUP = """
import math, json, re, collections
try:
    import numpy as np, pandas as pd
    for i in range(5):
        columns = {f"column_{j}": range(10) for j in range(20)}
        globals()[f"table_{i}"] = pd.DataFrame(columns)
except ImportError:
    pass
globals().update({f"name_{i}": i for i in range(200)})
def helper(first, second=2): return first
"""


def measure_kernel(kernels: int, cells: int) -> dict[str, Any]:
    """`%load_ext` in new kernels, and the extension's overhead per cell in one of them, in ms.

    The overhead is the difference of two medians over the same cells, alternately with and without
    the extension. Raises NextEditError if no kernel starts.
    """
    loads: list[float] = []
    heavy: set[str] = set()
    overhead = p95 = None
    _run_in_kernel(_IN_KERNEL.format(cells=0, setup=_SETUP))  # not counted: bytecode may be missing
    for number in range(max(1, kernels)):
        last = number == kernels - 1
        result = _run_in_kernel(_IN_KERNEL.format(cells=cells if last else 0, setup=_SETUP))
        loads.append(result["load"])
        heavy.update(result["heavy"])
        if last:
            without, having = result["without"], result["having"]
            overhead = (quantile(having, 0.5) or 0.0) - (quantile(without, 0.5) or 0.0)
            p95 = (quantile(having, 0.95) or 0.0) - (quantile(without, 0.95) or 0.0)
    return {
        "load_ext_ms": rounded(quantile(loads, 0.5)),
        "load_ext_all_ms": [rounded(load) for load in loads],
        "load_ext_newly_loads": sorted(heavy),
        "cell_overhead_ms": rounded(None if overhead is None else max(0.0, overhead)),
        "cell_overhead_p95_ms": rounded(None if p95 is None else max(0.0, p95)),
        "cells": cells,
    }


def _run_in_kernel(code: str) -> dict[str, Any]:
    try:
        from jupyter_client.manager import start_new_kernel
    except ImportError:
        raise NextEditError("no kernel is timed: pip install ipykernel jupyter-client") from None
    with tempfile.TemporaryDirectory(prefix="nextedit-") as folder:
        env = {**os.environ, "IPYTHONDIR": folder}
        # An installed package has compiled bytecode; a source tree must be allowed to write it.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        try:
            manager, client = start_new_kernel(
                kernel_name="python3", env=env, startup_timeout=60, stderr=subprocess.DEVNULL
            )
        except Exception as error:
            raise NextEditError(f"no kernel is timed: it does not start ({error})") from None
        printed: list[str] = []
        try:
            reply = client.execute_interactive(
                code,
                timeout=120,
                store_history=False,
                output_hook=lambda message: printed.append(message["content"].get("text", "")),
            )
        except TimeoutError:
            raise NextEditError("no kernel is timed: it does not answer") from None
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
        found = next(
            (line[8:] for line in "".join(printed).splitlines() if line.startswith("NEXTEDIT")),
            None,
        )
        if found is None:
            problem = reply["content"].get("evalue", "no output")
            raise NextEditError(f"no kernel is timed: {problem}")
        return cast(dict[str, Any], json.loads(found))
