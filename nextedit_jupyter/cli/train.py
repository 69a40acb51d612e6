"""`train`: the way to `nextedit_jupyter.training`, imported only when it is asked for."""

from __future__ import annotations

import argparse
import importlib


def add_stub(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's line in the list of commands."""
    commands.add_parser("train", help="train a model (needs torch)")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    importlib.import_module("nextedit_jupyter.training.cli").add_parser(commands)
