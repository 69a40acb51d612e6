"""The product under attack: mutated requests and cells, kills, endurance, hostile bundles.

    python benchmarks/attack.py                    the long form
    python benchmarks/attack.py --scale 0.1        a tenth of it
    python benchmarks/attack.py sources --seed 7   one attack, with another seed

Prints one table, with the date and the machine; `--write` puts it into docs/reliability.md. Exit
code 1 if anything went wrong, with an example of each kind of fault. `make test` runs a short form.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from attacks import (  # noqa: E402
    Report,
    attack_by_endurance,
    attack_protocol,
    attack_sources,
    attack_store_with_kills,
    attack_with_bundles,
    attack_with_kills,
    attack_with_texts,
    machine,
)
from hostile_bundles import KINDS  # noqa: E402
from hostile_texts import KINDS as TEXTS  # noqa: E402
from hostile_texts import PLACES  # noqa: E402

from nextedit_jupyter.evals.machine import today  # noqa: E402

# The longest ones first, because two run at once.
ATTACKS: dict[str, tuple[Callable[[int, int], Report], int]] = {
    "endurance": (attack_by_endurance, 100_000),
    "texts": (attack_with_texts, len(TEXTS) * len(PLACES)),
    "sources": (attack_sources, 5_000),
    "protocol": (attack_protocol, 20_000),
    "bundles": (attack_with_bundles, len(KINDS)),
    "store": (attack_store_with_kills, 60),
    "kills": (attack_with_kills, 60),
}
PAGE = ROOT / "docs" / "reliability.md"
_TABLE = re.compile(r"(?<=<!-- attack -->\n).*?(?=<!-- /attack -->)", re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("attacks", nargs="*", help=f"any of {', '.join(ATTACKS)}; default: all")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the long form (1)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutations (0)")
    parser.add_argument("--jobs", type=int, default=2, help="attacks that run at a time (2)")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.name}")
    arguments = parser.parse_args()
    unknown = set(arguments.attacks) - set(ATTACKS)
    if unknown:
        parser.error(f"no such attack: {', '.join(sorted(unknown))}")
    reports = []
    names = arguments.attacks or list(ATTACKS)
    # Each in its own process, so that none inherits the memory of another.
    with ProcessPoolExecutor(
        max_workers=arguments.jobs, mp_context=get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        running = [pool.submit(_attack, name, arguments.scale, arguments.seed) for name in names]
        for future in running:
            reports.append(future.result())
            _tell(reports[-1])
    text = table(reports, arguments.seed)
    print(f"\n{text}")
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(_TABLE.sub(lambda _: text, page), encoding="utf-8")
    return 1 if any(report.faults for report in reports) else 0


def _attack(name: str, scale: float, seed: int) -> Report:
    attack, count = ATTACKS[name]
    return attack(max(2, round(count * scale)), seed)


def _tell(report: Report) -> None:
    print(_row(report), flush=True)
    for kind, times in report.faults.items():
        print(f"    {times} x {kind}: {report.examples.get(kind, '')}", file=sys.stderr)
    for milliseconds, example in report.slowest:
        print(f"    {milliseconds:,.0f} ms: {example}", file=sys.stderr)


def table(reports: list[Report], seed: int) -> str:
    """The reports as a table in Markdown, with the date and the machine above."""
    rows = [_row(report) for report in reports]
    sizes = [
        f"Resident memory after each thousand requests, {report.name}: "
        + ", ".join(f"{size:.0f}" for size in _thinned(report.sizes))
        + " MB."
        for report in reports
        if len(report.sizes) > 1
    ]
    notes = [note for report in reports for note in report.notes]
    spent = sum(report.processor_s for report in reports) / 60
    took = sum(report.seconds for report in reports) / 60
    total = f"Together the attacks took {spent:.1f} minutes of processor time, {took:.1f} elapsed."
    head = "| attack | runs | outcomes | faults | slowest | over 1 s | memory | processor time |"
    return "\n".join(
        [
            f"{today()}, {machine()}, seed {seed}.",
            "",
            head,
            "|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            *(line for text in (*sizes, *notes, total) for line in (text, "")),
        ]
    )


def _row(report: Report) -> str:
    ended = ", ".join(f"{count:,} {how}" for how, count in report.ended.most_common())
    peak = f"{report.peak_mb:.0f} MB" if report.peak_mb else "–"
    return (
        f"| {report.name} | {report.count:,} | {ended} | {report.faults.total()} | "
        f"{report.worst_ms:,.0f} ms | {report.slow:,} | {peak} | {report.processor_s:,.0f} s |"
    )


def _thinned(sizes: list[float], limit: int = 20) -> list[float]:
    step = max(1, len(sizes) // limit)
    return sizes[::step]


if __name__ == "__main__":
    sys.exit(main())
