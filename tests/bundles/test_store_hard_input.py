"""The store amid what others may have written, and on a disk that is full."""

from __future__ import annotations

import errno
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_bundle import make_bundle, make_versions

from nextedit_jupyter.bundles import store as store_module
from nextedit_jupyter.bundles.choices import is_identifier, read_choices, write_choices
from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.core.errors import BundleError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files and rights")

ID = "nextedit-tiny"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    return make_versions(folder, "0.1.0", "0.2.0")


@pytest.fixture
def store(tmp_path: Path, made: dict[str, Path]) -> BundleStore:
    """A store with two versions, of which the second is in use."""
    store = BundleStore(tmp_path / "store")
    for folder in made.values():
        store.install(folder)
    return store


OWN_NAMES = ["current.json", "serving.json", "lock", "other.json", "nul", "com1.x", "dot.", "aux"]


@pytest.mark.parametrize("id", OWN_NAMES)
def test_no_bundle_is_called_as_a_file_of_the_stores(
    store: BundleStore, tmp_path: Path, id: str
) -> None:
    assert not is_identifier(id)
    with pytest.raises(BundleError, match="not a bundle id"):
        store.install(make_bundle(tmp_path / "bad", id=id))
    for ask in (store.path, store.serve):
        with pytest.raises(BundleError, match="not a bundle id"):
            ask(id)
    assert store.open(ID).version == "0.2.0"


@pytest.mark.parametrize("id", ["qwen2.5-coder-0.5b", "a.b", "x_1", "locks", "json", "console"])
def test_other_ids_are_free(id: str) -> None:
    assert is_identifier(id)


DAMAGED: list[Any] = [
    [],
    3,
    None,
    "x",
    {ID: None},
    {ID: []},
    {ID: {}},
    {ID: {"current": 3}},
    {ID: {"current": None}},
    {ID: {"current": "../../etc"}},
    {ID: {"current": "0.2.0", "previous": 7}},
    {ID: {"current": "0.2.0", "previous": "../x"}},
    {ID: {"current": "0.2.0", "floor": []}},
    {ID: {"current": "0.2.0", "refused": None}},
    {ID: {"current": "0.2.0", "refused": "0.1.0"}},
    {ID: {"current": "0.2.0", "refused": [3]}},
    {ID: {"current": "0.2.0", "refused": [None]}},
    {ID: {"current": "9" * 5_000 + ".0.0"}},
    {"../up": {"current": "0.2.0"}},
    {"current.json": {"current": "0.2.0"}},
]


def change(store: BundleStore, how: str) -> Any:
    changes: dict[str, Callable[[], Any]] = {
        "rollback": lambda: store.rollback(ID),
        "refuse": lambda: store.refuse(ID),
        "remove": lambda: store.remove(ID, "0.1.0"),
        "use": lambda: store.use(ID, "0.1.0"),
        "serve": lambda: store.serve(ID),
    }
    return changes[how]()


CHANGES = ["rollback", "refuse", "remove", "use", "serve"]


@pytest.mark.parametrize("value", DAMAGED, ids=lambda value: repr(value)[:50])
def test_a_damaged_choice_is_told_in_every_form_and_mended_by_choosing(
    store: BundleStore, value: Any
) -> None:
    (store.root / "current.json").write_text(json.dumps(value))
    for ask in (store.choices, lambda: store.open(ID), lambda: store.rollback(ID)):
        with pytest.raises(BundleError, match="model use"):
            ask()
    assert len(store.installed()) == 2
    store.use(ID, "0.1.0")
    assert store.open(ID).version == "0.1.0"


@pytest.mark.parametrize("data", [b"", b"[" * 100_000, b"\xff\xfe", b"{" + b" " * 2_000_000])
def test_bytes_that_are_no_choice_are_told_and_mended_by_installing(
    store: BundleStore, made: dict[str, Path], data: bytes
) -> None:
    (store.root / "current.json").write_bytes(data)
    (store.root / "serving.json").write_bytes(data)
    with pytest.raises(BundleError, match="model use"):
        store.choices()
    assert store.serving() == "nextedit-python"
    store.install(made["0.1.0"])
    assert store.open(ID).version == "0.1.0"


@pytest.mark.parametrize("name", ["current.json", "serving.json"])
def test_a_pipe_in_place_of_a_file_holds_nobody_up(store: BundleStore, name: str) -> None:
    (store.root / name).unlink(missing_ok=True)
    os.mkfifo(store.root / name)
    assert store.serving() == "nextedit-python"
    assert len(store.installed()) == 2
    store.use(ID, "0.1.0")
    store.serve(ID)
    assert (store.open(ID).version, store.serving()) == ("0.1.0", ID)


@pytest.mark.parametrize("name", ["manifest.json", "receipt.json", "model.onnx"])
def test_a_pipe_among_installed_files_is_damage(
    store: BundleStore, made: dict[str, Path], name: str
) -> None:
    file = store.path(ID) / name
    file.unlink()
    os.mkfifo(file)
    assert len(store.installed()) >= 1
    with pytest.raises(BundleError):
        store.open(ID)
    assert store.rollback(ID) == "0.1.0"


@pytest.mark.parametrize(
    "receipt", ["[]", "3", '{"files": []}', '{"files": {"a": 1}}', "[" * 99999]
)
def test_a_damaged_receipt_is_told(store: BundleStore, receipt: str) -> None:
    (store.path(ID) / "receipt.json").write_text(receipt)
    with pytest.raises(BundleError, match=r"verified|install again"):
        store.open(ID)


@pytest.mark.parametrize("how", CHANGES)
def test_a_full_disk_is_told_and_what_was_chosen_goes_on(
    store: BundleStore, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    before = store.choices()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if how == "remove":  # the version itself goes, which asks for a folder
        monkeypatch.setattr(tempfile, "mkdtemp", full)
    monkeypatch.setattr(store_module, "replace_file", full)
    with pytest.raises(BundleError, match="No space left"):
        change(store, how)
    assert store.choices() == before
    assert store.open(ID).version == "0.2.0"


@pytest.mark.parametrize("how", CHANGES)
def test_a_disk_that_is_full_while_a_file_is_written_leaves_the_old_one(
    store: BundleStore, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    before = store.choices()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    if how != "remove":
        with pytest.raises(BundleError, match="No space left"):
            change(store, how)
    assert store.choices() == before
    assert not list(store.root.glob(".current*"))


def test_only_what_the_manifest_names_is_copied(
    tmp_path: Path, store: BundleStore, made: dict[str, Path]
) -> None:
    source = make_bundle(tmp_path / "more", version="0.3.0")
    (source / "payload.py").write_text("print('mine')")
    (source / "receipt.json").write_text("{}")
    (source / "loop").symlink_to(source)
    os.mkfifo(source / "pipe")
    (source / "folder").mkdir()
    installed = store.install(source)
    assert {file.name for file in installed.path.iterdir()} == {
        *("model.onnx", "tokenizer.json", "manifest.json", "CARD.md", "receipt.json")
    }
    assert store.open(ID).version == "0.3.0"


def closed(path: Path) -> None:
    path.chmod(0o700)


@pytest.mark.parametrize("where", ["store", "parent"])
def test_a_store_that_every_user_may_write_to_is_not_used(
    store: BundleStore, made: dict[str, Path], where: str
) -> None:
    folder = store.root if where == "store" else store.root.parent
    folder.chmod(0o777)
    for ask in (
        lambda: store.open(ID),
        lambda: store.install(made["0.1.0"]),
        lambda: store.use(ID, "0.1.0"),
    ):
        called: Callable[[], object] = ask
        with pytest.raises(BundleError, match=f"chmod o-w {folder}"):
            called()
    closed(folder)
    assert store.open(ID).version == "0.2.0"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_elses_store_is_not_used(store: BundleStore) -> None:
    os.chown(store.root, 65534, 65534)
    store_of_others = BundleStore(store.root)
    with pytest.raises(BundleError, match="another user"):
        store_of_others.open(ID)


def test_what_killed_writers_left_is_swept(store: BundleStore, made: dict[str, Path]) -> None:
    (store.root / ".current.json.abc").write_text("half")
    (store.root / ".staging-x").mkdir()
    store.install(made["0.1.0"])
    assert not [file for file in store.root.iterdir() if file.name.startswith(".")]


def test_choices_are_read_as_they_are_written(store: BundleStore) -> None:
    store.rollback(ID)
    choices = store.choices()
    assert read_choices(json.dumps(write_choices(choices)).encode()) == choices
