"""Magics that run Python or take names."""

from __future__ import annotations

# Cell magics whose body runs as Python in the kernel's own namespace.
CODE_CELL_MAGICS = frozenset(
    [
        "time",
        "timeit",
        "capture",
        "prun",
        "memit",
        "mprun",
        "lprun",
        "snakeviz",
        "debug",
        "pyinstrument",
        "heat",
        "nextedit",
        "notify",
        "ipytest",
        "pycodestyle",
        "flake8",
        "wandb",
        "scalene",
        "mypy",
    ]
)
# Line magics that run the rest of their line.
CODE_LINE_MAGICS = frozenset(
    [
        "time",
        "timeit",
        "prun",
        "memit",
        "mprun",
        "lprun",
        "snakeviz",
        "pyinstrument",
        "heat",
        "debug",
    ]
)
# Line magics whose words are names in the kernel.
NAME_LINE_MAGICS = frozenset(
    [
        "pinfo",
        "pinfo2",
        "pdoc",
        "pdef",
        "psource",
        "pfile",
        "page",
        "store",
        "xdel",
        "view",
        "edit",
        "reset_selective",
        "Rpush",
        "octave_push",
    ]
)
