"""Text to ids and back, the same for serving and training."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from nextedit_jupyter.core.errors import BundleError


class TextTokenizer(Protocol):
    """What a prompt format needs of a tokenizer."""

    @property
    def vocab_size(self) -> int:
        """The number of ids, control tokens included."""

    def encode(self, text: str) -> list[int]:
        """Give the ids of a text; control tokens in it stay plain text. Never raises."""

    def decode(self, ids: Sequence[int]) -> str:
        """Give the text of ids; bytes that are no UTF-8 become U+FFFD. Control tokens vanish."""

    def control(self, name: str) -> int:
        """Give the id of a control token such as `<|end|>`; raises BundleError if there is none."""

    def token_bytes(self, id: int) -> bytes:
        """Give the bytes that a token stands for; none for a control token."""


class BundleTokenizer:
    """A bundle's `tokenizer.json`, read by the `tokenizers` library.

    Texts are encoded line by line in chunks so that one very long line costs what its length says:
    `tokenizers` takes more than linear time for a line of a megabyte.
    """

    def __init__(self, path: Path | str) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:
            raise BundleError(
                f"the tokenizer {path} cannot be read ({error}): import the bundle again"
            ) from error
        self._tokenizer.encode_special_tokens = True  # else a typed `<|end|>` would be the token
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._size: int = self._tokenizer.get_vocab_size(with_added_tokens=True)
        self._control = {
            token.content: id for id, token in self._tokenizer.get_added_tokens_decoder().items()
        }
        self._bytes = self._read_bytes()

    @property
    def vocab_size(self) -> int:
        return self._size

    def encode(self, text: str) -> list[int]:
        if not text:
            return []
        try:
            ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        except (TypeError, UnicodeEncodeError):  # a lone surrogate
            clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            ids = self._tokenizer.encode(clean, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(self.token_bytes(id) for id in ids).decode("utf-8", "replace")

    def control(self, name: str) -> int:
        try:
            return self._control[name]
        except KeyError:
            raise BundleError(f"the tokenizer has no control token {name}") from None

    def token_bytes(self, id: int) -> bytes:
        return self._bytes[id] if 0 <= id < len(self._bytes) else b""

    def _read_bytes(self) -> tuple[bytes, ...]:
        alphabet = _byte_alphabet()
        table = [b""] * self._size
        for token, id in self._tokenizer.get_vocab(with_added_tokens=False).items():
            if token not in self._control:
                table[id] = bytes(alphabet[char] for char in token)
        return tuple(table)


@lru_cache(maxsize=1)
def _byte_alphabet() -> dict[str, int]:
    """Byte-level BPE writes each byte as one printable character (GPT-2's table)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {}, 0
    for byte in range(256):
        if byte in printable:
            table[chr(byte)] = byte
        else:
            table[chr(256 + extra)] = byte
            extra += 1
    return table
