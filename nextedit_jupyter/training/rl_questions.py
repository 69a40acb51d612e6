"""Questions for reinforcement learning: next edits and typing carets from a corpus."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.evals.heldout import held_out
from nextedit_jupyter.evals.typing import typing_request
from nextedit_jupyter.prompt import Prompt, PromptFormat, TextTokenizer
from nextedit_jupyter.prompt.lines import changed_lines
from nextedit_jupyter.training.cases import made_up_edits
from nextedit_jupyter.training.commits.real_edit import RealEdit
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.network import DecoderModule
from nextedit_jupyter.training.reward import (
    SILENT,
    UNREADABLE,
    ReadAnswer,
    RewardTask,
    Verdict,
    judge,
)
from nextedit_jupyter.training.rl_settings import RlSettings
from nextedit_jupyter.training.sampling import Sample, sample

TRIES = 50  # attempts per question, many of which offer none


@dataclass(frozen=True, slots=True)
class Question:
    """The prompt's ids, the ids that end an answer, and the reward of an answer.

    `wanted`: there is something to answer.
    """

    ids: tuple[int, ...]
    stop: frozenset[int]
    judge: Callable[[Sequence[int]], Verdict]
    kind: Kind = "next_edit"
    wanted: bool = True


def likeliest(
    model: DecoderModule, questions: Sequence[Question], settings: RlSettings
) -> list[Sample]:
    """The most likely answer to each question."""
    drawn = sample(
        model,
        [question.ids for question in questions],
        [question.stop for question in questions],
        max_new=settings.max_new,
        temperature=0.0,
    )
    return [answer for (answer,) in drawn]


class Questions(Protocol):
    """The source of a run's questions."""

    def draw(self, seed: str, count: int) -> list[Question]:
        """`count` questions, the same for the same seed. Raises TrainingError."""


class CorpusQuestions:
    """Next edits and typing carets from a corpus, in any prompt format.

    Next edits are synthetic, as in training (`training.edits`), or mined. At a typing caret the
    rest of the line is wanted, and nothing at the line's end. A caret is at the end of one of the
    cell's tokens; what the format holds back of the last word is included in the prompt, because
    sampling is not constrained.
    """

    def __init__(
        self,
        documents: Sequence[Document],
        fmt: PromptFormat,
        tokenizer: TextTokenizer,
        settings: RlSettings,
        *,
        edits: Sequence[RealEdit] = (),
    ) -> None:
        self._documents = [document for document in documents if document.kind != "module"]
        self._edits = edits
        self._format = fmt
        self._tokenizer = tokenizer
        self._settings = settings
        self._edits_too = "next_edit" in fmt.kinds
        self._newlines = frozenset(
            id for id in range(tokenizer.vocab_size) if tokenizer.token_bytes(id)[:1] == b"\n"
        )
        if not self._documents:
            raise TrainingError("the corpus has no notebooks, galleries or guides to ask about")

    def draw(self, seed: str, count: int) -> list[Question]:
        rng = random.Random(seed)
        found: list[Question] = []
        for _ in range(TRIES * count):
            if len(found) == count:
                return found
            typing = rng.random() < self._settings.inline or not self._edits_too
            question = self._caret(rng) if typing else self._edit(rng)
            if question is not None:
                found.append(question)
        if len(found) < count:
            raise TrainingError(
                f"the corpus gave {len(found)} of {count} questions: give it more documents, or "
                "longer prompts"
            )
        return found

    def _edit(self, rng: random.Random) -> Question | None:
        if self._edits and rng.random() < self._settings.real:
            edit = rng.choice(self._edits)
        else:
            document = rng.choice(self._documents)
            made = made_up_edits([document], 1, rng) if document.cells else []
            if not made:
                return None
            edit = made[0]
        request = edit.request
        old, new = changed_lines(request.cell.source, edit.after)
        tokens = len(self._tokenizer.encode(new))
        if len(self._tokenizer.encode(old)) + tokens + 2 > self._settings.max_new:
            return None  # it cannot be expressed: only silence could be learnt
        task = RewardTask("next_edit", request, edit.after, tokens)
        prompt = self._format.next_edit(request, self._tokenizer, self._settings.length)
        return self._question(task, prompt, (), self._read_edit)

    def _caret(self, rng: random.Random) -> Question | None:
        document = rng.choice(self._documents)
        cells = document.cells
        fit = [
            i
            for i, text in enumerate(cells)
            if 20 <= len(text) <= 1_000 and not text.lstrip().startswith("%%")
        ]
        if not fit:
            return None
        index = rng.choice(fit)
        text, ids = cells[index], self._tokenizer.encode(cells[index])
        before = self._tokenizer.decode(ids[: rng.randrange(1, len(ids))])
        if not text.startswith(before):
            return None  # in the middle of a character
        rest = text[len(before) :].split("\n", 1)[0].rstrip()
        if not before.rpartition("\n")[2].strip() and not rest:
            return None  # an empty line
        notebook = held_out(document.package, document.path, document.kind, cells).notebook
        request = typing_request(notebook, index, len(before))
        tokens = len(self._tokenizer.encode(changed_lines(before, before + rest)[1]))
        task = RewardTask("inline", request, before + rest, tokens)
        prompt = self._format.inline(request, self._tokenizer, self._settings.length)
        held = self._tokenizer.encode(prompt.heal.decode("utf-8", "replace"))
        if len(self._tokenizer.encode(rest)) + 1 > self._settings.max_new:
            return None
        return self._question(task, prompt, held, self._read_inline)

    def _question(
        self,
        task: RewardTask,
        prompt: Prompt,
        held: Sequence[int],
        read: Callable[[RewardTask, Sequence[int]], ReadAnswer],
    ) -> Question | None:
        ids = (*prompt.ids, *held)
        if not prompt.ids or len(ids) > self._settings.length + 32:
            return None
        stop = prompt.stop | self._newlines if task.kind == "inline" else prompt.stop

        def judged(answer: Sequence[int]) -> Verdict:
            return judge(task, read(task, answer))

        return Question(ids, stop, judged, task.kind, task.wanted)

    def _read_edit(self, task: RewardTask, ids: Sequence[int]) -> ReadAnswer:
        """Parse a next edit's answer; an immediate control token is silence."""
        if len(ids) == 1 and not self._tokenizer.token_bytes(ids[0]):
            return SILENT
        parsed = self._format.parse_next_edit(task.request, ids, self._tokenizer)
        if parsed is None:
            return UNREADABLE
        cell, edit = parsed
        now = task.now
        if cell != task.request.caret.cell:
            return ReadAnswer(now)  # the caret's cell is unchanged
        return self._said(now, edit.apply(now)) if edit.fits(now) else UNREADABLE

    def _read_inline(self, task: RewardTask, ids: Sequence[int]) -> ReadAnswer:
        """The text at the caret after an answer; whitespace alone is silence."""
        ended = ids[-1] in self._newlines or not self._tokenizer.token_bytes(ids[-1])
        text = self._tokenizer.decode(ids[:-1] if ended else ids).rstrip()
        if not text:
            return SILENT if ended else UNREADABLE
        now, at = task.now, task.request.caret.offset
        return self._said(now, now[:at] + text + now[at:])

    def _said(self, now: str, text: str) -> ReadAnswer:
        return ReadAnswer(text, len(self._tokenizer.encode(changed_lines(now, text)[1])))
