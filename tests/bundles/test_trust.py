"""A publisher, a repository, a client, and what may go wrong between them."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from tiny_bundle import make_bundle, make_versions

from nextedit_jupyter.bundles import trust
from nextedit_jupyter.bundles.publish import Publisher
from nextedit_jupyter.bundles.trust import Fetcher, FetchLimits, TrustedRepository
from nextedit_jupyter.core.errors import BundleError

PASSPHRASE = b"a long passphrase"


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("versions")
    return [*make_versions(folder, "0.1.0", "0.2.0", "0.3.0").values()]


@pytest.fixture
def publisher(tmp_path: Path, versions: list[Path]) -> Publisher:
    publisher = Publisher(tmp_path / "repository", tmp_path / "keys", passphrase=PASSPHRASE)
    publisher.init()
    publisher.add(versions[0], changes="the first")
    return publisher


def client(
    publisher: Publisher, state: Path, *, address: str | None = None, fetcher: Fetcher | None = None
) -> TrustedRepository:
    return TrustedRepository(
        address or str(publisher.repository), publisher.root_bytes(1), state, fetcher=fetcher
    )


def test_a_published_bundle_is_found_downloaded_and_the_same(
    publisher: Publisher, versions: list[Path], tmp_path: Path
) -> None:
    repository = client(publisher, tmp_path / "state")
    release = repository.release("nextedit-tiny")
    assert (release.version, release.changes) == ("0.1.0", "the first")
    folder = repository.download("nextedit-tiny", "0.1.0", tmp_path / "got")
    for file in versions[0].iterdir():
        assert (folder / file.name).read_bytes() == file.read_bytes()


def test_a_new_version_is_seen_with_its_floor(
    publisher: Publisher, versions: list[Path], tmp_path: Path
) -> None:
    publisher.add(versions[1], min_safe_version="0.2.0")
    release = client(publisher, tmp_path / "state").release("nextedit-tiny")
    assert (release.version, release.min_safe_version) == ("0.2.0", "0.2.0")


def test_a_bundle_signed_with_another_key_is_refused(
    publisher: Publisher, versions: list[Path], tmp_path: Path
) -> None:
    root = publisher.root_bytes(1)
    mallory = Publisher(tmp_path / "evil", tmp_path / "evil-keys", passphrase=None)
    mallory.init()
    mallory.add(versions[1])
    with pytest.raises(BundleError, match="could not be verified"):
        TrustedRepository(str(mallory.repository), root, tmp_path / "state").release(
            "nextedit-tiny"
        )


def test_signatures_below_the_threshold_are_refused(publisher: Publisher, tmp_path: Path) -> None:
    publisher.rotate("targets")
    path = publisher.repository / "metadata" / "2.root.json"
    value = json.loads(path.read_text())
    value["signatures"] = value["signatures"][:1]
    path.write_text(json.dumps(value))
    with pytest.raises(BundleError, match="could not be verified"):
        client(publisher, tmp_path / "state").release("nextedit-tiny")


def test_a_repository_that_goes_back_in_time_is_refused(
    publisher: Publisher, versions: list[Path], tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(publisher.repository, old)
    publisher.add(versions[1])
    assert client(publisher, tmp_path / "state").release("nextedit-tiny").version == "0.2.0"
    with pytest.raises(BundleError, match="could not be verified"):
        client(publisher, tmp_path / "state", address=str(old)).release("nextedit-tiny")


def test_a_frozen_repository_expires_and_says_so(tmp_path: Path, versions: list[Path]) -> None:
    past = datetime.now(UTC) - timedelta(days=20)
    publisher = Publisher(tmp_path / "r", tmp_path / "k", passphrase=None, now=past)
    publisher.init()
    publisher.add(versions[0])
    with pytest.raises(BundleError, match=r"expired.*keeps working"):
        client(publisher, tmp_path / "state").release("nextedit-tiny")
    Publisher(tmp_path / "r", tmp_path / "k", passphrase=None).sign()
    assert client(publisher, tmp_path / "state").release("nextedit-tiny").version == "0.1.0"


def test_files_of_two_releases_are_not_mixed(
    publisher: Publisher, versions: list[Path], tmp_path: Path
) -> None:
    before = (publisher.repository / "metadata" / "2.snapshot.json").read_bytes()
    publisher.add(versions[1])
    newest = max(
        (publisher.repository / "metadata").glob("*.snapshot.json"),
        key=lambda path: int(path.name.split(".")[0]),
    )
    newest.write_bytes(before)
    with pytest.raises(BundleError, match="could not be verified"):
        client(publisher, tmp_path / "state").release("nextedit-tiny")


def _target(publisher: Publisher, name: str) -> Path:
    (path,) = (publisher.repository / "targets" / "nextedit-tiny" / "0.1.0").glob(f"*.{name}")
    return path


@pytest.mark.parametrize("damage", ["changed", "shorter", "longer", "missing"])
def test_a_file_of_another_content_or_length_is_refused(
    publisher: Publisher, tmp_path: Path, damage: str
) -> None:
    path = _target(publisher, "model.onnx")
    data = path.read_bytes()
    match damage:
        case "changed":
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "shorter":
            path.write_bytes(data[:-1])
        case "longer":
            path.write_bytes(data + b"x")
        case _:
            path.unlink()
    with pytest.raises(BundleError):
        client(publisher, tmp_path / "state").download("nextedit-tiny", "0.1.0", tmp_path / "got")
    assert not (tmp_path / "got" / "model.onnx").exists()


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp"])
def test_rotated_keys_are_followed_and_the_old_ones_no_longer_count(
    publisher: Publisher, versions: list[Path], tmp_path: Path, role: str
) -> None:
    assert client(publisher, tmp_path / "state").release("nextedit-tiny").version == "0.1.0"
    publisher.rotate(role)
    publisher.add(versions[1])
    assert client(publisher, tmp_path / "state").release("nextedit-tiny").version == "0.2.0"
    for number in (1, 2):
        old = publisher.keys / f"{role}-{number}.pem"
        if role == "root" or number == 1:
            old.unlink()
    publisher.add(versions[2])
    assert client(publisher, tmp_path / "fresh").release("nextedit-tiny").version == "0.3.0"


def test_a_delegated_role_signs_its_own_bundle_and_no_other(
    publisher: Publisher, tmp_path: Path
) -> None:
    specialist = make_bundle(tmp_path / "r", id="nextedit-r", version="1.0.0", language="r")
    publisher.add(specialist, role="r-team")
    repository = client(publisher, tmp_path / "state")
    assert repository.release("nextedit-r").version == "1.0.0"
    assert repository.release("nextedit-tiny").version == "0.1.0"
    other = Publisher(publisher.repository, publisher.keys, passphrase=PASSPHRASE)
    targets = other._targets("r-team")
    other._add_target(targets.signed, "nextedit-tiny/latest.json", b'{"id": "nextedit-tiny"}')
    other._publish({"r-team": targets})
    assert client(publisher, tmp_path / "state").release("nextedit-tiny").version == "0.1.0"


def test_keys_are_encrypted_and_a_wrong_passphrase_is_told(
    publisher: Publisher, versions: list[Path]
) -> None:
    for key in publisher.keys.glob("*.pem"):
        assert b"ENCRYPTED" in key.read_bytes()
        assert key.stat().st_mode & 0o077 == 0
    wrong = Publisher(publisher.repository, publisher.keys, passphrase=b"another")
    with pytest.raises(BundleError, match="passphrase"):
        wrong.add(versions[1])


def test_a_version_is_published_once(publisher: Publisher, versions: list[Path]) -> None:
    with pytest.raises(BundleError, match="published already"):
        publisher.add(versions[0])


def test_only_https_loopback_and_folders_are_fetched(publisher: Publisher, tmp_path: Path) -> None:
    for address in ("http://example.org/", "ftp://example.org/"):
        with pytest.raises(BundleError, match="not allowed"):
            client(publisher, tmp_path / "state", address=address).release("nextedit-tiny")


class Server:
    """A static server on loopback that can break off, dribble, or never end."""

    def __init__(self, folder: Path) -> None:
        self.requests: list[tuple[str, str | None]] = []
        self.break_after: int | None = None
        self.endless = False
        self.slow_headers = threading.Event()
        self.slow_headers.set()
        outer = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                span = self.headers.get("Range")
                outer.requests.append((self.path, span))
                path = Path(self.translate_path(self.path))
                if not path.is_file():
                    self.send_error(404)
                    return
                data = path.read_bytes()
                start = int(span[6:-1]) if span else 0
                if start >= len(data) and span:
                    self.send_error(416)
                    return
                if not outer.slow_headers.is_set():
                    self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
                    self.wfile.flush()
                    outer.slow_headers.wait(20)
                    return
                self.send_response(206 if span else 200)
                if not outer.endless:
                    self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                try:
                    if outer.endless and path.name.endswith("model.onnx"):
                        for _ in range(2_000):
                            self.wfile.write(b"\0" * 65_536)
                    elif outer.break_after is not None and path.name.endswith("model.onnx"):
                        self.wfile.write(data[start : start + outer.break_after])
                    else:
                        self.wfile.write(data[start:])
                except (BrokenPipeError, ConnectionResetError):
                    pass

        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), partial(Handler, directory=str(folder))
        )
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(publisher: Publisher) -> Iterator[Server]:
    server = Server(publisher.repository)
    yield server
    server.close()


def test_a_broken_download_goes_on_where_it_broke_off(
    publisher: Publisher, server: Server, versions: list[Path], tmp_path: Path
) -> None:
    server.break_after = 20_000
    with pytest.raises(BundleError, match="try again"):
        client(publisher, tmp_path / "state", address=server.address).download(
            "nextedit-tiny", "0.1.0", tmp_path / "got"
        )
    server.break_after = None
    server.requests.clear()
    client(publisher, tmp_path / "state", address=server.address).download(
        "nextedit-tiny", "0.1.0", tmp_path / "got"
    )
    spans = [span for path, span in server.requests if path.endswith("model.onnx")]
    assert spans == ["bytes=20000-"]
    assert (tmp_path / "got" / "model.onnx").read_bytes() == (
        versions[0] / "model.onnx"
    ).read_bytes()


def test_an_endless_body_is_cut_at_the_announced_length(
    publisher: Publisher, server: Server, tmp_path: Path
) -> None:
    server.endless = True
    with pytest.raises(BundleError, match="longer than announced"):
        client(publisher, tmp_path / "state", address=server.address).download(
            "nextedit-tiny", "0.1.0", tmp_path / "got"
        )
    assert sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file()) < 5_000_000


def test_a_body_slower_than_the_limit_is_given_up(
    publisher: Publisher, server: Server, tmp_path: Path
) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 10
        return now[0]

    fetcher = Fetcher(tmp_path / "partial", limits=FetchLimits(total_s=5), clock=clock)
    with pytest.raises(BundleError, match="took longer"):
        client(publisher, tmp_path / "state", address=server.address, fetcher=fetcher).release(
            "nextedit-tiny"
        )


def test_a_body_that_trickles_is_given_up(
    publisher: Publisher, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "_CHUNK", 512)
    now = [0.0]

    def clock() -> float:
        now[0] += 2.0
        return now[0]

    limits = FetchLimits(total_s=1e9, window_s=30.0, window_bytes=1 << 30)
    fetcher = Fetcher(tmp_path / "partial", limits=limits, clock=clock)
    with pytest.raises(BundleError, match="too slow"):
        client(publisher, tmp_path / "state", address=server.address, fetcher=fetcher).download(
            "nextedit-tiny", "0.1.0", tmp_path / "got"
        )
    assert any((tmp_path / "partial").iterdir())


def test_headers_that_do_not_end_are_given_up(
    publisher: Publisher, server: Server, tmp_path: Path
) -> None:
    server.slow_headers.clear()
    limits = FetchLimits(begin_s=0.2)
    fetcher = Fetcher(tmp_path / "partial", limits=limits)
    with pytest.raises(BundleError, match="gave no answer"):
        client(publisher, tmp_path / "state", address=server.address, fetcher=fetcher).release(
            "nextedit-tiny"
        )
    server.slow_headers.set()


def test_the_time_is_for_all_files_of_a_release_together(
    publisher: Publisher, server: Server, tmp_path: Path
) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    limits = FetchLimits(total_s=12)
    fetcher = Fetcher(tmp_path / "partial", limits=limits, clock=clock)
    with pytest.raises(BundleError, match="the whole download"):
        client(publisher, tmp_path / "state", address=server.address, fetcher=fetcher).download(
            "nextedit-tiny", "0.1.0", tmp_path / "got"
        )


@pytest.mark.parametrize("id", ["current.json", "../up", "", "A", "lock"])
def test_an_id_that_is_none_is_not_asked_for(publisher: Publisher, tmp_path: Path, id: str) -> None:
    with pytest.raises(BundleError, match="not a bundle id"):
        client(publisher, tmp_path / "state").release(id)


def test_a_pipe_in_a_repository_is_no_file(publisher: Publisher, tmp_path: Path) -> None:
    timestamp = publisher.repository / "metadata" / "timestamp.json"
    timestamp.unlink()
    os.mkfifo(timestamp)
    with pytest.raises(BundleError, match="regular file"):
        client(publisher, tmp_path / "state").release("nextedit-tiny")


def test_a_server_that_is_not_there_is_told(publisher: Publisher, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="try again later"):
        client(publisher, tmp_path / "state", address="http://127.0.0.1:9/").release(
            "nextedit-tiny"
        )
