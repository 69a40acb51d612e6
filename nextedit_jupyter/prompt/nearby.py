"""What other files say, before the notebook's cells: stubs of modules, pieces of neighbours.

They stand first, since they change least: a keystroke leaves what is cached of them as it is.
"""

from __future__ import annotations

from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.prompt.format import EncodingCache
from nextedit_jupyter.prompt.lines import head_window
from nextedit_jupyter.prompt.tokenizer import TextTokenizer

NEARBY_SHARE = 0.3  # of what the other cells have
_CHARS = 4  # characters taken a token when a text is cut before it is encoded


def nearby_texts(
    request: SuggestRequest, tokenizer: TextTokenizer, cache: EncodingCache, budget: int
) -> list[tuple[str, str, int]]:
    """(path, text, tokens) of what fits in `budget` tokens; each text names its file first.

    The likest piece stands last, nearest to the cells.
    """
    found: list[tuple[str, str, int]] = []
    for near in request.nearby:
        text = head_window(near.text.strip("\n"), most=budget * _CHARS).rstrip()
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
