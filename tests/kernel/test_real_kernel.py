"""The extension in real kernels, over the real protocol; the worker is never started."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

pytestmark = pytest.mark.alone


class Kernel:
    """A front end: runs cells under ids and talks over comms."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.comms: list[dict[str, Any]] = []
        self.comm_messages: list[dict[str, Any]] = []

    def run(self, code: str, cell: str = "a", **metadata: Any) -> str:
        """Text that the cell printed, displayed or raised."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        message = self.client.session.msg(
            "execute_request", content, metadata={"cellId": cell, **metadata}
        )
        self.client.shell_channel.send(message)
        return self._drain(message["header"]["msg_id"])

    def tell(self, comm: str, data: dict[str, Any]) -> None:
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        self.client.shell_channel.send(message)
        self._drain(message["header"]["msg_id"])

    def _drain(self, parent: str) -> str:
        said: list[str] = []
        until = time.monotonic() + 30
        while time.monotonic() < until:
            message = self.client.get_iopub_msg(timeout=30)
            content = message["content"]
            if message["msg_type"] == "comm_open":
                self.comms.append(content)
            elif message["msg_type"] == "comm_msg":
                self.comm_messages.append(content)
            elif message["msg_type"] == "stream":
                said.append(content["text"])
            elif message["msg_type"] == "display_data":
                said.append(content["data"]["text/plain"])
            elif message["msg_type"] == "error":
                said.append(content["ename"])
            elif (
                content.get("execution_state") == "idle"
                and message["parent_header"].get("msg_id") == parent
            ):
                return "".join(said)
        raise AssertionError("the kernel did not become idle")


@pytest.fixture(scope="module", autouse=True)
def own_runtime_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No worker of the user's is met."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("r")))
        yield


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_kernel_records_answers_facts_and_forgets(kernel: Kernel) -> None:
    assert kernel.run("%load_ext nextedit_jupyter", "load") == ""
    (opened,) = [comm for comm in kernel.comms if comm["target_name"] == "nextedit"]
    kernel.run("import math\nvalues = {'a': 1}", "c1")
    kernel.run("total = 1", "c2")
    kernel.run("total = 2", "c2")
    kernel.run("hidden = 2", "c9", tags=["nextedit-off"])
    assert kernel.run("math.sine(1)", "c3") == "AttributeError"
    kernel.tell(opened["comm_id"], {"op": "facts"})
    facts = kernel.comm_messages[-1]["data"]["facts"]
    assert [run["cell"] for run in facts["runs"]] == ["c1", "c2", "c2", "c3"]
    names = {name["name"]: name for name in facts["names"]}
    assert names["values"]["subscripts"] == ["a"]
    assert "sqrt" in names["math"]["members"]
    assert facts["error"]["cell"] == "c3"
    assert (facts["error"]["line"], facts["error"]["name"]) == (1, "sine")
    assert "+1 -1 lines" in kernel.run("%nextedit history", "c4")

    before = kernel.run(
        "print(sorted(get_ipython().events.callbacks['post_run_cell'], key=str))", "c5"
    )
    assert "recorder" in before.lower() or "post_run_cell" in before
    kernel.run("%unload_ext nextedit_jupyter", "c6")
    left = kernel.run(
        "import comm\n"
        "shell = get_ipython()\n"
        "print([c.target_name for c in comm.get_comm_manager().comms.values()],"
        " list(comm.get_comm_manager().targets),"
        " 'nextedit' in shell.magics_manager.magics['line'],"
        " [f for f in shell.events.callbacks['pre_run_cell'] if 'nextedit' in str(f)])",
        "c7",
    )
    assert "nextedit" not in left.replace("False", "")


def test_loading_brings_in_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.history_manager.enabled = False\n"
        "before = set(sys.modules)\n"
        "shell.run_cell('%load_ext nextedit_jupyter')\n"
        "shell.run_cell('x = 1', store_history=True)\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "heavy = 'onnxruntime numpy torch tornado pandas tokenizers multiprocessing jedi'\n"
        "print('nextedit_jupyter' in new, sorted(new & set(heavy.split())))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split("\n")[0] == "True []"


def test_a_notebook_runs_the_same_with_the_extension() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    sources = [
        "%load_ext nextedit_jupyter",
        "x = 1",
        "%nextedit status",
        "%nextedit history --diff",
        "print(x)",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3")
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
    printed = ["".join(out.get("text", "") for out in cell.outputs) for cell in notebook.cells]
    assert printed[0] == printed[1] == ""
    assert "recorded  1 cell, 1 run" in printed[2]
    assert "No edits so far" in printed[3]
    assert printed[4] == "1\n"


def test_loading_leaves_the_collector_as_it_was() -> None:
    import gc

    from IPython.core.interactiveshell import InteractiveShell

    import nextedit_jupyter

    shell = InteractiveShell()
    for was_on in (True, False):
        (gc.enable if was_on else gc.disable)()
        try:
            nextedit_jupyter.load_ipython_extension(shell)
            assert gc.isenabled() is was_on
        finally:
            gc.enable()
            nextedit_jupyter.unload_ipython_extension(shell)


def test_a_running_cell_gets_the_browser_s_notebook_through_a_subshell(kernel: Kernel) -> None:
    """The reply must not wait for the cell that waits for it."""
    client = kernel.client
    request = client.session.msg("create_subshell_request", {})
    client.control_channel.send(request)
    reply = client.control_channel.get_msg(timeout=30)["content"]
    if reply["status"] != "ok":
        pytest.skip("this ipykernel has no subshells")
    kernel.comms.clear()
    kernel.run("%load_ext nextedit_jupyter", "s0")
    comm_id = kernel.comms[-1]["comm_id"]
    kernel.tell(comm_id, {"op": "facts"})

    def say(data: dict[str, Any]) -> None:
        message = client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        message["header"]["subshell_id"] = reply["subshell_id"]
        client.shell_channel.send(message)

    asks = (
        "from nextedit_jupyter.kernel import session_of\n"
        "print(session_of(get_ipython()).channel.ask_notebook(20))"
    )
    content = {"code": asks, "silent": False, "store_history": True, "allow_stdin": False}
    cell = client.session.msg("execute_request", content, metadata={"cellId": "s1"})
    client.shell_channel.send(cell)
    said, done = "", False
    while not done:
        message = client.get_iopub_msg(timeout=30)
        found = message["content"]
        if message["msg_type"] == "comm_msg" and found["data"]["op"] == "notebook":
            say({"op": "notebook", "token": found["data"]["token"], "request": {"id": 7}})
        elif message["msg_type"] == "stream":
            said += found["text"]
        done = (
            found.get("execution_state") == "idle"
            and message["parent_header"].get("msg_id") == cell["header"]["msg_id"]
        )
    assert said.strip() == "{'id': 7}"
    kernel.run("%unload_ext nextedit_jupyter", "s2")
