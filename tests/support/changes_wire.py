"""Requests of protocol version 2, made from plain requests as a page does it."""

from __future__ import annotations

from typing import Any

from nextedit_jupyter.core.changes import HeldState
from nextedit_jupyter.core.wire import decode_cells


def in_full(request: dict[str, Any]) -> dict[str, Any]:
    """The same request, whose notebook is to be kept under its hash."""
    notebook = request["notebook"]
    hash = HeldState.of(decode_cells(notebook)).hash
    return {**request, "version": 2, "notebook": {**notebook, "hash": hash}}


def as_change(base: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """The same request, by what differs from the notebook of `base`."""
    told = in_full(request)
    before = {cell["id"]: cell for cell in base["notebook"]["cells"]}
    cells = request["notebook"]["cells"]
    notebook = {
        **told["notebook"],
        "base": in_full(base)["notebook"]["hash"],
        "cells": [cell for cell in cells if before.get(cell["id"]) != cell],
    }
    if list(before) != [cell["id"] for cell in cells]:
        notebook["order"] = [cell["id"] for cell in cells]
    return {**told, "notebook": notebook}
