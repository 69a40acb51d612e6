"""The store on a disk that fills up, at every place where it could, and under several who change it
at once."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tiny_bundle import make_versions

from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.core.errors import BundleError, StoreError
from nextedit_jupyter.core.history import EditEvent
from nextedit_jupyter.core.history_store import HistoryStore

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX files and rights"),
]

ID = "nextedit-tiny"
CHANGES: dict[str, Callable[[BundleStore, Path], Any]] = {
    "install": lambda store, source: store.install(source),
    "use": lambda store, _: store.use(ID, "0.1.0"),
    "rollback": lambda store, _: store.rollback(ID),
    "refuse": lambda store, _: store.refuse(ID),
    "serve": lambda store, _: store.serve(ID),
    "remove": lambda store, _: store.remove(ID, "0.1.0"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    return make_versions(folder, "0.1.0", "0.2.0", "0.3.0")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, made: dict[str, Path]) -> Path:
    """A store with two versions, of which the second is in use."""
    root = tmp_path_factory.mktemp("filled") / "store"
    for version in ("0.1.0", "0.2.0"):
        BundleStore(root).install(made[version])
    return root


def is_whole(store: BundleStore) -> bool:
    """Whether what is installed can be opened, and what is chosen is one of it."""
    for item in store.installed():
        store.open(item.id, item.version)
    choice = store.choices()[ID]
    return not choice.is_usable or store.open(ID).version == choice.current


def seems_whole(store: BundleStore) -> bool:
    """The same while others change it: between two reads another may have been chosen."""
    try:
        return is_whole(store)
    except BundleError:
        return False


def told_if_full(change: Callable[[], Any]) -> bool:
    """Whether the change said that the disk is full; it either works or says so."""
    try:
        change()
    except StoreError as error:
        if "No space left" not in str(error):
            raise
        return True
    return False


@contextlib.contextmanager
def failing_at(call: int, patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The `call`th thing that a disk is asked to change does not work: it is full."""
    asked: list[str] = []

    def wrapped(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def function(*args: Any, **kw: Any) -> Any:
            asked.append(name)
            if len(asked) == call:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args, **kw)

        return function

    with patch.context() as patched:
        for module, name in (
            *((os, name) for name in ("fsync", "replace", "mkdir", "chmod")),
            *((tempfile, name) for name in ("mkstemp", "mkdtemp")),
            (shutil, "copyfileobj"),
        ):
            patched.setattr(module, name, wrapped(name, getattr(module, name)))
        yield asked


@pytest.mark.parametrize("how", CHANGES)
def test_wherever_the_disk_is_full_the_store_is_as_before_or_as_wanted(
    tmp_path: Path, filled: Path, made: dict[str, Path], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    failures = 0
    for call in range(1, 60):
        root = tmp_path / str(call)
        shutil.copytree(filled, root)
        root.chmod(0o700)
        store = BundleStore(root)
        with failing_at(call, monkeypatch) as asked:
            failures += told_if_full(partial(CHANGES[how], store, made["0.3.0"]))
        assert is_whole(store), (call, asked)
        CHANGES["install"](store, made["0.3.0"])  # with room again
        assert store.open(ID).version == "0.3.0"
        assert not [path for path in root.iterdir() if path.name.startswith(".")], (call, asked)
        if len(asked) < call:
            break
    assert failures >= 2
    assert len(asked) < call


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes; skipped where none may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip("nothing may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, left: int) -> None:
    """Take all of the disk but `left` bytes."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    with open(filler, "ab") as file:
        file.truncate(max(0, filler.stat().st_size - left))


@pytest.mark.skipif(sys.platform != "linux", reason="a disk in memory")
@pytest.mark.parametrize("how", CHANGES)
def test_a_disk_with_ever_so_much_room_leaves_a_whole_store(
    small_disk: Path, filled: Path, made: dict[str, Path], how: str
) -> None:
    said: set[str] = set()
    size = sum(file.stat().st_size for file in made["0.3.0"].iterdir())
    steps = [0, 4096, 8192, 12_288, *range(16_384, 2 * size + 65_536, max(4096, size // 6))]
    for left in steps:
        root = small_disk / "store"
        shutil.copytree(filled, root)
        root.chmod(0o700)
        store = BundleStore(root)
        fill(small_disk, left)
        full = told_if_full(partial(CHANGES[how], store, made["0.3.0"]))
        said.add("full" if full else "done")
        assert is_whole(store), left
        (small_disk / "filler").unlink()
        CHANGES["install"](store, made["0.3.0"])
        assert not [path for path in root.iterdir() if path.name.startswith(".")], left
        shutil.rmtree(root)
    assert "done" in said
    assert how != "install" or "full" in said


@pytest.mark.skipif(sys.platform != "linux", reason="a disk in memory")
def test_a_history_on_a_full_disk_keeps_nothing_and_disturbs_nobody(small_disk: Path) -> None:
    history = HistoryStore(small_disk / "history" / "history.sqlite", settle_s=0)
    history.keep("python", EditEvent("a", "x = 1", "x = 2", "typed", 1.0))
    fill(small_disk, 0)
    for i in range(50):
        history.keep("python", EditEvent("a", f"x = {i}", f"x = {'9' * 9_000}", "typed", 1.0))
    assert len(history) >= 1
    (small_disk / "filler").unlink()
    before = len(history)
    history.keep("python", EditEvent("a", "y = 1", "y = 2", "typed", 1.0))
    assert len(history) == before + 1
    history.close()
    fill(small_disk, 0)
    late = HistoryStore(small_disk / "other" / "history.sqlite", settle_s=0)
    late.keep("python", EditEvent("a", "x = 1", "x = 2", "typed", 1.0))
    late.close()


_CHANGER = """
import random, sys
from pathlib import Path
from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.core.errors import BundleError
store, draw = BundleStore(Path(sys.argv[1])), random.Random(int(sys.argv[2]))
for _ in range(25):
    how = draw.choice(["install", "use", "rollback", "refuse"])
    try:
        if how == "install":
            store.install(Path(draw.choice(sys.argv[3:])))
        elif how == "use":
            store.use("nextedit-tiny", draw.choice(["0.1.0", "0.2.0"]))
        else:
            getattr(store, how)("nextedit-tiny")
    except BundleError:
        pass
"""


def test_several_servers_that_change_one_store_at_once_leave_it_whole(
    tmp_path: Path, filled: Path, made: dict[str, Path]
) -> None:
    root = tmp_path / "store"
    shutil.copytree(filled, root)
    root.chmod(0o700)
    store, sources = BundleStore(root), [str(folder) for folder in made.values()]
    running = [
        subprocess.Popen([sys.executable, "-c", _CHANGER, str(root), str(seed), *sources])
        for seed in range(3)
    ]
    seen = 0
    while any(process.poll() is None for process in running):
        assert any(seems_whole(store) for _ in range(50))
        seen += 1
    assert [process.returncode for process in running] == [0, 0, 0]
    assert seen > 3
    store.install(made["0.3.0"])
    assert store.open(ID).version == "0.3.0"


def test_what_another_process_removes_meanwhile_is_not_listed(
    tmp_path: Path, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "store"
    shutil.copytree(filled, root)
    (root / ".staging-other").mkdir()
    going = root / "gone-tiny"
    shutil.copytree(root / ID, going)
    (root / ID / "0.9.9").write_text("not a folder")
    listed = Path.iterdir

    def iterdir(folder: Path) -> Iterator[Path]:
        assert not folder.name.startswith(".staging")
        entries = list(listed(folder))
        if folder == root:
            shutil.rmtree(going)
        return iter(entries)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    installed = BundleStore(root).installed()
    assert {item.id for item in installed} == {ID}
    assert "0.9.9" not in {item.version for item in installed}


NAMES = ("current.json", "serving.json")


@pytest.mark.parametrize("seed", range(12))
def test_control_files_of_any_bytes_are_told_and_mended(
    tmp_path: Path, filled: Path, made: dict[str, Path], seed: int
) -> None:
    draw = random.Random(seed)
    root = tmp_path / "store"
    shutil.copytree(filled, root)
    root.chmod(0o700)
    store = BundleStore(root)
    store.serve(ID)
    for _ in range(20):
        for name in NAMES:
            data = bytearray(
                (filled if name == "current.json" else root).joinpath(name).read_bytes()
            )
            for _ in range(draw.choice((1, 2, 8))):
                at = draw.randrange(len(data))
                data[at : at + draw.randrange(4)] = draw.randbytes(draw.randrange(4))
            (root / name).write_bytes(data)
        store.serving()
        store.installed()
        for ask in (lambda: store.open(ID), lambda: store.rollback(ID), lambda: store.refuse(ID)):
            with contextlib.suppress(BundleError):
                ask()
        store.use(ID, "0.2.0")
        assert store.open(ID).version == "0.2.0"
        store.serve(ID)
