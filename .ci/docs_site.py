"""Hooks of MkDocs: the order of the pages, and the reference pages made from the code."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

ORDER: dict[str, tuple[str, ...]] = {
    "Start": (
        "index.md",
        "keys.md",
        "files.md",
        "folder.md",
        "magics.md",
        "terminal.md",
        "models.md",
    ),
    "How it works": (
        "how-it-works.md",
        "protocol.md",
        "offers.md",
        "figures.md",
        "privacy.md",
        "reliability.md",
        "glossary.md",
    ),
    "Administrators": ("administrators.md",),
    "Train your own": ("training.md", "formats.md", "training-runs.md"),
    "Measurements": ("evaluation.md", "results.md", "benchmarks.md", "nextedit-bench.md"),
    "Reference": ("reference/settings.md", "reference/protocol.md"),
}


def on_config(config: Any) -> Any:
    """The existing pages in the order above, then the decisions."""
    docs = Path(config.docs_dir)
    made = {path for path, _ in generated()}
    nav: list[dict[str, Any]] = [
        {title: [page for page in pages if page in made or (docs / page).is_file()]}
        for title, pages in ORDER.items()
    ]
    records = sorted(path.relative_to(docs).as_posix() for path in (docs / "adr").glob("0*.md"))
    nav.append({"Decisions": ["adr/README.md", *records]})
    config.nav = [section for section in nav if all(section.values())]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages; they are never written into the source tree."""
    from mkdocs.structure.files import File

    for path, text in generated():
        files.append(File.generated(config, path, content=text))
    return files


def generated() -> Iterable[tuple[str, str]]:
    return (
        ("reference/settings.md", settings_page()),
        ("reference/protocol.md", protocol_page()),
    )


def settings_page() -> str:
    """Settings of the server, of a kernel, and of the editor."""
    import json

    from nextedit_jupyter.kernel.session_settings import SessionSettings
    from nextedit_jupyter.server.config import NextEdit

    server = [
        (f"c.NextEdit.{name}", trait.default_value, trait.help)
        for name, trait in sorted(NextEdit.class_traits(config=True).items())
        if name not in ("config", "log", "parent")
    ]
    own = SessionSettings()
    kernel = [(name, own.text(name), own.meaning(name)) for name in own.names()]
    root = Path(__file__).resolve().parent.parent
    editor = []
    for path in sorted((root / "labextension" / "schema").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        for name, one in schema.get("properties", {}).items():
            text = " ".join(filter(None, (one.get("title"), one.get("description"))))
            editor.append((name, one.get("default"), text))
    return "\n\n".join(
        [
            "# Settings",
            "Made from the code.",
            "## Server",
            "In `jupyter_server_config.py`, or `--NextEdit.name=value` on the command line.",
            _table(server),
            "## Kernel and terminal",
            "`%nextedit config NAME VALUE` for a session; `c.NextEdit.NAME` in IPython's "
            "configuration for all.",
            _table(kernel),
            "## Editor",
            "*Settings > Next Edit* in JupyterLab.",
            _table(editor),
        ]
    )


def _table(rows: Iterable[tuple[str, object, str]]) -> str:
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for name, default, text in rows:
        meaning = " ".join(str(text).split()).replace("|", "\\|")
        value = "" if default in (None, "") else f"`{str(default).replace('|', chr(92) + '|')}`"
        lines.append(f"| `{name}` | {value} | {meaning} |")
    return "\n".join(lines)


def protocol_page() -> str:
    """The objects of the protocol, from the TypedDicts that define them."""
    from nextedit_jupyter.core import status, suggestion
    from nextedit_jupyter.core.wire import messages

    parts = [
        "# Protocol",
        "Made from the code; how the objects work together: [the protocol](../protocol.md). "
        "One JSON object per line, the same over HTTP "
        "(`POST nextedit/suggest`), over the worker's socket, and through "
        "`jupyter nextedit predict`. Offsets count UTF-16 units unless `offsets` says otherwise; "
        "`base` is the first 16 hexadecimal digits of the SHA-256 of the cell's text in UTF-8.",
    ]
    for name, made in (vars(messages) | vars(status)).items():
        if not typing.is_typeddict(made):
            continue
        parts.append(f"## {name.removesuffix('Wire')}")
        hints = get_type_hints(made, include_extras=True)
        lines = ["| field | type | required |", "|---|---|---|"]
        for key, hint in hints.items():
            needed = "no" if get_origin(hint) is NotRequired else "yes"
            lines.append(f"| `{key}` | {_type_text(hint)} | {needed} |")
        parts.append("\n".join(lines))
    reasons = ", ".join(f"`{one}`" for one in get_args(suggestion.SilenceReason))
    return "\n\n".join([*parts, "## Reasons for silence", reasons])


def _type_text(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return _type_text(args[0])
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in args)
    if origin in (Union, UnionType):
        return " or ".join(_type_text(one) for one in args)
    if origin is list:
        return f"list of {_type_text(args[0])}"
    if origin is dict:
        return f"object of {_type_text(args[-1])}"
    if typing.is_typeddict(hint):
        name = hint.__name__.removesuffix("Wire")
        return f"[{name}](#{name.lower()})"
    names = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
    return names.get(hint, str(hint))
