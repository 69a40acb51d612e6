"""`train delta`: exports a tuned base's delta, as it is shipped."""

from __future__ import annotations

import argparse
from pathlib import Path

from nextedit_jupyter.training.commands.shared import RENDERED, add_base


def add_parser(steps: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    delta = steps.add_parser(
        "delta", help="write what tuning changed in a base: OUT/delta.safetensors"
    )
    add_base(delta)
    delta.add_argument("--run", dest="run_name", default="run", help="folder in WORK (run)")
    delta.add_argument("--checkpoint", default="final.pt", help="in that folder (final.pt)")
    delta.add_argument("--rank", type=int, default=16, help="rank of the adapters (16)")
    delta.add_argument("--out", type=Path, required=True, help="the delta's folder")
    delta.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    import numpy as np

    from nextedit_jupyter.training.delta_export import (
        CALIBRATION_ROWS,
        delta_tensors,
        write_tensors,
    )
    from nextedit_jupyter.training.pretrained import read_base
    from nextedit_jupyter.training.run_folder import TokenRows
    from nextedit_jupyter.training.tuning import tuned

    work: Path = arguments.work
    base = read_base(arguments.base, work)
    model = tuned(base, work / arguments.run_name, arguments.checkpoint, rank=arguments.rank)
    rows, _ = TokenRows(work / RENDERED).batch(0, CALIBRATION_ROWS)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_tensors(arguments.out / "delta.safetensors", delta_tensors(base, model, rows.numpy()))
    np.save(arguments.out / "kept.npy", np.load(work / "kept.npy"))
    size = (arguments.out / "delta.safetensors").stat().st_size
    print(f"{arguments.out}: delta.safetensors ({size / 1e6:.1f} MB) and kept.npy")
    return 0
