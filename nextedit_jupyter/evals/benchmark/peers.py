"""The tools that the benchmark asks, each behind the same two questions.

`complete` returns the text that a tool would show at the caret, "" for none. `edits` returns the
texts that other cells would have if its offer were accepted, by the cell's index; {} for none.
`can` says what a tool does: "complete"; "edits", automatically; "renames", if it must be told the
old and new word. To add one, write a class and name it as `module:Class`, or add it to `PEERS`.
"""

from __future__ import annotations

import importlib
import json
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.evals import baselines, rename_peers
from nextedit_jupyter.evals.propagation_edits import peer_offer, product, words

Rename = tuple[str, str] | None
CONTEXT = 12_000  # characters of the cells above that are sent to a server
MAX_TOKENS = 48
ANSWER_S = 60.0


class Peer(Protocol):
    """A tool. `label` says exactly what was measured: a version, a model."""

    @property
    def label(self) -> str: ...

    @property
    def can(self) -> tuple[str, ...]: ...

    def complete(self, request: SuggestRequest) -> str:
        """The text that is shown at the caret; "" for none."""

    def edits(self, request: SuggestRequest, rename: Rename, first: bool) -> Mapping[int, str]:
        """The texts of the cells that an offer changes; `first`: only of the first offer.

        `rename` is the old and the new word if the user renamed one, for tools that must be told.
        """


class Ours:
    """One of our bundles in the whole product: all lanes, all gates."""

    can = ("complete", "edits")

    def __init__(self, bundle: str = "") -> None:
        from nextedit_jupyter.bundles.active import candidates
        from nextedit_jupyter.suggest.build import open_model_lane
        from nextedit_jupyter.suggest.suggester import Suggester

        found = candidates(Path(bundle) if bundle else None)[0].open()
        self._suggester = Suggester(open_model_lane(found), found.label)
        self._offer = product(self._suggester)
        self.label = found.label

    def complete(self, request: SuggestRequest) -> str:
        for suggestion in self._suggester.answer(request).suggestions:
            if suggestion.kind == "inline":
                return "".join(r.text for change in suggestion.edits for r in change.edit)
        return ""

    def edits(self, request: SuggestRequest, rename: Rename, first: bool) -> Mapping[int, str]:
        self._suggester.forget()
        return self._offer(request, None, first)


class JediPeer:
    """jedi's first completion, and its rename if the user renamed something."""

    can = ("complete", "renames")

    def __init__(self) -> None:
        self._complete = baselines.Jedi()
        self._offer = peer_offer(rename_peers.jedi)
        self.label = _version("jedi")

    def complete(self, request: SuggestRequest) -> str:
        return self._complete(request)

    def edits(self, request: SuggestRequest, rename: Rename, first: bool) -> Mapping[int, str]:
        return self._offer(request, rename, first) if rename is not None else {}


class RopePeer:
    """rope's first completion, and its rename if the user renamed something."""

    can = ("complete", "renames")

    def __init__(self) -> None:
        import tempfile

        from rope.base.project import Project

        self._folder = tempfile.TemporaryDirectory()
        self._project = Project(self._folder.name, ropefolder=None)
        self._offer = peer_offer(rename_peers.rope)
        self.label = _version("rope")

    def complete(self, request: SuggestRequest) -> str:
        from rope.contrib import codeassist

        before = request.cell.source[: request.caret.offset]
        if not (before[-1:].isalnum() or before[-1:] in ("_", ".")):
            return ""
        code = _above(request) + before
        found = codeassist.code_assist(self._project, code, len(code), maxfixes=3)
        names = codeassist.sorted_proposals(found)
        start = codeassist.starting_offset(code, len(code))
        return str(names[0].name)[len(code) - start :] if names else ""

    def edits(self, request: SuggestRequest, rename: Rename, first: bool) -> Mapping[int, str]:
        return self._offer(request, rename, first) if rename is not None else {}


class _Completes:
    """A peer that only completes."""

    can: tuple[str, ...] = ("complete",)

    def edits(self, request: SuggestRequest, rename: Rename, first: bool) -> Mapping[int, str]:
        return {}


class Habit(_Completes):
    """The newest earlier line that begins the same, which IPython shows in grey."""

    label = "IPython's history habit"

    def complete(self, request: SuggestRequest) -> str:
        return baselines.earlier_line(request)


class Grams(_Completes):
    """Token n-grams of the notebook itself."""

    label = "n-grams of the notebook"

    def __init__(self) -> None:
        self._model = baselines.TokenNgram()

    def complete(self, request: SuggestRequest) -> str:
        return self._model(request)


class WordsPeer:
    """Replaces the word in every cell, if the user renamed something."""

    can = ("renames",)
    label = "the word everywhere"

    def complete(self, request: SuggestRequest) -> str:
        return ""

    def edits(self, request: SuggestRequest, rename: Rename, first: bool) -> Mapping[int, str]:
        return words(request, rename, first) if rename is not None else {}


class Server(_Completes):
    """Any OpenAI-compatible completion server: the notebook as a file, up to the line's end."""

    def __init__(self, url: str, model: str = "") -> None:
        self._url, self._model = url.rstrip("/"), model
        self.label = model or url

    def complete(self, request: SuggestRequest) -> str:
        body: dict[str, Any] = {
            "prompt": _above(request) + request.cell.source[: request.caret.offset],
            "max_tokens": MAX_TOKENS,
            "temperature": 0,
            "stop": ["\n"],
        }
        if self._model:
            body["model"] = self._model
        told = _post(f"{self._url}/completions", body)
        return _line(told["choices"][0]["text"])


class Infill(_Completes):
    """llama.cpp's server, asked to fill in at the caret as its editor plug-ins do."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self.label = url

    def complete(self, request: SuggestRequest) -> str:
        source, caret = request.cell.source, request.caret.offset
        above, _, line = (_above(request) + source[:caret]).rpartition("\n")
        body = {
            "input_prefix": f"{above}\n" if above else "",
            "prompt": line,
            "input_suffix": source[caret:] or "\n",
            "n_predict": MAX_TOKENS,
            "temperature": 0,
            "stop": ["\n"],
        }
        return _line(_post(f"{self._url}/infill", body)["content"])


# Peers given by name only; servers and bundles need an address or path.
PEERS: dict[str, Callable[..., Peer]] = {
    "nextedit": Ours,
    "jedi": JediPeer,
    "rope": RopePeer,
    "history": Habit,
    "n-grams": Grams,
    "words": WordsPeer,
    "server": Server,
    "infill": Infill,
}
BY_NAME = ("jedi", "rope", "history", "n-grams", "words")


def make(kind: str, options: Sequence[str]) -> Peer:
    """The peer of a kind, or of a class as `module:Class`. Raises NextEditError for any other."""
    module, colon, name = kind.partition(":")
    if colon:
        try:
            found: Peer = getattr(importlib.import_module(module), name)(*options)
        except (ImportError, AttributeError) as error:
            raise NextEditError(f"{kind} cannot be imported: {error}") from None
        return found
    if kind not in PEERS:
        raise NextEditError(f"there is no peer {kind!r}: choose from {', '.join(PEERS)}")
    return PEERS[kind](*options)


def _above(request: SuggestRequest) -> str:
    """The last characters of the cells above, as a file."""
    parts = []
    for cell in request.notebook.cells:
        if cell.id == request.caret.cell:
            break
        if cell.is_code:
            parts.append(cell.source.rstrip() + "\n\n")
    return "".join(parts)[-CONTEXT:]


def _line(text: Any) -> str:
    if not isinstance(text, str):
        raise ValueError("no text came back")
    return text.split("\n", 1)[0].rstrip()


def _post(url: str, body: Mapping[str, Any]) -> Any:
    if not url.startswith(("http://", "https://")):
        raise NextEditError(f"{url} is no address of a server: it begins with http:// or https://")
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
        return json.loads(answer.read(1_000_000))


def _version(package: str) -> str:
    from importlib import metadata

    return f"{package} {metadata.version(package)}"
