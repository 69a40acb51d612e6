"""Shortens a completion before it is shown: by confidence, loops, and the text after the caret.

Pure functions: text and log-probabilities in, text and a confidence out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from nextedit_jupyter.core.word_characters import is_word_character


@dataclass(frozen=True, slots=True)
class GeneratedToken:
    """A generated token: the end of its text in the completion (code points), and its
    log-probability."""

    end: int
    logprob: float


@dataclass(frozen=True, slots=True)
class Cut:
    """How much of a completion is shown, and the product of its tokens' probabilities."""

    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class CutPolicy:
    """Where a completion may be cut.

    `whole_lines`: a line is shown to its end or not at all. Without it a line may be cut after the
    last token that is not mid-word. `first_token` is the minimum probability of the first token: a
    wrong first token is what annoys. For measurements see `evals.typing`.
    """

    threshold: float = 0.6
    whole_lines: bool = False
    multi_line: bool = False


def token_steps(
    ids: Sequence[int],
    logprobs: Sequence[float],
    token_bytes: Callable[[int], bytes],
    healed: bytes,
    text: str,
) -> list[GeneratedToken]:
    """Each token's end within `text`, the completion without its `healed` first bytes.

    A token that ends inside a character counts as ending before it; control tokens have no bytes.
    """
    raw = text.encode("utf-8", "surrogatepass")
    ends = _code_points(raw)
    steps, at = [], -len(healed)
    for id, logprob in zip(ids, logprobs, strict=False):
        at += len(token_bytes(id))
        steps.append(GeneratedToken(ends[min(max(at, 0), len(raw))], logprob))
    return steps


def _code_points(raw: bytes) -> Sequence[int]:
    """The number of complete characters in the first n bytes, for each n."""
    if raw.isascii():
        return range(len(raw) + 1)
    counts, count = [0], 0
    for at in range(1, len(raw) + 1):
        # A character is complete if the next byte starts another one.
        if at == len(raw) or raw[at] & 0xC0 != 0x80:
            count += 1
        counts.append(count)
    return counts


def cuts(
    text: str, steps: Sequence[GeneratedToken], policy: CutPolicy, *, finished: bool
) -> Iterator[tuple[Cut, int]]:
    """The prefixes of `text` that may be shown, each with its number of steps.

    They satisfy the policy's confidence and grow. `finished`: the model itself ended the text, so
    its end is a real end; if the end token is among the steps, its probability counts.
    """
    longest = 0
    total = 0.0
    for index, step in enumerate(steps):
        total += step.logprob
        confidence = math.exp(total)
        if confidence < policy.threshold or step.end > len(text):  # `text` may have been cut short
            return
        ends = finished and index == len(steps) - 1
        end = _cut_before(text, step.end, policy, ends=ends)
        if end is not None and end > longest and text[:end].strip():
            longest = end
            yield Cut(end, confidence), index + 1


def best_cut(
    text: str, steps: Sequence[GeneratedToken], policy: CutPolicy, *, finished: bool
) -> Cut | None:
    """The longest of the `cuts`; None if there are none."""
    best: Cut | None = None
    for cut, _ in cuts(text, steps, policy, finished=finished):
        best = cut
    return best


def _cut_before(text: str, end: int, policy: CutPolicy, *, ends: bool) -> int | None:
    """The last place up to `end` where a text may be cut; `ends`: the model ended the text
    there."""
    line_end = text.rfind("\n", 0, end) if policy.multi_line else text.find("\n", 0, end)
    if line_end >= 0 and not (ends and policy.multi_line):
        return line_end
    if ends or text[end : end + 1] == "\n":
        return end
    if policy.whole_lines or _in_word(text, end):
        return None
    return end


def _in_word(text: str, at: int) -> bool:
    """Whether a cut at `at` splits a word; the end of the text does if the word might continue."""
    if at <= 0 or _in_number(text, at):
        return True
    return is_word_character(text[at - 1]) and (at == len(text) or is_word_character(text[at]))


def _in_number(text: str, at: int) -> bool:
    """Whether a cut at `at` splits a number at its decimal point: `0.` of `0.2`, and `0` even more
    so."""
    before, here = text[at - 1], text[at : at + 1]
    if before == "." and (not here or here.isdigit()):
        start = at - 1
        while start > 0 and text[start - 1].isdigit():
            start -= 1
        return start < at - 1 and not (start > 0 and (is_word_character(text[start - 1])))
    return before.isdigit() and here == "." and text[at + 1 : at + 2].isdigit()


def without_loop(text: str, *, before: str = "", repeats: int = 2) -> str:
    """The text up to where it starts to repeat itself.

    It ends at a line that came `repeats` times in a row, or that repeats one short piece. `before`
    is the text that the completion continues.
    """
    lines = text.split("\n")
    kept: list[str] = []
    for index, line in enumerate(lines):
        if _is_loop(line):
            break
        if index and line.strip():
            run = 1
            while run <= len(kept) and kept[-run] == line:
                run += 1
            if run > repeats:
                while kept and kept[-1] == line:
                    kept.pop()
                kept.append(line)
                break
        kept.append(line)
    return "\n".join(kept)


def _is_loop(line: str, times: int = 5) -> bool:
    """Whether the line ends with `times` repetitions of a piece of 1 to 12 characters, not only
    spaces."""
    stripped = line.rstrip()
    for size in range(1, 13):
        piece = stripped[-size:]
        if len(stripped) < size * times or not piece.strip(" -=#*_."):
            continue
        if stripped.endswith(piece * times) and not piece.isdigit():
            return True
    return False


def without_rejoined(text: str, after: str) -> str:
    """The text up to a line that repeats the next line after the caret's.

    What would follow is already there. A closing bracket alone is not enough.
    """
    below = (line.strip() for line in after.split("\n")[1:])
    following = next((line for line in below if line), "")
    if len(following) < 4 or "\n" not in text:
        return text
    lines = text.split("\n")
    for at in range(1, len(lines)):
        if lines[at].strip() == following:
            return "\n".join(lines[:at]).rstrip()
    return text


def without_overlap(text: str, after: str) -> str:
    """The completion without an end that is already after the caret on its line.

    `x, y)` before `)` becomes `x, y`. The editor keeps the text after the caret, so the insertion
    must stop before it.
    """
    rest = after.split("\n", 1)[0].rstrip()
    if not rest:
        return text
    for size in range(min(len(rest), len(text)), 0, -1):
        if text.endswith(rest[:size]):
            return text[: len(text) - size]
    return text


def says_what_follows(text: str, after: str) -> bool:
    """Whether the completion is only what already follows the caret, apart from whitespace."""
    said = text.strip()
    return not said or after.lstrip().startswith(said)
