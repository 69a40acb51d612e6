"""Text from other files, before the notebook's cells: stubs of modules, pieces of neighbours.

They come first because they change least: a keystroke does not invalidate their cached part.
"""

from __future__ import annotations

from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.prompt.format import EncodingCache
from nextedit_jupyter.prompt.lines import head_window
from nextedit_jupyter.prompt.tokenizer import TextTokenizer

NEARBY_SHARE = 0.3  # of the other cells' budget
_CHARS = 4  # characters per token when a text is cut before it is encoded


def nearby_texts(
    request: SuggestRequest, tokenizer: TextTokenizer, cache: EncodingCache, budget: int
) -> list[tuple[str, str, int]]:
    """(path, text, tokens) of what fits into `budget` tokens; each text begins with its file's
    name.

    The most similar piece is last, nearest to the cells.
    """
    found: list[tuple[str, str, int]] = []
    for near in request.nearby:
        text = head_window(near.text.strip("\n"), max_chars=budget * _CHARS).rstrip()
        told = f"# {near.path}\n{text}"
        cost = len(cache.encode(tokenizer, told)) + 4
        while cost > budget and "\n" in text:
            text = text[: text.rfind("\n")].rstrip()
            told = f"# {near.path}\n{text}"
            cost = len(cache.encode(tokenizer, told)) + 4
        if not text or cost > budget:
            continue
        budget -= cost
        found.append((near.path, told, cost))
    return found[::-1]
