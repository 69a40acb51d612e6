"""Makes the README's picture, `nextedit.gif`, from a session in a real JupyterLab.

    python docs/film/make.py

Run by hand from the source tree after `make setup-test`, when what it shows has changed. It starts
a JupyterLab of its own, plays `film.mjs` in Chromium and joins the screenshots with Pillow (which
matplotlib brings).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = HERE / "nextedit.gif"
CAPTION_HEIGHT = 40
MAX_BYTES = 1_500_000  # what a page may load for a picture
SECONDS = 400  # a busy machine needs a few minutes

sys.path.insert(0, str(ROOT / "tests" / "ui"))
from conftest import running_lab  # noqa: E402


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        frames = Path(folder) / "frames"
        frames.mkdir()
        with running_lab(Path(folder) / "lab") as lab:
            subprocess.run(
                ["node", str(HERE / "film.mjs")],
                env={**os.environ, **lab.environ, "FILM_FRAMES": str(frames)},
                check=True,
                timeout=SECONDS,
            )
        join(frames, TARGET)
    size = TARGET.stat().st_size
    print(f"{TARGET.relative_to(ROOT)}: {size / 1e6:.2f} MB")
    return int(size > MAX_BYTES)


def join(folder: Path, target: Path) -> None:
    """The frames of `folder` as one animated GIF, their captions below them."""
    told = json.loads((folder / "frames.json").read_text(encoding="utf-8"))
    pictures = [captioned(Image.open(folder / one["file"]), one["caption"]) for one in told]
    # One palette for all: of the last frames, which have all the colours.
    palette = pictures[-2].quantize(128, dither=Image.Dither.NONE)
    reduced = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in pictures]
    reduced[0].save(
        target,
        save_all=True,
        append_images=reduced[1:],
        duration=[one["ms"] for one in told],
        loop=0,
        optimize=True,
        disposal=1,
    )


def captioned(picture: Image.Image, text: str) -> Image.Image:
    made = Image.new("RGB", (picture.width, picture.height + CAPTION_HEIGHT), "#263238")
    made.paste(picture.convert("RGB"), (0, 0))
    draw = ImageDraw.Draw(made)
    draw.text(
        (picture.width / 2, picture.height + CAPTION_HEIGHT / 2),
        text,
        fill="white",
        font=ImageFont.load_default(19),
        anchor="mm",
    )
    return made


if __name__ == "__main__":
    raise SystemExit(main())
