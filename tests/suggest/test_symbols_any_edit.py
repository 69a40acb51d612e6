"""Whatever is edited, the lane answers; what it offers fits the notebook and parses as before."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nextedit_jupyter.analysis.syntax import error_count
from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    KernelFacts,
    NamedObject,
    Notebook,
    Silence,
    SuggestRequest,
)
from nextedit_jupyter.suggest.symbols import SymbolsLane

PIECES = st.sampled_from(
    "x y z df f self.x import numpy as np , = += ( ) [ ] { } : \n \n \n\t . * ** @ 'x' \"df\""
    " f'{x}' def f(x, y=1): class A: return lambda for in if else: try: except E as x:"
    " with match case del"
    " global nonlocal # 1 2 %time %%bash %%time !ls ? := -> pass print(x) x=1 df['x']"
    " rename(columns= query('@x') é 😀 ﬁ \\ \r ; \0".replace("\n", "⏎").split(" ")
).map(lambda piece: piece.replace("⏎", "\n"))
TEXTS = st.lists(PIECES, max_size=14).map(" ".join)


@settings(max_examples=400)
@given(TEXTS, TEXTS, TEXTS, st.data())
def test_any_edit_gets_an_answer_and_no_offer_makes_a_cell_worse(
    before: str, after: str, other: str, data: st.DataObject
) -> None:
    if data.draw(st.booleans()):  # a small edit of the same text: where renames are found
        start = data.draw(st.integers(0, len(before)))
        end = data.draw(st.integers(start, min(len(before), start + 3)))
        after = before[:start] + data.draw(PIECES) + before[end:]
    cells = (Cell("a", "code", after), Cell("b", "code", other), Cell("c", "code", before))
    request = SuggestRequest(
        Notebook("python", cells),
        Caret("a", data.draw(st.integers(0, len(after)))),
        (EditEvent("a", before, after),) if before != after else (),
        KernelFacts(names=(NamedObject("df", "pandas.DataFrame", subscripts=("x", "z")),)),
        rename_to=data.draw(st.sampled_from([None, None, None, "w", "x", "class", "é"])),
    )
    answer = SymbolsLane().suggest(request)
    if isinstance(answer, Silence):
        assert answer.detail
        return
    for suggestion in answer:
        texts = suggestion.apply(request.notebook)
        assert texts
        for id, text in texts.items():
            cell = request.notebook.cell(id)
            assert cell is not None
            assert text != cell.source
            assert error_count(text) <= error_count(cell.source)
