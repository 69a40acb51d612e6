"""Which bundle answers, and what is left after it failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_bundle import make_bundle, make_versions

from nextedit_jupyter.bundles import active, bundle
from nextedit_jupyter.bundles.active import (
    active_bundle,
    candidates,
    put_back,
    roll_back,
    user_store,
)
from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.core import Caret, Cell, Notebook, SuggestRequest
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.suggest import build_suggester

ID = "nextedit-python"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    return make_versions(folder, "0.9.0", "1.0.0", "1.1.0", "1.2.0", id=ID)


@pytest.fixture
def store(tmp_path: Path, made: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> BundleStore:
    """The user's store, empty, beside a packaged bundle 1.0.0."""
    monkeypatch.delenv("NEXTEDIT_BUNDLE", raising=False)
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(active, "packaged_bundle_path", lambda: made["1.0.0"])
    monkeypatch.setattr(bundle, "packaged_bundle_path", lambda: made["1.0.0"])
    return user_store()


def used() -> str:
    return active_bundle()[0].version


def test_the_store_lies_in_the_data_folder_and_its_version_answers(
    store: BundleStore, made: dict[str, Path], tmp_path: Path
) -> None:
    assert store.root == tmp_path / "data" / "bundles"
    assert used() == "1.0.0"
    store.install(made["1.1.0"])
    assert used() == "1.1.0"
    assert active_bundle()[1] is None


def test_a_bundle_that_was_named_is_the_only_one(
    store: BundleStore, made: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store.install(made["1.1.0"])
    assert active_bundle(made["0.9.0"])[0].version == "0.9.0"
    monkeypatch.setenv("NEXTEDIT_BUNDLE", str(made["1.2.0"]))
    assert used() == "1.2.0"
    with pytest.raises(BundleError):
        active_bundle(tmp_path / "nowhere")
    monkeypatch.setenv("NEXTEDIT_BUNDLE", str(tmp_path / "nowhere"))
    with pytest.raises(BundleError, match="correct or unset"):
        candidates()


def test_an_upgrade_of_the_package_wins_over_an_older_install(
    store: BundleStore, made: dict[str, Path]
) -> None:
    store.install(made["0.9.0"])
    assert used() == "1.0.0"


def test_another_bundle_answers_once_it_was_chosen(
    store: BundleStore, tmp_path: Path, made: dict[str, Path]
) -> None:
    store.install(made["1.1.0"])
    store.install(make_bundle(tmp_path / "own", id="own", version="0.1.0"))
    assert used() == "1.1.0"
    store.serve("own")
    assert active_bundle()[0].label == "own/0.1.0"
    assert [c.path.parent.name for c in candidates()][:2] == ["own", ID]


def test_a_model_for_any_language_that_is_put_in_use_answers_in_python(
    store: BundleStore, tmp_path: Path, made: dict[str, Path]
) -> None:
    store.install(made["1.1.0"])
    store.install(make_bundle(tmp_path / "any", id="any", version="0.1.0", language="*"))
    request = SuggestRequest(
        Notebook("python", (Cell("a", "code", "import num"),)), Caret("a", 10), want=("inline",)
    )
    assert build_suggester().answer(request).bundle == f"{ID}/1.1.0"
    store.serve("any")
    assert build_suggester().answer(request).bundle == "any/0.1.0"


def test_a_version_that_was_left_is_put_back_unless_another_was_chosen(
    store: BundleStore, made: dict[str, Path]
) -> None:
    store.install(made["1.1.0"])
    store.install(made["1.2.0"])
    assert roll_back(f"{ID}/1.1.0") is None, "another one answers"
    assert roll_back(f"{ID}/1.2.0") is not None
    assert put_back(f"{ID}/1.2.0")
    assert used() == "1.2.0"
    for version in ("1.2.0", "1.1.0"):  # through the store to the package, and back
        assert roll_back(f"{ID}/{version}") is not None
    assert put_back(f"{ID}/1.1.0")
    roll_back()
    store.use(ID, "1.2.0")
    store.use(ID, "1.1.0")
    assert not put_back(f"{ID}/1.2.0")
    assert not put_back("unknown/1.0.0")
    assert used() == "1.1.0"


def test_a_store_that_others_can_write_to_is_named_and_the_package_answers(
    store: BundleStore, made: dict[str, Path]
) -> None:
    store.install(made["1.1.0"])
    store.root.chmod(0o777)
    suggester = build_suggester()
    assert suggester.bundle == f"{ID}/1.0.0"
    assert suggester.problem is not None
    assert "chmod o-w" in suggester.problem


def test_a_bundle_that_is_switched_off_is_passed_over(
    store: BundleStore, made: dict[str, Path]
) -> None:
    store.install(made["1.1.0"])
    assert build_suggester(off=[f"{ID}/1.1.0"]).bundle == f"{ID}/1.0.0"
    assert build_suggester(off=[f"{ID}/1.1.0", f"{ID}/1.0.0"]).bundle is None


def test_a_damaged_install_falls_back_and_the_suggester_says_so(
    store: BundleStore, made: dict[str, Path]
) -> None:
    installed = store.install(made["1.1.0"])
    with open(installed.path / "model.onnx", "r+b") as file:
        file.write(b"garbage")
    suggester = build_suggester()
    assert suggester.bundle == f"{ID}/1.0.0"
    assert suggester.model is not None
    assert suggester.problem is not None
    assert "1.1.0 cannot be used" in suggester.problem
    assert "model install" in suggester.problem


def test_a_damaged_store_falls_back_too(store: BundleStore, made: dict[str, Path]) -> None:
    store.install(made["1.1.0"])
    (store.root / "current.json").write_text("[")
    assert used() == "1.0.0"
    (store.root / "serving.json").write_text('{"id": "../../etc"}')
    assert used() == "1.0.0"


def test_rolling_back_goes_through_the_store_to_the_package_and_ends_there(
    store: BundleStore, made: dict[str, Path]
) -> None:
    store.install(made["1.1.0"])
    store.install(made["1.2.0"])
    said = [roll_back(), used(), roll_back(), used(), roll_back(), used()]
    assert said[0] == f"{ID} 1.2.0 was rolled back to {ID} 1.1.0"
    assert said[1] == "1.1.0"
    assert said[2] is not None
    assert "of the package" in said[2]
    assert said[3:] == ["1.0.0", None, "1.0.0"]
    assert not any(item.is_current for item in store.installed())
    store.use(ID, "1.2.0")
    assert used() == "1.2.0"


def test_a_bundle_that_was_named_is_never_left(
    store: BundleStore, made: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.install(made["1.1.0"])
    store.install(made["1.2.0"])
    monkeypatch.setenv("NEXTEDIT_BUNDLE", str(made["0.9.0"]))
    assert roll_back() is None
    assert store.choices()[ID].current == "1.2.0"


def test_nothing_below_the_publishers_floor_answers(
    store: BundleStore, made: dict[str, Path]
) -> None:
    store.install(made["1.1.0"], floor="1.1.0")
    assert roll_back() is None
    store.refuse(ID)
    with pytest.raises(BundleError, match="model update"):
        candidates()


def test_the_last_version_can_be_removed_and_the_package_answers(
    store: BundleStore, made: dict[str, Path]
) -> None:
    store.install(made["1.1.0"])
    store.remove(ID, "1.1.0")
    assert used() == "1.0.0"
    store.install(made["1.1.0"])
    assert used() == "1.1.0"
