"""A readable router of cells to domains.

Each domain has patterns: the names under which libraries are imported, their functions, magics. A
cell belongs to the domain with the most hits, or to none if there are no hits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.prompt.control import CONTROL_TOKENS
from nextedit_jupyter.prompt.tokenizer import TextTokenizer
from nextedit_jupyter.training.packing import NO_LOSS


class Domain(StrEnum):
    PLOTTING = "plotting"
    FRAMES = "data frames"
    MODELLING = "modelling"
    TEXT = "text"
    SHELL = "shell"


_PATTERNS: Mapping[Domain, str] = {
    Domain.PLOTTING: (
        r"\b(?:plt|sns|px|go|alt|fig|axe?s?)\.\w+|\b(?:matplotlib|seaborn|plotly|altair|bokeh)\b"
        r"|\.(?:plot|hist|scatter|boxplot|set_[xy]?(?:label|lim|ticks|title))\("
    ),
    Domain.FRAMES: (
        r"\b(?:pd|pl|df\w*)\.\w+|\b(?:pandas|polars|dask)\b|\bdf\w*\["
        r"|\.(?:groupby|merge|loc|iloc|dropna|fillna|value_counts|reset_index|astype|head)\b"
    ),
    Domain.MODELLING: (
        r"\b(?:torch|nn|tf|keras|sklearn|xgboost|lightgbm|statsmodels|sm)\b\.?"
        r"|\.(?:fit|predict|fit_transform|transform|score|backward)\("
        r"|\b(?:train_test_split|cross_val_score|optimizer|epochs?|X_train|y_train)\b"
    ),
    Domain.TEXT: (
        r"\bre\.\w+\(|\b(?:nltk|spacy|gensim|tokenizer|textblob|bs4|BeautifulSoup|json)\b"
        r"|\.(?:split|strip|join|replace|lower|upper|encode|decode|startswith|format)\("
    ),
    Domain.SHELL: (
        r"^[ \t]*[!%]{1,2}[ \t]*\w+|\b(?:subprocess|shutil|pathlib|os|sys|glob)\b\.\w+"
        r"|\bget_ipython\(\)|\b(?:pip|conda|git|wget|curl) (?:install|clone|-)"
    ),
}
_COMPILED = {domain: re.compile(pattern, re.MULTILINE) for domain, pattern in _PATTERNS.items()}
MAX_CHARACTERS = 20_000  # of a cell that are examined


def hits(source: str) -> Counter[Domain]:
    """The number of matches of each domain's patterns in a text."""
    text = source[:MAX_CHARACTERS]
    found = {domain: sum(1 for _ in p.finditer(text)) for domain, p in _COMPILED.items()}
    return Counter({domain: count for domain, count in found.items() if count})


def domain_of(sources: str | Iterable[str]) -> Domain | None:
    """The domain of a cell, or of several together; None if there are no hits.

    Ties are resolved by the order of `Domain`.
    """
    total: Counter[Domain] = Counter()
    for source in (sources,) if isinstance(sources, str) else sources:
        total += hits(source)
    return max(Domain, key=lambda domain: total[domain]) if total else None


def sorted_rows(
    rows: npt.NDArray[np.uint16], tokenizer: TextTokenizer
) -> dict[Domain | None, npt.NDArray[np.uint16]]:
    """Packed rows by domain, in their original order; domains without rows are absent.

    A row's domain is that of the tokens with loss, or of the whole row if these have none.
    """
    # A control token separates two cells, and so begins a line.
    table = [tokenizer.token_bytes(id) for id in range(tokenizer.vocab_size)]
    for token in CONTROL_TOKENS:
        table[tokenizer.control(token)] = b"\n"
    places: dict[Domain | None, list[int]] = {}
    for at, row in enumerate(rows):
        learnt = row[(row & NO_LOSS) == 0]
        whole = row & (NO_LOSS - 1)
        domain = domain_of(_text(learnt, table)) or domain_of(_text(whole, table))
        places.setdefault(domain, []).append(at)
    return {domain: rows[at] for domain, at in places.items()}


def _text(ids: npt.NDArray[np.uint16], table: list[bytes]) -> str:
    return b"".join(table[id] for id in ids.tolist()).decode("utf-8", "replace")
