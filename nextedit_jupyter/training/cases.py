"""Made-up cases as structured edits, and how well a model does on edits of either kind."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch

from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, SuggestRequest
from nextedit_jupyter.prompt.format import EditFormat
from nextedit_jupyter.prompt.tokenizer import TextTokenizer
from nextedit_jupyter.training.commits.classify import classify
from nextedit_jupyter.training.commits.real_edit import RealEdit, Source
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.edits import EditCase, make_case
from nextedit_jupyter.training.examples import real_edit
from nextedit_jupyter.training.model import Decoder
from nextedit_jupyter.training.packing import NO_LOSS


def case_edit(case: EditCase, source: Source) -> RealEdit:
    """A case as the product would see it: all cells ran, the history names the right cells."""
    cells = tuple(
        Cell(f"c{i}", "code", text, execution_count=i + 1) for i, text in enumerate(case.cells)
    )
    history = []
    for number, (before, after) in enumerate(case.events):
        at = case.cells.index(after) if after in case.cells else case.cell
        history.append(EditEvent(f"c{at}", before, after, at=float(number)))
    request = SuggestRequest(
        Notebook("python", cells),
        Caret(f"c{case.cell}", case.caret),
        history=tuple(history),
        want=("next_edit",),
    )
    change = "none" if case.after == case.now else classify(*(case.answer or ("", "")))
    if change == "none" and case.after != case.now:
        change = "other"
    return RealEdit(request, case.after, change, source)


def made_up_edits(documents: Sequence[Document], count: int, rng: random.Random) -> list[RealEdit]:
    """At most `count` cases made up from documents' stretches of ten cells."""
    chosen = [document for document in documents if document.kind != "module"] or list(documents)
    found: list[RealEdit] = []
    for _ in range(20 * count if chosen else 0):
        if len(found) == count:
            break
        document = rng.choice(chosen)
        start = rng.randrange(max(1, len(document.cells) - 5))
        cells = [cell for cell in document.cells[start : start + 10] if len(cell) < 2_500]
        case = make_case(cells, rng) if cells else None
        if case is not None:
            source = Source(document.package, "made up", document.path, "", "python")
            found.append(case_edit(case, source))
    return found


@torch.no_grad()
def answer_nats(
    model: Decoder,
    edits: Sequence[RealEdit],
    tokenizer: TextTokenizer,
    fmt: EditFormat,
    *,
    length: int = 700,
) -> list[float | None]:
    """Nats of each edit's whole answer; None for one that cannot be rendered in `length` tokens."""
    found: list[float | None] = []
    model.eval()
    for edit in edits:
        ids = real_edit(edit, tokenizer, length=length, fmt=fmt)
        if ids is None:
            found.append(None)
            continue
        answer = 0
        while answer < len(ids) and ids[-1 - answer] < NO_LOSS:
            answer += 1
        plain = torch.tensor([[id & (NO_LOSS - 1) for id in ids]])
        hidden = model.hidden(plain[:, :-1])[:, -answer:]
        logits = torch.nn.functional.linear(hidden, model.embedding.weight)[0].float()
        taken = torch.log_softmax(logits, -1).gather(-1, plain[0, -answer:, None])
        found.append(float(-taken.sum()))
    return found
