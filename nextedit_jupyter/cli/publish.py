"""`publish`: a repository of signed bundles in a folder, for any static web server to serve."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nextedit_jupyter.core.errors import NextEditError

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.publish import Publisher

_Actions = argparse._SubParsersAction  # argparse has no public name for this class

_DESCRIPTION = """\
Creates and maintains a repository of bundles (The Update Framework) in a folder. Copy the folder to
any web server or removable medium; give its first root.json to those who should trust it.

Keys are in a separate folder, encrypted with one passphrase, which is asked for or read from the
variable NEXTEDIT_PASSPHRASE, and is never an argument. Keep that folder offline; `sign` needs only
the keys of snapshot and timestamp."""
_INIT = """\
Create keys and an empty repository. Its root metadata, FOLDER/metadata/1.root.json, is what users
give as c.NextEdit.root or NEXTEDIT_ROOT."""
_ADD = """\
Publish a bundle's folder. Its id and version are in its manifest, and a published version is never
changed. With --role a delegated role of that name signs it, with its own key, which is valid for
this id only."""
_SIGN = """\
Renew the signatures that expire soonest: the timestamp after 14 days, the snapshot after 30.
Clients that find them expired install nothing new; what is installed keeps working."""
_ROTATE = """\
Replace all keys of a role (root, targets, snapshot or timestamp) with new ones: when they were lost
or have leaked, or once a year."""


def add_parser(commands: _Actions[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "publish",
        help="create and maintain a repository of signed models",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    action = _add(actions, "init", run_init, "create keys and an empty repository", _INIT)
    action.add_argument(
        "--root-keys", type=int, default=2, metavar="N", help="number of root keys (2)"
    )
    action.add_argument(
        "--threshold", type=int, default=2, metavar="N", help="root keys that must sign (2)"
    )
    action = _add(actions, "add", run_add, "publish a bundle", _ADD)
    action.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's folder")
    action.add_argument("--role", help="delegated role that signs it")
    action.add_argument(
        "--min-safe", metavar="VERSION", help="oldest version that may still be used"
    )
    action.add_argument(
        "--changes", default="", metavar="TEXT", help="what changed, shown to users"
    )
    _add(actions, "sign", run_sign, "renew what expires soonest", _SIGN)
    action = _add(actions, "rotate", run_rotate, "replace a role's keys", _ROTATE)
    action.add_argument(
        "role", metavar="ROLE", choices=("root", "targets", "snapshot", "timestamp")
    )


def _add(
    actions: _Actions[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    does: str,
    text: str,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(
        name,
        help=does,
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the repository")
    parser.add_argument("--keys", type=Path, required=True, metavar="FOLDER", help="the keys")
    parser.set_defaults(run=run)
    return parser


def run_init(arguments: argparse.Namespace) -> int:
    publisher = _publisher(arguments, new=True)
    root = publisher.init(root_keys=arguments.root_keys, threshold=arguments.threshold)
    print(f"an empty repository is in {arguments.folder}, its keys in {arguments.keys}")
    print(f"give {root} to your users through a channel that they already trust")
    return 0


def run_add(arguments: argparse.Namespace) -> int:
    label = _publisher(arguments).add(
        arguments.bundle,
        role=arguments.role,
        min_safe_version=arguments.min_safe,
        changes=arguments.changes,
    )
    print(f"{label} is published in {arguments.folder}")
    return 0


def run_sign(arguments: argparse.Namespace) -> int:
    _publisher(arguments).sign()
    print("snapshot and timestamp are renewed")
    return 0


def run_rotate(arguments: argparse.Namespace) -> int:
    _publisher(arguments).rotate(arguments.role)
    print(f"{arguments.role} has new keys in {arguments.keys}; the old ones are no longer valid")
    return 0


def _publisher(arguments: argparse.Namespace, *, new: bool = False) -> Publisher:
    from nextedit_jupyter.bundles.publish import Publisher

    if not new and not (arguments.folder / "metadata").is_dir():
        raise NextEditError(
            f"there is no repository in {arguments.folder}; `jupyter nextedit publish init` "
            "makes one"
        )
    return Publisher(arguments.folder, arguments.keys, passphrase=_passphrase(new=new))


def _passphrase(*, new: bool) -> bytes:
    """The passphrase of the keys. Raises NextEditError if it cannot be asked for."""
    given = os.environ.get("NEXTEDIT_PASSPHRASE")
    if given is None:
        if not sys.stdin.isatty():
            raise NextEditError(
                "the keys' passphrase cannot be asked for here: set NEXTEDIT_PASSPHRASE"
            )
        given = getpass.getpass("passphrase of the keys: ")
        if new and getpass.getpass("once more: ") != given:
            raise NextEditError("the two differ; nothing was created")
    if not given:
        raise NextEditError("an empty passphrase would leave the keys open; choose one")
    return given.encode()
