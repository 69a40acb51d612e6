from __future__ import annotations

import errno
import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from tiny_bundle import make_versions

from nextedit_jupyter.bundles.publish import Publisher
from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.bundles.trust import TrustedRepository
from nextedit_jupyter.bundles.updates import UpdatePolicy, Updates
from nextedit_jupyter.core.errors import BundleError

DAY = 86_400.0


class World:
    """A publisher with 0.1.0 and 0.2.0, a user with 0.1.0, and the time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1_900_000_000.0
        self.publisher = Publisher(folder / "repository", folder / "keys", passphrase=None)
        self.publisher.init(root_keys=1, threshold=1)
        self.versions = make_versions(folder, "0.1.0", "0.2.0", "0.3.0")
        self.publisher.add(self.versions["0.1.0"])
        self.store = BundleStore(folder / "store")
        self.store.install(self.versions["0.1.0"])
        self.asked = 0

    def repository(self) -> TrustedRepository:
        self.asked += 1
        return TrustedRepository(
            str(self.publisher.repository), self.publisher.root_bytes(1), self.folder / "state"
        )

    def updates(self, *, configured: bool = True, **policy: bool) -> Updates:
        return Updates(
            self.store,
            "nextedit-tiny",
            self.repository if configured else None,
            self.folder / "updates",
            policy=UpdatePolicy(**policy),
            clock=lambda: self.now,
        )

    @property
    def current(self) -> str:
        return self.store.choices()["nextedit-tiny"].current


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_release_is_installed_announced_and_used_only_after_the_switch(world: World) -> None:
    updates = world.updates()
    assert updates.run().state == "current"
    world.publisher.add(world.versions["0.2.0"], changes="longer suggestions")
    status = updates.run()
    assert (status.state, status.version, status.changes) == (
        "ready",
        "0.2.0",
        "longer suggestions",
    )
    assert world.current == "0.1.0"
    assert updates.switch().state == "switched"
    assert world.current == "0.2.0"


def test_it_looks_once_a_week_and_sooner_after_a_failure(world: World) -> None:
    updates = world.updates()
    assert updates.is_due()
    updates.run()
    world.now += 6 * DAY
    assert not updates.is_due()
    world.now += 1.1 * DAY
    assert updates.is_due()
    (world.publisher.repository / "metadata" / "timestamp.json").unlink()
    assert updates.run().state == "failed"
    world.now += DAY / 8
    assert not updates.is_due()
    world.now += DAY / 4
    assert updates.is_due()


def test_without_a_repository_or_by_policy_nothing_is_ever_asked(world: World) -> None:
    for updates in (world.updates(configured=False), world.updates(enabled=False)):
        assert not updates.is_due()
        assert updates.run(asked=True).state == "never"
    assert world.asked == 0


@pytest.mark.parametrize("link", [{"on_mains": False}, {"metered": True}])
def test_on_battery_or_a_metered_link_it_is_only_announced(
    world: World, link: dict[str, bool]
) -> None:
    world.publisher.add(world.versions["0.2.0"])
    updates = world.updates()
    assert updates.run(**link).state == "available"
    assert [item.version for item in world.store.installed()] == ["0.1.0"]
    assert updates.run(asked=True, **link).state == "ready"


def test_what_the_canary_refuses_is_told_and_not_used(world: World) -> None:
    def refuse(path: Path) -> None:
        raise BundleError("golden tokens differ")

    world.publisher.add(world.versions["0.2.0"])
    world.store = BundleStore(world.folder / "store", canary=refuse)
    updates = world.updates()
    status = updates.run()
    assert (status.state, status.problem) == ("failed", "golden tokens differ")
    assert updates.switch().state == "failed"
    assert world.current == "0.1.0"


def test_a_version_left_by_a_roll_back_does_not_come_again_by_itself(world: World) -> None:
    world.publisher.add(world.versions["0.2.0"])
    updates = world.updates()
    updates.run()
    updates.switch()
    world.store.rollback("nextedit-tiny")
    assert updates.run().state == "current"
    assert updates.switch().state == "current"
    world.publisher.add(world.versions["0.3.0"])
    assert updates.run().version == "0.3.0"


def test_a_clock_that_jumps_back_only_brings_the_next_check_forward(world: World) -> None:
    updates = world.updates()
    updates.run()
    world.now -= 3650 * DAY
    assert updates.is_due()
    assert updates.run().state == "current"
    assert not updates.is_due()


def test_a_full_disk_says_nothing_about_the_version(world: World) -> None:
    def full(name: str) -> None:
        if name == "receipt":
            raise OSError(errno.ENOSPC, "No space left on device")

    world.publisher.add(world.versions["0.2.0"])
    world.store = BundleStore(world.folder / "store", on_step=full)
    status = world.updates().run()
    assert (status.state, status.refused) == ("failed", False)
    assert "No space left" in status.problem
    world.store = BundleStore(world.folder / "store")
    world.now += DAY
    updates = world.updates()
    assert updates.is_due()
    assert updates.run().state == "ready"
    assert list((world.folder / "updates" / "downloads").iterdir()) == []


def test_what_cannot_be_kept_at_all_is_told_and_never_raised(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.publisher.add(world.versions["0.2.0"])
    (world.folder / "updates").write_text("no folder")
    status = world.updates().run()
    assert status.state == "failed"
    assert status.problem


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
def test_killed_in_the_middle_of_an_update_the_next_start_goes_on(world: World) -> None:
    """At each step of it: fetched, copied, tried, entered, not yet announced."""
    world.publisher.add(world.versions["0.2.0"])
    context = multiprocessing.get_context("fork")
    for step in range(1, 30):
        left = [step]

        def die(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        world.store = BundleStore(world.folder / "store", on_step=die)
        child = context.Process(target=lambda: world.updates().run())
        child.start()
        child.join(60)
        world.store = BundleStore(world.folder / "store")
        assert world.current == "0.1.0"
        for item in world.store.installed():
            world.store.open(item.id, item.version)
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        assert world.updates().is_due()
    assert step > 5
    assert world.updates().status().state == "ready"
    assert world.updates().switch().state == "switched"
    assert world.current == "0.2.0"
    assert list((world.folder / "updates" / "downloads").iterdir()) == []
