"""`jupyter nextedit train …`: from a recipe to a bundle, one step per command.

jupyter nextedit train data RECIPE --work WORK        fetch, extract, clean: WORK/corpus/
jupyter nextedit train from-git REPO… --work WORK     edits of commits: WORK/edits/
jupyter nextedit train tokenizer --work WORK          WORK/tokenizer.json
jupyter nextedit train examples RECIPE --work WORK    WORK/<stage>.npy, WORK/validation.npy
jupyter nextedit train sft --work WORK --stage s1 --stage s2 --minutes 100
jupyter nextedit train vocabulary --base GGUF --notebooks FILE --work WORK   a base's tokens to keep
jupyter nextedit train tune --base GGUF --notebooks FILE --edits FILE --work WORK --minutes 60
jupyter nextedit train experts --base GGUF --work WORK    an adapter per domain versus one delta
jupyter nextedit train delta --base GGUF --work WORK --out DELTA             what is shipped
jupyter nextedit train distil --teacher BUNDLE --work WORK --minutes 60       a small model
jupyter nextedit train rl --work WORK --checkpoint run/final.pt --minutes 60   rewards
jupyter nextedit train export --work WORK --out BUNDLE
jupyter nextedit train evaluate --bundle BUNDLE --work WORK
jupyter nextedit train filter --bundle BUNDLE --work WORK    when to show its texts
jupyter nextedit train judge --edits FILE [--validation FILE]  which places follow an edit
jupyter nextedit train personal FOLDER… --out BUNDLE  the bundle, fine-tuned on your own code
jupyter nextedit train tiny --out BUNDLE              all of it, small, in under three minutes
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence

# In the order of the help; each is a module in `commands`.
STEPS = (
    "data",
    "from_git",
    "from_releases",
    "judge",
    "tokenizer",
    "examples",
    "sft",
    "vocabulary",
    "tune",
    "experts",
    "delta",
    "distil",
    "rl",
    "export",
    "evaluate",
    "filter",
    "search",
    "personal",
    "tiny",
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Hook for the top-level command line."""
    parser = commands.add_parser(
        "train",
        help="train a model (needs torch)",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    for name in STEPS:
        importlib.import_module(f"nextedit_jupyter.training.commands.{name}").add_parser(steps)


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m nextedit_jupyter.training.cli`, for machines without the Jupyter command."""
    parser = argparse.ArgumentParser(prog="nextedit")
    commands = parser.add_subparsers(required=True)
    add_parser(commands)
    parsed = parser.parse_args(argv)
    result: int = parsed.run(parsed)
    return result


if __name__ == "__main__":
    raise SystemExit(main())
