"""Questions for reinforcement learning about lines: whether and how a stretch follows real changes.

They are taken from the scans of `training.line_scans`: the prompt has a commit's changes, then
similar stretches one by one, with the author's answers up to the one in question. Half of the
questions (`RlSettings.wanted`) are about stretches that the author changed: of those asked about in
use, five in six stay unchanged.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from nextedit_jupyter.core import Caret, Cell, Notebook, SuggestRequest
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt import control
from nextedit_jupyter.prompt.cells_lines_v1 import CellsLinesV1
from nextedit_jupyter.prompt.tokenizer import TextTokenizer
from nextedit_jupyter.training.line_scans import MAX_CHARS, commit_scans
from nextedit_jupyter.training.packing import NO_LOSS
from nextedit_jupyter.training.real_data import read_rows
from nextedit_jupyter.training.reward import SILENT, UNREADABLE, ReadAnswer, RewardTask, judge
from nextedit_jupyter.training.rl_questions import TRIES, Question
from nextedit_jupyter.training.rl_settings import RlSettings

MAX_COMMITS = 3_000  # kept in memory, spread over the file


class LineQuestions:
    """Questions about stretches of real commits in a JSON Lines file."""

    def __init__(
        self, edits: Path, fmt: CellsLinesV1, tokenizer: TextTokenizer, settings: RlSettings
    ) -> None:
        """Raises TrainingError for a file that cannot be read or has no commits of cells."""
        self._rows = _spread(edits)
        self._format = fmt
        self._tokenizer = tokenizer
        self._settings = settings
        if not self._rows:
            raise TrainingError(f"{edits.name} has no commits to ask about")

    def draw(self, seed: str, count: int) -> list[Question]:
        rng = random.Random(seed)
        found: list[Question] = []
        wanted = rng.random() < self._settings.wanted
        for _ in range(TRIES * count):
            questions = [q for q in self._of(rng.choice(self._rows), rng) if q.wanted == wanted]
            if questions:
                found.append(rng.choice(questions))
                wanted = rng.random() < self._settings.wanted
            if len(found) == count:
                return found
        raise TrainingError(
            f"the commits gave {len(found)} of {count} questions: give more of them, or longer "
            "prompts"
        )

    def _of(self, row: dict[str, Any], rng: random.Random) -> Iterator[Question]:
        """A question for each stretch of one scan of a commit."""
        scans = commit_scans(
            row, self._tokenizer, rng, length=self._settings.length, limit=1, fmt=self._format
        )
        asked = self._tokenizer.control(control.EDIT)
        for ids in scans:
            before: list[int] = []
            for learnt, part in groupby(ids, key=lambda id: not id & NO_LOSS):
                piece = [id & ~NO_LOSS for id in part]
                if not learnt:
                    before += piece
                    continue
                if len(piece) <= self._settings.max_new:
                    at = len(before) - before[::-1].index(asked) - 1
                    yield self._question(before[:at], before[at + 1 :], piece)
                before += piece

    def _question(
        self, before: Sequence[int], stretch: Sequence[int], answer: Sequence[int]
    ) -> Question:
        text = self._tokenizer.decode(list(stretch))
        becomes = self._format.read(answer, self._tokenizer)
        after = text if becomes is None else becomes
        # The stretch stands for its cell: only additional syntax errors count. Lines of a block are
        # parsed within a block.
        head = "if True:\n" if text[:1] in (" ", "\t") else ""
        now = head + text
        request = SuggestRequest(
            Notebook("python", (Cell("lines", "code", now),)), Caret("lines", 0)
        )
        task = RewardTask("next_edit", request, head + after, len(answer))
        prompt = self._format.stretch_prompt(before, text, self._tokenizer)

        def read(ids: Sequence[int]) -> ReadAnswer:
            if ids[0] in prompt.stop:
                return SILENT
            answer = self._format.read(ids, self._tokenizer)
            if answer is None:
                return UNREADABLE
            # Repeating the same lines is silence: nothing would be shown.
            return SILENT if answer == text else ReadAnswer(head + answer, len(ids))

        return Question(
            prompt.ids,
            prompt.stop,
            lambda ids: judge(task, read(ids)),
            "next_edit",
            task.wanted,
        )


def _spread(path: Path) -> list[dict[str, Any]]:
    """At most `MAX_COMMITS` commits with changed cells, evenly spread over the file."""
    rows = [
        {name: row[name] for name in ("before", "after", "pairs")}
        for row in read_rows(path)
        if row["pairs"] and sum(map(len, row["before"])) <= MAX_CHARS
    ]
    every = max(1, -(-len(rows) // MAX_COMMITS))
    return rows[::every]
