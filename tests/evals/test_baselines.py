"""What the model has to beat."""

from __future__ import annotations

import pytest

from nextedit_jupyter.core import Caret, Cell, Notebook, SuggestRequest
from nextedit_jupyter.evals.baselines import Jedi, TokenNgram, earlier_line


def at(text: str, *above: str) -> SuggestRequest:
    cells = [Cell(f"a{i}", "code", source) for i, source in enumerate(above)]
    notebook = Notebook("python", (*cells, Cell("c", "code", text)))
    return SuggestRequest(notebook, Caret("c", len(text)))


def test_the_newest_earlier_line_that_starts_alike_is_gone_on_with() -> None:
    assert earlier_line(at("plt.s", "plt.show()", "plt.subplots(2)")) == "ubplots(2)"
    assert earlier_line(at("plt.savefig('a')\n    plt.s", "plt.show()")) == "avefig('a')"
    assert earlier_line(at("plt.z", "plt.show()")) == ""
    assert earlier_line(at("", "plt.show()")) == ""
    assert earlier_line(at("plt.show()", "plt.show()")) == ""


def test_jedi_says_its_first_completion_in_mid_word_and_after_a_dot() -> None:
    pytest.importorskip("jedi")
    jedi = Jedi()
    assert jedi(at("js", "import json")) == "on"
    assert jedi(at("json.lo", "import json")) == "ad"
    assert jedi(at("x = ", "import json")) == ""


def test_an_n_gram_copies_from_the_notebook() -> None:
    made = TokenNgram(threshold=0.3)
    assert made(at("df.gro", "df.groupby('a').mean()\n")) == "upby('a').mean()"


def test_an_n_gram_knows_its_background_and_is_silent_below_its_threshold() -> None:
    texts = ["import numpy as np\n"] * 5 + ["import numpy as num\n"]
    made = TokenNgram(texts, threshold=0.5)
    assert made(at("import num")) == "py as np"
    made.threshold = 0.99
    assert made(at("import numpy as ")) == ""
