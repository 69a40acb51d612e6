"""The benchmark's report as a Markdown table and as a plot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

HEAD = (
    "peer",
    "characters saved",
    "noise",
    "accepted",
    "parses",
    "next line exact / shown",
    "next edits located, exact, wrong",
    "propagation recall / precision",
    "silent",
    "p50 / p95 ms",
)


def markdown(report: Mapping[str, Any]) -> str:
    """A table, followed by the tasks and failures. Intervals are 95 %."""
    rows = [_row(peer) for peer in report["peers"]]
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    told = ", ".join(f"{count} {kind}" for kind, count in report["tasks"].items())
    machine = report["machine"]
    lines += [
        "",
        f"{report['benchmark']}, seed {report['seed']}: {told}; {machine['cpu']}, "
        f"{machine['cores']} cores, {report['date'][:10]}.",
    ]
    notes = [f"- {peer['name']}: {peer['notes']}" for peer in report["peers"] if peer["notes"]]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _row(peer: Mapping[str, Any]) -> list[str]:
    typing, line = peer.get("typing"), peer.get("next line")
    edits, replayed = peer.get("next edits"), peer.get("propagation")
    silence, latency = peer.get("silence"), peer.get("latency")
    label = f" ({peer['label']})" if peer.get("label") not in ("", None, peer["name"]) else ""
    return [
        f"{peer['name']}{label}",
        _share(typing["saved"], typing["saved_95"]) if typing else "–",
        _share(typing["word_wrong"], typing["word_wrong_95"])
        if typing and typing["shown"]
        else "–",
        f"{typing['accepted']:.2f}" if typing and typing["shown"] else "–",
        f"{typing['parse_correct']:.3f}" if typing and typing["parsed"] else "–",
        f"{line['exact']} / {line['shown']} of {line['tasks']}" if line else "–",
        f"{edits['located']}, {edits['exact']}, {edits['wrong']} of {edits['cases']}"
        if edits
        else "–",
        f"{_share(replayed['recall'], replayed['recall_95'])} / {replayed['precision']:.2f}"
        if replayed and replayed["offered"]
        else ("0 / –" if replayed else "–"),
        _share(silence["share"], silence["share_95"]) if silence else "–",
        f"{latency['p50_ms']:.1f} / {latency['p95_ms']:.1f}" if latency else "–",
    ]


def _share(share: float, ends: list[float]) -> str:
    return f"{share:.3f} ({ends[0]:.2f} to {ends[1]:.2f})"


def plot(report: Mapping[str, Any], path: Path) -> None:
    """Plot characters saved against noise, with intervals; the file's extension determines the
    format."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for peer in report["peers"]:
        typing = peer.get("typing")
        if not typing or not typing["shown"]:
            continue
        x, y = typing["word_wrong"], typing["saved"]
        (left, right), (low, high) = typing["word_wrong_95"], typing["saved_95"]
        axes.errorbar(
            [x],
            [y],
            xerr=[[max(0.0, x - left)], [max(0.0, right - x)]],
            yerr=[[max(0.0, y - low)], [max(0.0, high - y)]],
            fmt="o",
            capsize=2,
            label=peer["name"],
        )
    axes.set_xlabel("noise: share of shown texts whose first word is wrong")
    axes.set_ylabel("share of characters saved")
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")
    figure.savefig(path)
