"""`train export`: exports a checkpoint as a bundle, if it passes the gates."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextedit_jupyter.training.commands.shared import HELD_OUT, add_work, documents

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.manifest import Identity
    from nextedit_jupyter.training.export import Agreement, Graphs, Measured
    from nextedit_jupyter.training.network import Shape

RECITED_PROMPTS = 100
CALIBRATION_ROWS = 24
HELD_OUT_ROWS = 40


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    export = steps.add_parser("export", help="write a bundle from a checkpoint, gated")
    add_work(export)
    export.add_argument("--checkpoint", default="run/final.pt", help="relative to WORK")
    export.add_argument("--out", type=Path, required=True)
    export.add_argument("--id", default="nextedit-python")
    export.add_argument("--version", default="0.1.0")
    export.add_argument(
        "--format", default="cells-spm-v1", help="the prompt format it was trained in"
    )
    export.add_argument("--validation", type=Path, help="JSON of `train evaluate` on validation")
    export.add_argument("--test", type=Path, help="JSON of `train evaluate --split test`")
    export.add_argument("--compute", default="unknown", help="what it was trained on, for the card")
    export.add_argument("--recipe", default="", help="the recipe's path, for the card")
    export.add_argument("--history", default="", help="what the weights were before, for the card")
    export.add_argument("--reference", type=Path, help="write the float32 graph to this file")
    export.add_argument("--no-gate", action="store_true")
    export.add_argument(
        "--rows",
        help="packed sequences in WORK to round for, and to gate by held-out ones, where there is "
        "no corpus: tune.npy of `train tune` and `train distil`",
    )
    export.add_argument(
        "--thresholds", type=json.loads, help="JSON by kind, where nothing was evaluated"
    )
    export.add_argument(
        "--plain", action="store_true", help="round without looking at the training data"
    )
    export.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nextedit_jupyter.bundles.manifest import Identity
    from nextedit_jupyter.training.export import Graphs, Measured, export_bundle
    from nextedit_jupyter.training.gate import calibration_prompts, row_prompts
    from nextedit_jupyter.training.mixture import training_format

    tokenizer = arguments.work / "tokenizer.json"
    identity = Identity(arguments.id, arguments.version, training_format(arguments.format).name)
    calibration: list[list[int]] = []
    if arguments.rows:
        calibration = row_prompts(arguments.work / arguments.rows, CALIBRATION_ROWS)
    elif not arguments.plain:
        calibration = calibration_prompts(
            documents(arguments.work, "train"), tokenizer, format=identity.prompt_format
        )
    graphs = Graphs(arguments.work / arguments.checkpoint, calibration)
    agreement, latency = _gate(arguments, identity, graphs)
    measured, card = Measured(latency=latency), ""
    if arguments.thresholds:
        measured = Measured(arguments.thresholds, latency)
    if arguments.validation and arguments.test:
        validation = json.loads(arguments.validation.read_text(encoding="utf-8"))
        test = json.loads(arguments.test.read_text(encoding="utf-8"))
        measured = _measured(validation, test, agreement, latency)
        # Whether the bundle recites texts can only be checked once it exists.
        export_bundle(graphs, tokenizer, arguments.out, identity)
        card = _card(arguments, identity, graphs.shape, agreement, validation, test)
    manifest = export_bundle(
        graphs, tokenizer, arguments.out, identity, measured=measured, card=card
    )
    print(f"{arguments.out}: {manifest['parameters']:,} parameters")
    return 0


def _gate(
    arguments: argparse.Namespace, identity: Identity, graphs: Graphs
) -> tuple[Agreement, dict[str, float]]:
    """The gates' measurements, or nothing with --no-gate. Raises if a gate fails."""
    from nextedit_jupyter.training.export import Agreement
    from nextedit_jupyter.training.gate import (
        gate_export,
        gate_latency,
        gate_rows,
        row_prompts,
    )

    if arguments.no_gate:
        return Agreement(0, 0, 0.0, 0.0), {}
    if arguments.reference:
        arguments.reference.write_bytes(graphs.reference)
    if arguments.rows:
        held_out = row_prompts(arguments.work / HELD_OUT, HELD_OUT_ROWS)
        agreement = gate_rows(graphs, held_out)
    else:
        read = documents(arguments.work, "validation") + documents(arguments.work, "test")
        tokenizer = arguments.work / "tokenizer.json"
        agreement = gate_export(graphs, tokenizer, read, format=identity.prompt_format)
    timed = graphs.latency()
    gate_latency(timed)
    print(
        f"INT8 agrees with float32 on {agreement.same:.2%} of {agreement.tokens} tokens "
        f"of {agreement.prompts} prompts ({agreement.same_chunked:.2%} when cut in passes); "
        f"{agreement.exact_int8} of {agreement.tasks} answers are exact, "
        f"{agreement.exact_float32} in float32; 512 tokens take {timed.prefill_512_p50} ms"
    )
    return agreement, asdict(timed)


def _measured(
    validation: dict[str, Any],
    test: dict[str, Any],
    agreement: Agreement,
    latency: dict[str, float],
) -> Measured:
    """The thresholds chosen on validation, with their results on test."""
    from nextedit_jupyter.training.export import Measured

    thresholds = validation["thresholds"]
    quality = {
        "split": "test",
        "packages": test["typing"]["packages"],
        "inline": test["typing"]["curve"][str(thresholds["inline"])],
        "next_edit": test["edits"]["curve"][str(thresholds["next_edit"])],
        "token_agreement": round(agreement.same, 4),
    }
    return Measured(thresholds, latency, quality)


def _card(
    arguments: argparse.Namespace,
    identity: Identity,
    shape: Shape,
    agreement: Agreement,
    validation: dict[str, Any],
    test: dict[str, Any],
) -> str:
    """The card of the bundle in --out, including what it recites of its training data."""
    from nextedit_jupyter.prompt import get_format
    from nextedit_jupyter.training.card import read_log, render_card
    from nextedit_jupyter.training.memorisation import check_memorisation

    checkpoint = arguments.work / arguments.checkpoint
    report = (arguments.work / "corpus" / "report.json").read_text(encoding="utf-8")
    recital = check_memorisation(
        arguments.out,
        shape,
        get_format(identity.prompt_format),
        documents(arguments.work, "train"),
        documents(arguments.work, "validation"),
        prompts=RECITED_PROMPTS,
    )
    print(recital.to_card())
    return render_card(
        identity,
        shape,
        corpus=json.loads(report),
        log=read_log(checkpoint.parent / "log.jsonl"),
        agreement=agreement,
        validation=validation,
        test=test,
        compute=arguments.compute,
        recipe=arguments.recipe,
        history=arguments.history,
        memorisation=recital.to_card(),
    )
