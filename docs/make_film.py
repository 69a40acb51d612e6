"""Makes docs/film.webp: ghost text, a rename and the panel, played in a real JupyterLab.

`python docs/make_film.py` needs what the browser tests need (`make setup-test`), and pillow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MAX_BYTES = 2_000_000
COLOURS = 96  # of a picture; more make the film larger, and no clearer

sys.path.insert(0, str(ROOT / "tests" / "ui"))


def main() -> int:
    from conftest import running_lab

    with tempfile.TemporaryDirectory(prefix="film-") as base:
        pictures = Path(base) / "frames"
        pictures.mkdir()
        with running_lab(Path(base) / "lab") as lab:
            subprocess.run(
                ["node", str(HERE / "make_film.mjs")],
                env={**os.environ, **lab.environ, "FILM_FRAMES": str(pictures)},
                check=True,
            )
        size = assemble(pictures, HERE / "film.webp")
    print(f"{HERE / 'film.webp'}: {size / 1e6:.2f} MB")
    return 0 if size <= MAX_BYTES else 1


def assemble(pictures: Path, out: Path) -> int:
    """One looping WebP of the pictures that frames.json lists; returns its size in bytes."""
    from PIL import Image

    listed = json.loads((pictures / "frames.json").read_text(encoding="utf-8"))
    images = [
        Image.open(pictures / one["name"]).convert("RGB").quantize(COLOURS).convert("RGB")
        for one in listed
    ]
    images[0].save(
        out,
        save_all=True,
        append_images=images[1:],
        duration=[round(one["milliseconds"]) for one in listed],
        loop=0,
        lossless=True,
        method=4,
    )
    return out.stat().st_size


if __name__ == "__main__":
    raise SystemExit(main())
