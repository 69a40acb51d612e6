"""A tokenizer of characters, and requests in few words, for tests of prompt formats."""

from __future__ import annotations

from collections.abc import Sequence

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    KernelFacts,
    NamedObject,
    Notebook,
    SuggestRequest,
)
from nextedit_jupyter.prompt import Prompt
from nextedit_jupyter.prompt.control import CONTROL_TOKENS
from nextedit_jupyter.prompt.healing import Pieces


class Letters:
    """A tokenizer whose tokens are control tokens and characters."""

    vocab_size = 0x110000 + len(CONTROL_TOKENS)

    def __init__(self) -> None:
        self.encoded = 0

    pieces: Pieces = "own"

    def encode(self, text: str) -> list[int]:
        self.encoded += len(text)
        return [ord(char) + len(CONTROL_TOKENS) for char in text]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(chr(id - len(CONTROL_TOKENS)) for id in ids if id >= len(CONTROL_TOKENS))

    def control(self, name: str) -> int:
        return CONTROL_TOKENS.index(name)

    def token_bytes(self, id: int) -> bytes:
        return self.decode([id]).encode()


def shown(prompt: Prompt) -> str:
    count = len(CONTROL_TOKENS)
    return "".join(CONTROL_TOKENS[id] if id < count else chr(id - count) for id in prompt.ids)


def request(
    *sources: str,
    caret: tuple[int, int] | None = None,
    ran: Sequence[int | None] = (),
    history: Sequence[EditEvent] = (),
    names: Sequence[NamedObject] = (),
) -> SuggestRequest:
    counts = list(ran) or [None] * len(sources)
    cells = tuple(
        Cell(f"c{i}", "code", source, execution_count=count)
        for i, (source, count) in enumerate(zip(sources, counts, strict=True))
    )
    cell, offset = caret or (len(sources) - 1, len(sources[-1]))
    return SuggestRequest(
        Notebook("python", cells),
        Caret(f"c{cell}", offset),
        history=tuple(history),
        facts=KernelFacts(names=tuple(names)),
    )


def answer(tokenizer: Letters, text: str) -> list[int]:
    ids: list[int] = []
    while text:
        name = next((name for name in CONTROL_TOKENS if text.startswith(name)), None)
        ids += [tokenizer.control(name)] if name else tokenizer.encode(text[0])
        text = text[len(name) if name else 1 :]
    return ids
