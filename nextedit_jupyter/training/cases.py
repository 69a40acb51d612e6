"""Synthetic cases as structured edits, and a model's loss on synthetic or real edits."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from nextedit_jupyter.prompt.format import EditFormat
from nextedit_jupyter.prompt.tokenizer import TextTokenizer
from nextedit_jupyter.training.commits.classify import classify
from nextedit_jupyter.training.commits.real_edit import EditSource, RealEdit
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.edits import EditCase, draw_case
from nextedit_jupyter.training.examples import real_edit
from nextedit_jupyter.training.network import DecoderModule
from nextedit_jupyter.training.packing import NO_LOSS


def case_edit(case: EditCase, source: EditSource) -> RealEdit:
    """A case in the form of a mined edit."""
    request = replace(case.request(), want=("next_edit",))
    change = "none" if case.after == case.now else classify(*(case.answer or ("", "")))
    if change == "none" and case.after != case.now:
        change = "other"
    return RealEdit(request, case.after, change, source)


def made_up_edits(
    documents: Sequence[Document],
    count: int,
    rng: random.Random,
    accept: Callable[[RealEdit], bool] = lambda edit: True,
) -> list[RealEdit]:
    """At most `count` accepted cases, made from stretches of ten cells of documents."""
    chosen = [document for document in documents if document.kind != "module"] or list(documents)
    found: list[RealEdit] = []
    for _ in range(20 * count if chosen else 0):
        if len(found) == count:
            break
        document = rng.choice(chosen)
        case = draw_case(document.cells, rng)
        if case is not None:
            source = EditSource(document.package, "made up", document.path, "", "python")
            edit = case_edit(case, source)
            found += [edit] if accept(edit) else []
    return found


@torch.no_grad()
def answer_nats(
    model: DecoderModule,
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
