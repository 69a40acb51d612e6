"""What importing each part loads, seen from a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("onnxruntime", "numpy", "torch", "tornado", "tokenizers", "tree_sitter", "pandas")


def loaded_by(statement: str, before: str = "") -> set[str]:
    """Top-level modules that a statement newly loads in a fresh interpreter."""
    code = (
        f"import sys, json\n{before}\nbefore = set(sys.modules)\n{statement}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(result.stdout.splitlines()[-1]))


def top_level(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_importing_the_package_loads_nothing_of_it() -> None:
    ours = {name for name in loaded_by("import nextedit_jupyter") if name.startswith("nextedit")}
    assert ours == {"nextedit_jupyter"}


@pytest.mark.parametrize(
    "module",
    ["nextedit_jupyter.core", "nextedit_jupyter.core.wire", "nextedit_jupyter.worker.client"],
)
def test_core_and_client_need_the_standard_library_alone(module: str) -> None:
    others = {
        name
        for name in top_level(loaded_by(f"import {module}"))
        if name not in sys.stdlib_module_names and name != "nextedit_jupyter"
    }
    assert others == set()


@pytest.mark.parametrize("module", ["kernel", "terminal"])
def test_kernel_and_terminal_take_only_core_and_the_client_of_ours(module: str) -> None:
    loaded = loaded_by(f"import nextedit_jupyter.{module}", before="import IPython")
    ours = {name.split(".")[1] for name in loaded if name.startswith("nextedit_jupyter.")}
    assert ours <= {module, "core", "worker"}
    worker = {name for name in loaded if name.startswith("nextedit_jupyter.worker.")}
    assert worker <= {"nextedit_jupyter.worker.client", "nextedit_jupyter.worker.runtime"}
    assert not top_level(loaded) & set(HEAVY)


def test_loading_the_extension_loads_nothing_heavy() -> None:
    loaded = loaded_by(
        "shell.run_line_magic('load_ext', 'nextedit_jupyter')",
        before=(
            "from IPython.core.interactiveshell import InteractiveShell\n"
            "shell = InteractiveShell.instance()"
        ),
    )
    assert not top_level(loaded) & set(HEAVY)


def test_the_server_extension_loads_no_model_code() -> None:
    loaded = loaded_by("import nextedit_jupyter.server", before="import jupyter_server.serverapp")
    assert not top_level(loaded) & {"onnxruntime", "torch", "tokenizers", "tree_sitter", "IPython"}


def test_the_worker_knows_neither_the_server_nor_ipython() -> None:
    loaded = loaded_by("import nextedit_jupyter.worker.worker")
    assert not top_level(loaded) & {"jupyter_server", "IPython", "tornado", "torch"}
