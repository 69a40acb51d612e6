"""The attacks on the product: each counts what went wrong, and how bad it was.

Requests go to a real worker with the packaged bundle, in its own runtime folder. An attack does not
stop at the first fault: `faults` lists the kinds, with an example of each.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import psutil
from hostile_bundles import KINDS, make_hostile
from hostile_texts import KINDS as TEXTS
from hostile_texts import PLACES, hostile_request
from mutations import cells_of_examples, edited, mutated_body, request
from tiny_bundle import make_bundle, make_versions

from nextedit_jupyter.analysis.index import forget_cells
from nextedit_jupyter.bundles.bundle import packaged_bundle_path
from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.core.errors import BundleError, WorkerError
from nextedit_jupyter.core.notebook import text_hash
from nextedit_jupyter.core.request import Bounds
from nextedit_jupyter.core.wire import decode_request
from nextedit_jupyter.suggest.build import build_suggester
from nextedit_jupyter.suggest.canary import run_canary
from nextedit_jupyter.worker.client import WorkerClient, WorkerSettings

SLOW_MS = 1_000.0
_MAX_SLOW, _MAX_SHOWN = 20, 300
MAX_GROWTH = 1.05
# The slowest hundredth of the last requests, compared with that of the first.
MAX_SLOWER = 1.25


@dataclass
class Report:
    """One attack: how many runs, their outcomes, the slowest in ms, and memory in MB.

    `sizes` are the worker's after each thousand requests; `peak_mb` is the peak of any process.
    Requests are timed by the clock or in processor time, whichever is less: wall-clock time
    includes other programs' load, and processor time counts two threads twice. Kills and installs
    are timed by the clock.
    """

    name: str
    count: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    worst_ms: float = 0.0
    slow: int = 0
    slowest: list[tuple[float, str]] = field(default_factory=list)
    peak_mb: float = 0.0
    sizes: list[float] = field(default_factory=list)
    seconds: float = 0.0
    processor_s: float = 0.0
    notes: list[str] = field(default_factory=list)
    process: psutil.Process | None = None
    worker_s: dict[int, float] = field(default_factory=dict)

    def fault(self, kind: str, example: object = "") -> None:
        self.faults[kind] += 1
        self.examples.setdefault(kind, repr(example)[:2_000])

    def took(self, milliseconds: float, example: object = "") -> None:
        self.worst_ms = max(self.worst_ms, milliseconds)
        if milliseconds > SLOW_MS:
            self.slow += 1
            self.slowest = sorted(
                [*self.slowest, (milliseconds, repr(example)[:_MAX_SHOWN])], reverse=True
            )[:_MAX_SLOW]


@contextlib.contextmanager
def timed(report: Report) -> Iterator[None]:
    """Note how long an attack took: by the clock, and of the processor's time in all processes."""
    began, used = time.perf_counter(), _own_seconds()
    try:
        yield
    finally:
        report.seconds = time.perf_counter() - began
        # Workers are not our child processes: their processor time is read after each request.
        report.processor_s = _own_seconds() - used + sum(report.worker_s.values())
        report.process = None


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextlib.contextmanager
def worker(**fields: Any) -> Iterator[WorkerClient]:
    """A client of a worker with the packaged bundle, in a temporary folder."""
    with tempfile.TemporaryDirectory(
        prefix="nextedit-attack-", ignore_cleanup_errors=True
    ) as folder:
        runtime, data = Path(folder, "run"), Path(folder, "data")
        runtime.mkdir(mode=0o700)
        kept = {name: os.environ.get(name) for name in ("NEXTEDIT_DATA_DIR", "NEXTEDIT_BUNDLE")}
        os.environ["NEXTEDIT_DATA_DIR"] = str(data)
        os.environ.pop("NEXTEDIT_BUNDLE", None)
        try:
            settings = WorkerSettings(
                **{"runtime_dir": runtime, "backoff_seconds": 0.01, "updates": False, **fields}
            )
            with WorkerClient("attack", settings) as client:
                try:
                    yield client
                finally:
                    _end_worker(client)
        finally:
            for name, value in kept.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _end_worker(client: WorkerClient) -> None:
    """Make the worker exit, and wait until it has: its folder is removed next."""
    with contextlib.suppress(WorkerError, psutil.Error):
        if (pid := client.status(start=False)["pid"]) is not None:
            process = psutil.Process(pid)
            client.stop_worker()
            try:
                process.wait(20)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(20)


def _ask(
    client: WorkerClient, body: bytes, report: Report, example: object
) -> dict[str, Any] | None:
    """The answer to one request, counted; None if there was none."""
    report.count += 1
    began, clock = _worker_seconds(client, report), time.perf_counter()
    try:
        reply = client.exchange(body, 30.0)
    except WorkerError as error:
        report.ended["no answer"] += 1
        report.fault(f"no answer: {str(error)[:60]}", example)
        _wait_for_worker(client)
        return None
    took = time.perf_counter() - clock
    report.took(min(_worker_seconds(client, report) - began, took) * 1_000, example)
    try:
        answer: dict[str, Any] = json.loads(reply.body)
    except ValueError:
        report.fault("the answer is no JSON", example)
        return None
    report.ended[answer["error"]["code"] if "error" in answer else reply.outcome] += 1
    if answer.get("error", {}).get("code") in ("internal", "error"):
        report.fault("a fault of ours", example)
    return answer


def _worker_seconds(client: WorkerClient, report: Report) -> float:
    """The worker's processor time so far, over all threads: no other program's load is in it."""
    for _ in range(2):
        with contextlib.suppress(psutil.Error, WorkerError):
            if report.process is None:
                report.process = psutil.Process(client.status(30)["pid"])
            times = report.process.cpu_times()
            seconds = float(times.user + times.system)
            report.worker_s[report.process.pid] = seconds
            return seconds
        report.process = None  # a new worker now
    return 0.0


def _wait_for_worker(client: WorkerClient) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(WorkerError):
            if client.status()["state"] != "starting":
                return
        time.sleep(0.05)


def _note_size(client: WorkerClient, report: Report) -> None:
    with contextlib.suppress(WorkerError):
        size = float(client.status()["rss_mb"])
        report.sizes.append(size)
        report.peak_mb = max(report.peak_mb, size)


def attack_protocol(count: int, seed: int = 0) -> Report:
    """Requests with wrong values, shapes and bytes: each gets one answer, under its own id."""
    report, random, cells = Report("protocol"), Random(seed), cells_of_examples()
    seeds = [edited(random, cells) for _ in range(40)]
    with timed(report), worker() as client:
        client.suggest(seeds[0], 60)
        for i in range(count):
            body = mutated_body(random.choice(seeds), random)
            if len(body) > client.settings.request_bytes:
                continue
            answer = _ask(client, body, report, body)
            sent = _id_of(body)
            if answer is not None and sent is not None and answer.get("id") != sent:
                report.fault("another id came back", (sent, answer.get("id")))
            if i % 1_000 == 0:
                _note_size(client, report)
        _note_size(client, report)
    return report


def _id_of(body: bytes) -> int | str | None:
    try:
        value = json.loads(body)
        id = value["id"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return id if isinstance(id, int | str) and not isinstance(id, bool) else None


def attack_sources(count: int, seed: int = 0) -> Report:
    """Damaged cells: every suggestion applies to the texts that were sent."""
    report, random, cells = Report("sources"), Random(seed), cells_of_examples()
    with timed(report), worker() as client:
        client.suggest(edited(random, cells), 60)
        for i in range(count):
            sent = edited(random, cells)
            if i % 3:  # the model accepts any text; the analysis is under attack
                sent["want"] = ["rename"]
            _ask_checked(client, sent, report)
            if i % 1_000 == 0:
                _note_size(client, report)
        _note_size(client, report)
    return report


def attack_with_texts(count: int, seed: int = 0) -> Report:
    """Texts that take long to read, by kind and place: each is answered, and none takes a second.

    In this process, with the packaged model, each text for the first time; the time is the
    processor's, over all threads.
    """
    report = Report("hostile texts (processor time)")
    suggester = build_suggester(packaged_bundle_path(), threads=1)
    cases = [(kind, place) for kind in TEXTS for place in PLACES]
    Random(seed).shuffle(cases)
    with timed(report):
        for number, (kind, place) in enumerate(cases[:count]):
            sent = hostile_request(kind, place, Random(f"{seed} {kind} {place}"))
            asked = replace(decode_request(sent, Bounds()), deadline_ms=600_000.0)
            forget_cells()
            suggester.forget()
            report.count += 1
            again = time.process_time()
            answer = suggester.answer(asked)
            report.took((time.process_time() - again) * 1_000, (kind, place))
            report.ended["suggested" if answer.suggestions else "silent with a reason"] += 1
            unexplained = (
                set(asked.want) - {s.kind for s in answer.suggestions} - set(answer.silence)
            )
            if unexplained:
                report.fault("silence without a reason", (kind, place, unexplained))
            if number % 100 == 0:
                size = psutil.Process().memory_info().rss / 2**20
                report.sizes.append(size)
                report.peak_mb = max(report.peak_mb, size)
    return report


def _check_edits(sent: dict[str, Any], answer: dict[str, Any], report: Report) -> None:
    texts = {cell["id"]: cell["source"] for cell in sent["notebook"]["cells"]}
    for suggestion in answer.get("suggestions", ()):
        for edit in (*suggestion["edits"], *suggestion.get("optional", ())):
            text = texts.get(edit["cell"])
            if text is None or text_hash(text) != edit["base"]:
                report.fault("an edit of a text that was not sent", sent)
            elif not 0 <= edit["start"] <= edit["end"] <= len(text):
                report.fault("an edit outside of its cell", sent)


def attack_with_kills(count: int, seed: int = 0) -> Report:
    """kill -9 during a request: one answer is lost, and the next worker serves with its model."""
    report, random, cells = Report("kills of the worker"), Random(seed), cells_of_examples()
    with timed(report), worker(quiet_seconds=0.1) as client:
        client.suggest(edited(random, cells), 60)
        for _ in range(count):
            report.count += 1
            pid = client.status(30)["pid"]
            bodies = [json.dumps(edited(random, cells)).encode("ascii") for _ in range(8)]
            tickets = [client.submit(body, client=str(i)) for i, body in enumerate(bodies)]
            time.sleep(random.random() * 0.3)
            os.kill(pid, signal.SIGKILL)
            for ticket in tickets:
                try:
                    report.ended[ticket.future.result(30).outcome] += 1
                except WorkerError:
                    report.ended["lost"] += 1
                except TimeoutError:
                    report.fault("a request that is never answered", pid)
            again = time.perf_counter()
            _wait_for_worker(client)
            report.took((time.perf_counter() - again) * 1_000)
        with contextlib.suppress(WorkerError):
            client.suggest(edited(random, cells), 60)
        status = client.status(60)
        if status["bundle"] is None and not status["off"]:
            report.fault("the model is gone", status["problem"])
    return report


_INSTALL = """
import sys
from pathlib import Path
from nextedit_jupyter.bundles.bundle import packaged_bundle_path
from nextedit_jupyter.bundles.store import BundleStore
store = BundleStore(Path(sys.argv[1]))
while True:
    for source in sys.argv[2:]:
        store.install(Path(source))
"""


def attack_store_with_kills(count: int, seed: int = 0) -> Report:
    """Installs killed at any moment: the store holds complete bundles, and one is selected."""
    report, random = Report("kills of an install"), Random(seed)
    with timed(report), tempfile.TemporaryDirectory(prefix="nextedit-attack-") as folder:
        root = Path(folder, "store")
        sources = [
            str(made) for made in make_versions(Path(folder), "0.1.0", "0.2.0", "0.3.0").values()
        ]
        store = BundleStore(root)
        store.install(Path(sources[0]))
        command = [sys.executable, "-c", _INSTALL, str(root), *sources[1:]]
        for _ in range(count):
            report.count += 1
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            time.sleep(0.5 + random.random() * 0.3)
            process.kill()
            process.wait()
            try:
                for item in store.installed():
                    store.open(item.id, item.version)
                report.ended[f"with {store.open('nextedit-tiny').version} in use"] += 1
            except BundleError as error:
                report.fault(f"half a bundle: {error}")
            if random.random() < 0.5:
                store.use("nextedit-tiny", "0.1.0")
                for item in store.installed():
                    if item.version != "0.1.0":
                        store.remove(item.id, item.version)
        store.install(Path(sources[1]))
        if left := [path.name for path in root.iterdir() if path.name.startswith(".")]:
            report.fault("something is left over", left)
    return report


# Of this attack's cells; only every fourth line asks the model, which takes most of the time.
_SHORT, _ASKING = 300, 4
# The caches of the analysis hold fewer cells than that.
_CACHED = 8_000


def attack_by_endurance(count: int, seed: int = 0) -> Report:
    """Long typing: every request is answered, and the worker neither grows nor slows down.

    Lines are typed key by key below a short cell; every fourth line requests everything that a page
    does, the others only renames. The caches of the analysis are filled before, which
    otherwise takes tens of thousands of keys and looks like growth.
    """
    report, random, cells = Report("endurance"), Random(seed), cells_of_examples()
    times, line = array("d"), 0
    with timed(report), worker() as client:
        client.suggest(edited(random, cells), 60)
        for filling in _other_cells(random, cells, min(count, _CACHED)):
            client.suggest(filling, 60)
        while report.count < count:
            line += 1
            for sent in islice(_typing(random, cells), count - report.count):
                if line % _ASKING:
                    sent["want"] = ["rename"]
                    _ask_checked(client, sent, report)
                else:
                    began = _nanoseconds(report)
                    _ask_checked(client, sent, report)
                    times.append((_nanoseconds(report) - began) / 1e6)
                if report.count % 1_000 == 0:
                    _note_size(client, report)
        _note_size(client, report)
    # The engine's caches are full after a tenth of it; after that, memory may not grow.
    settled = report.sizes[len(report.sizes) // 10 :] or report.sizes
    if settled and settled[-1] > settled[0] * MAX_GROWTH:
        report.fault(f"it grew from {settled[0]:.0f} to {settled[-1]:.0f} MB")
    tenth = max(1, len(times) // 10)
    first, last = _slowest_hundredth(times[:tenth]), _slowest_hundredth(times[-tenth:])
    report.notes.append(
        f"Endurance: for the {len(times):,} requests that asked the model, the 99th percentile was "
        f"{first:.0f} ms of processor time in the first tenth and {last:.0f} ms in the last."
    )
    if tenth >= 1_000 and last > first * MAX_SLOWER:
        report.fault(f"the 99th percentile rose from {first:.0f} to {last:.0f} ms")
    return report


def _typing(random: Random, cells: list[str]) -> Iterator[dict[str, Any]]:
    """Up to forty keys typed one after another below another cell."""
    above, text = (cell[:_SHORT] for cell in random.sample(cells, 2))
    start = random.randint(0, max(0, len(text) - 40))
    for end in range(start + 1, min(len(text), start + 40) + 1):
        event = {"cell": "c1", "before": text[: end - 1], "after": text[:end], "at": float(end)}
        yield request([above, text[:end]], 1, end, history=[{**event, "origin": "typed"}])


def _other_cells(random: Random, cells: list[str], count: int) -> Iterator[dict[str, Any]]:
    """This many different cells, in each of which a key was typed; every fourth requests
    everything."""
    for n in range(count):
        text = f"{random.choice(cells)[:_SHORT]}\nn{n} = 1"
        event = {"cell": "c0", "before": text[:-1], "after": text, "at": float(n)}
        typed = request([text], 0, len(text), history=[{**event, "origin": "typed"}])
        yield typed if n % _ASKING == 0 else {**typed, "want": ["rename"]}


def _ask_checked(client: WorkerClient, sent: dict[str, Any], report: Report) -> None:
    answer = _ask(client, json.dumps(sent).encode("ascii"), report, sent)
    if answer is not None:
        _check_edits(sent, answer, report)


def _nanoseconds(report: Report) -> int:
    """The processor's time of all the worker's threads, finer than a process tells it; 0 elsewhere
    than on Linux."""
    total = 0
    if report.process is not None:
        for task in Path(f"/proc/{report.process.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError, ValueError):
                total += int(task.read_text().split()[0])
    return total


def _slowest_hundredth(times: Sequence[float]) -> float:
    return sorted(times)[len(times) * 99 // 100] if times else 0.0


def attack_with_bundles(count: int | None = None, seed: int = 0) -> Report:
    """Hostile bundles: refused with a reason, in bounded memory; the previous bundle stays in
    use."""
    report = Report("hostile bundles")
    kinds = list(KINDS)
    Random(seed).shuffle(kinds)
    with timed(report):
        with tempfile.TemporaryDirectory(prefix="nextedit-attack-") as folder:

            def canary(path: Path) -> None:
                run_canary(path, timeout=60)

            store = BundleStore(Path(folder, "store"), canary=canary)
            BundleStore(store.root).install(make_bundle(Path(folder, "good")))
            for number, kind in enumerate(kinds[:count]):
                hostile = make_hostile(Path(folder, str(number)), kind)
                report.count += 1
                again = time.perf_counter()
                try:
                    store.install(hostile)
                    report.fault("a hostile bundle was let in", kind)
                except BundleError:
                    report.ended["refused"] += 1
                except Exception as error:
                    report.fault(f"{type(error).__name__} instead of a refusal", kind)
                report.worst_ms = max(report.worst_ms, (time.perf_counter() - again) * 1_000)
                if store.open("nextedit-tiny").version != "0.1.0":
                    report.fault("the bundle before is gone", kind)
        report.peak_mb = _children_peak_mb()
    return report


def _children_peak_mb() -> float:
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def machine() -> str:
    return f"{psutil.cpu_count()} cores, Python {sys.version.split()[0]}, {sys.platform}"
