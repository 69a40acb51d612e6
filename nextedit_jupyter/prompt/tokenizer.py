"""Text to ids and back, the same for serving and training."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from nextedit_jupyter.core import phases
from nextedit_jupyter.core.errors import BundleError, panics_as
from nextedit_jupyter.core.phases import Phase
from nextedit_jupyter.prompt.healing import Pieces, cut_before_end

_MARK = re.compile(r"<\|\w+\|>|<\w*fim\w*>|<(?:repo_name|file_sep)>|<\[[\w-]+\]>|▁<[A-Z]{3}>|</?s>")


class TextTokenizer(Protocol):
    """What a prompt format needs from a tokenizer."""

    @property
    def vocab_size(self) -> int:
        """The number of ids, control tokens included."""

    @property
    def pieces(self) -> Pieces:
        """How it splits a text into pieces: this determines where a prompt may end."""

    def encode(self, text: str) -> list[int]:
        """The ids of a text; control tokens in it stay plain text."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; invalid UTF-8 becomes U+FFFD, and control tokens are omitted."""

    def control(self, name: str) -> int:
        """The id of a control token such as `<|end|>`; raises BundleError if there is none."""

    def token_bytes(self, id: int) -> bytes:
        """The bytes of a token; empty for a control token."""


def encode_open(tokenizer: TextTokenizer, text: str) -> list[int]:
    """The ids of a text that will be continued, as healing left it."""
    cut = cut_before_end(text, tokenizer.pieces)
    return [*tokenizer.encode(text[:cut]), *tokenizer.encode(text[cut:])]


class BundleTokenizer:
    """A bundle's `tokenizer.json`, read by the `tokenizers` library.

    Those of other models are read too: byte-level BPE (Qwen, StarCoder) and BPE over pieces with
    `▁` for a space and `<0x0A>` for a byte (Code Llama). Anything in their files that would change
    a text is switched off: a space before the first word, normalisation, and recognition of control
    tokens.

    Prompt formats cut texts to their windows before encoding: a line of a megabyte takes more than
    half a second.
    """

    def __init__(self, path: Path | str) -> None:
        from tokenizers import Tokenizer

        try:
            text = Path(path).read_text(encoding="utf-8")
            plain, added = _without_liberties(text)
            with panics_as("its expressions cannot be read"):
                self._tokenizer = Tokenizer.from_str(text if plain is None else plain)
        except Exception as error:
            raise BundleError(
                f"the tokenizer {path} cannot be read ({error}): import the bundle again"
            ) from error
        self._tokenizer.encode_special_tokens = True  # or a typed `<|end|>` becomes the token
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._pieces: Pieces = "gpt2" if _is_gpt2(json.loads(text).get("pre_tokenizer")) else "own"
        vocabulary = self._tokenizer.get_vocab(with_added_tokens=True)
        self._size: int = max(vocabulary.values(), default=-1) + 1
        self._control = {
            token.content: id for id, token in self._tokenizer.get_added_tokens_decoder().items()
        }
        self._bytes = self._read_bytes(added)

    @property
    def vocab_size(self) -> int:
        return self._size

    @property
    def pieces(self) -> Pieces:
        return self._pieces

    def encode(self, text: str) -> list[int]:
        if not text:
            return []
        try:
            return self._ids(text)
        except (TypeError, UnicodeEncodeError):  # a lone surrogate
            return self._ids(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))

    def _ids(self, text: str) -> list[int]:
        with phases.during(Phase.MODEL), panics_as("the bundle's tokenizer failed: use another"):
            ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
            return ids

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(self.token_bytes(id) for id in ids).decode("utf-8", "replace")

    def control(self, name: str) -> int:
        try:
            return self._control[name]
        except KeyError:
            raise BundleError(f"the tokenizer has no control token {name}") from None

    @property
    def control_names(self) -> frozenset[str]:
        """The control tokens that the file has."""
        return frozenset(self._control)

    def token_bytes(self, id: int) -> bytes:
        return self._bytes[id] if 0 <= id < len(self._bytes) else b""

    def _read_bytes(self, added: Mapping[str, int]) -> tuple[bytes, ...]:
        vocabulary = self._tokenizer.get_vocab(with_added_tokens=False)
        has_pieces = "<0x0A>" in vocabulary and "<0xFF>" in vocabulary
        alphabet = _byte_alphabet()
        table = [b""] * self._size
        for token, id in vocabulary.items():
            if token in self._control:
                continue
            if has_pieces:
                table[id] = _piece_bytes(token)
            else:
                table[id] = b"".join(
                    bytes([alphabet[char]]) if char in alphabet else char.encode() for char in token
                )
        for token, id in added.items():
            table[id] = token.encode()
        return tuple(table)


def _without_liberties(text: str) -> tuple[str | None, dict[str, int]]:
    """A tokenizer.json that leaves texts unchanged; None if it already does.

    Also returns the added tokens that are plain text: all that are neither marked special nor look
    like control tokens (`<|fim_prefix|>` is not marked special in Qwen's file, but must be).
    """
    value = json.loads(text)
    plain: dict[str, int] = {}
    changed = False
    for token in value.get("added_tokens") or ():
        if not token.get("special"):
            if not _is_mark(token["content"]):
                plain[token["content"]] = token["id"]
            token["special"] = changed = True
    for part in ("normalizer", "pre_tokenizer"):
        kept = _honest(value.get(part))
        if kept != value.get(part):
            value[part] = kept
            changed = True
    return (json.dumps(value) if changed else None), plain


def _honest(part: Any) -> Any:
    """A normalizer or pre-tokenizer without the parts that add a space or change characters."""
    if not isinstance(part, dict):
        return part
    kind = part.get("type")
    if kind in ("Prepend", "NFC", "NFD", "NFKC", "NFKD", "Strip"):
        return None
    if kind == "Sequence":
        name = "normalizers" if "normalizers" in part else "pretokenizers"
        kept = [inner for inner in map(_honest, part.get(name, ())) if inner is not None]
        return {**part, name: kept}
    if kind == "Metaspace":
        fields = {"prepend_scheme": "never"} if "prepend_scheme" in part else {}
        return {**part, **fields, **({"add_prefix_space": False} if not fields else {})}
    if kind == "ByteLevel" and part.get("add_prefix_space"):
        return {**part, "add_prefix_space": False}
    return part


def _is_gpt2(part: Any) -> bool:
    """Whether a pre-tokenizer splits by GPT-2's expression, as ByteLevel does by default."""
    if not isinstance(part, dict):
        return False
    if part.get("type") == "Sequence":
        return any(map(_is_gpt2, part.get("pretokenizers", ())))
    return part.get("type") == "ByteLevel" and part.get("use_regex", True) is not False


def _is_mark(content: str) -> bool:
    return bool(_MARK.fullmatch(content))


def _piece_bytes(piece: str) -> bytes:
    """The bytes of a piece such as `▁def` or `<0x0A>`."""
    match = re.fullmatch(r"<0x([0-9A-F]{2})>", piece)
    return bytes([int(match[1], 16)]) if match else piece.replace("▁", " ").encode()


@lru_cache(maxsize=1)
def _byte_alphabet() -> dict[str, int]:
    """GPT-2's table, in which byte-level BPE writes each byte as one printable character."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {}, 0
    for byte in range(256):
        if byte in printable:
            table[chr(byte)] = byte
        else:
            table[chr(256 + extra)] = byte
            extra += 1
    return table
