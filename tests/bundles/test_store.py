from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_bundle import make_bundle, make_versions

from nextedit_jupyter.bundles.choices import version_key
from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.core.errors import BundleError


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return make_versions(folder, "0.1.0", "0.2.0", "0.3.0")


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    return BundleStore(tmp_path / "store")


def test_an_installed_bundle_is_used_verified_and_private(
    store: BundleStore, bundles: dict[str, Path]
) -> None:
    installed = store.install(bundles["0.1.0"])
    assert installed.label == "nextedit-tiny/0.1.0"
    assert store.open("nextedit-tiny").version == "0.1.0"
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(installed.path.stat().st_mode) == 0o700
    assert [item.is_current for item in store.installed()] == [True]


def test_versions_stand_side_by_side_and_the_newest_install_is_used(
    store: BundleStore, bundles: dict[str, Path]
) -> None:
    for version in ("0.1.0", "0.2.0"):
        store.install(bundles[version])
    assert [(i.version, i.is_current) for i in store.installed()] == [
        ("0.2.0", True),
        ("0.1.0", False),
    ]
    store.use("nextedit-tiny", "0.1.0")
    assert store.open("nextedit-tiny").version == "0.1.0"


def test_rolling_back_goes_to_the_version_before_and_not_to_one_that_failed(
    store: BundleStore, bundles: dict[str, Path]
) -> None:
    for version in ("0.1.0", "0.2.0", "0.3.0"):
        store.install(bundles[version])
    assert store.rollback("nextedit-tiny") == "0.2.0"
    assert store.rollback("nextedit-tiny") == "0.1.0"
    assert store.choices()["nextedit-tiny"].refused == ("0.3.0", "0.2.0")
    with pytest.raises(BundleError, match="no earlier version"):
        store.rollback("nextedit-tiny")


def test_nothing_goes_below_the_publishers_floor(
    store: BundleStore, bundles: dict[str, Path]
) -> None:
    store.install(bundles["0.1.0"])
    store.install(bundles["0.2.0"], floor="0.2.0")
    with pytest.raises(BundleError, match=r"below 0\.2\.0"):
        store.use("nextedit-tiny", "0.1.0")
    with pytest.raises(BundleError, match="no earlier version"):
        store.rollback("nextedit-tiny")
    store.install(bundles["0.3.0"], floor="0.1.0")
    assert store.choices()["nextedit-tiny"].floor == "0.2.0"


def test_a_changed_file_is_found_and_installing_again_mends_it(
    store: BundleStore, bundles: dict[str, Path]
) -> None:
    installed = store.install(bundles["0.1.0"])
    with open(installed.path / "model.onnx", "r+b") as file:
        file.seek(1000)
        file.write(b"\x00\x01\x02\x03")
    with pytest.raises(BundleError, match="install again"):
        store.open("nextedit-tiny")
    store.install(bundles["0.1.0"])
    assert store.open("nextedit-tiny").version == "0.1.0"


def test_an_added_file_is_found(store: BundleStore, bundles: dict[str, Path]) -> None:
    installed = store.install(bundles["0.1.0"])
    (installed.path / "extra.bin").write_bytes(b"x")
    with pytest.raises(BundleError, match="added"):
        store.open("nextedit-tiny")


def test_another_content_under_the_same_version_is_refused(
    store: BundleStore, bundles: dict[str, Path], tmp_path: Path
) -> None:
    store.install(bundles["0.1.0"])
    other = make_bundle(tmp_path / "other", version="0.1.0", seed=99)
    with pytest.raises(BundleError, match="new version"):
        store.install(other)
    assert store.open("nextedit-tiny").version == "0.1.0"


def test_what_the_canary_refuses_leaves_no_trace(tmp_path: Path, bundles: dict[str, Path]) -> None:
    good = BundleStore(tmp_path / "store")
    good.install(bundles["0.1.0"])

    def refuse(path: Path) -> None:
        raise BundleError("golden tokens differ")

    with pytest.raises(BundleError, match="golden"):
        BundleStore(tmp_path / "store", canary=refuse).install(bundles["0.2.0"])
    assert [item.version for item in good.installed()] == ["0.1.0"]
    assert not list(good.root.glob(".staging-*"))


def test_the_bundle_in_use_is_not_removed_and_others_are(
    store: BundleStore, bundles: dict[str, Path]
) -> None:
    store.install(bundles["0.1.0"])
    store.install(bundles["0.2.0"])
    with pytest.raises(BundleError, match="in use"):
        store.remove("nextedit-tiny", "0.2.0")
    store.remove("nextedit-tiny", "0.1.0")
    assert [item.version for item in store.installed()] == ["0.2.0"]


def test_a_damaged_choice_is_told_and_mended_by_choosing(
    store: BundleStore, bundles: dict[str, Path]
) -> None:
    store.install(bundles["0.1.0"])
    (store.root / "current.json").write_text("{")
    with pytest.raises(BundleError, match="model use"):
        store.open("nextedit-tiny")
    store.use("nextedit-tiny", "0.1.0")
    assert store.open("nextedit-tiny").version == "0.1.0"


@pytest.mark.parametrize("id", ["../up", "a/b", "", ".hidden", "UP", "x" * 80])
def test_an_id_that_is_no_id_reaches_no_folder(store: BundleStore, id: str) -> None:
    with pytest.raises(BundleError):
        store.path(id, "0.1.0")


@pytest.mark.parametrize("version", ["1", "1.0", "../0.1.0", "1.0.0/..", "v1.0.0"])
def test_a_version_that_is_none_is_refused(store: BundleStore, version: str) -> None:
    with pytest.raises(BundleError):
        store.path("nextedit-tiny", version)


def test_versions_are_ordered_as_semantic_versions_are() -> None:
    ordered = ["0.1.0-rc1", "0.1.0", "0.2.0", "0.10.0", "1.0.0"]
    shuffled = [ordered[i] for i in (3, 0, 4, 2, 1)]
    assert sorted(shuffled, key=version_key) == ordered


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path, bundles: dict[str, Path]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match="cannot be written"):
        BundleStore(tmp_path / "file" / "store").install(bundles["0.1.0"])


def test_a_full_disk_leaves_the_old_bundle(tmp_path: Path, bundles: dict[str, Path]) -> None:
    def full(step: str) -> None:
        if step == "copy model.onnx":
            raise OSError(28, "No space left on device")

    BundleStore(tmp_path).install(bundles["0.1.0"])
    with pytest.raises(BundleError, match="No space left"):
        BundleStore(tmp_path, on_step=full).install(bundles["0.2.0"])
    assert BundleStore(tmp_path).open("nextedit-tiny").version == "0.1.0"
    assert not list(tmp_path.glob(".staging-*"))


# A process that has no threads, so that its forks can't inherit a lock that nobody will open.
_KILLED = """
import os, signal, sys
from pathlib import Path
from nextedit_jupyter.bundles.store import BundleStore

def install(source, left):
    def step(name):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    BundleStore(Path(sys.argv[1]), on_step=step).install(Path(source))

for line in sys.stdin:
    left, source = line.rstrip().split(" ", 1)
    child = os.fork()
    if child == 0:
        install(source, int(left))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
def test_killed_at_each_step_three_times_there_is_never_half_a_bundle(
    tmp_path: Path, bundles: dict[str, Path]
) -> None:
    store = BundleStore(tmp_path)
    store.install(bundles["0.1.0"])
    codes = []
    command = [sys.executable, "-c", _KILLED, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as forking:
        assert forking.stdin
        assert forking.stdout
        for turn in range(39):
            source = bundles[("0.2.0", "0.3.0")[turn % 2]]
            forking.stdin.write(f"{1 + turn % 13} {source}\n")
            codes.append(int(forking.stdout.readline()))
            for item in store.installed():
                assert store.open(item.id, item.version).version == item.version
            assert store.open("nextedit-tiny").version in ("0.1.0", "0.2.0", "0.3.0")
            if turn % 3 == 0:
                store.use("nextedit-tiny", "0.1.0")
                for version in {item.version for item in store.installed()} - {"0.1.0"}:
                    store.remove("nextedit-tiny", version)
    assert set(codes) == {0, -signal.SIGKILL}
    store.install(bundles["0.2.0"])
    assert not list(tmp_path.glob(".staging-*"))


def test_two_processes_at_once_both_succeed(tmp_path: Path, bundles: dict[str, Path]) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from nextedit_jupyter.bundles.store import BundleStore\n"
        "BundleStore(Path(sys.argv[1])).install(Path(sys.argv[2]))\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(bundles[version])])
        for version in ("0.1.0", "0.2.0", "0.1.0", "0.3.0")
    ]
    assert [process.wait(60) for process in running] == [0, 0, 0, 0]
    store = BundleStore(tmp_path)
    assert {item.version for item in store.installed()} == {"0.1.0", "0.2.0", "0.3.0"}
    receipt = json.loads((store.path("nextedit-tiny") / "receipt.json").read_text())
    assert set(receipt["files"]) == {"model.onnx", "tokenizer.json", "manifest.json", "CARD.md"}
