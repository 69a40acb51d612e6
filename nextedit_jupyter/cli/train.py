"""`train`: the commands of `nextedit_jupyter.training`, imported only when used."""

from __future__ import annotations

import argparse
import importlib


def add_stub(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's line to the list of commands."""
    commands.add_parser("train", help="train a model (needs torch)")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    importlib.import_module("nextedit_jupyter.training.cli").add_parser(commands)
