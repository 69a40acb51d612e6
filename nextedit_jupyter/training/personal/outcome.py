"""The outcome of a personal bundle: the report, the card and a summary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nextedit_jupyter.training.memorisation import Memorisation
from nextedit_jupyter.training.personal.fine_tuning import mean
from nextedit_jupyter.training.personal.judging import Scores


@dataclass(frozen=True, slots=True)
class PersonalOutcome:
    """The outcome. `low` and `high` are the 95 % interval of the mean change of an edit's nats,
    which is negative if the new bundle is better."""

    promoted: bool
    why: str
    base: Scores
    mine: Scores
    low: float
    high: float
    steps: int
    memorisation: Memorisation | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        return {
            "held_out_edits": len(self.base.edits),
            "nats_an_edit": [mean(self.base.edits), mean(self.mine.edits)],
            "change_95": [round(self.low, 3), round(self.high, 3)],
            "exact": [self.base.exact, self.mine.exact],
            "loss": [round(self.base.loss, 4), round(self.mine.loss, 4)],
            "steps": self.steps,
            "promoted": self.promoted,
            "memorisation": self.memorisation.to_json() if self.memorisation else None,
            **self.counts,
        }


def render_card(mine: dict[str, Any], base: dict[str, Any], outcome: PersonalOutcome) -> str:
    """The card of a personal bundle."""
    report = outcome.report()
    recital = outcome.memorisation
    before, after = report["nats_an_edit"]
    return f"""\
# {mine["id"]} {mine["version"]}

{base["id"]} {base["version"]}, fine-tuned on this user's own code with low-rank adapters
({outcome.steps} steps), merged. It may repeat that code: keep it to yourself.

| on what was held out | base | this |
|---|---|---|
| nats an edit ({report["held_out_edits"]} edits, {report["held_out_real"]} real) | \
{before:.2f} | {after:.2f} |
| edits finished exactly | {outcome.base.exact} | {outcome.mine.exact} |
| nats per token of code | {outcome.base.loss:.3f} | {outcome.mine.loss:.3f} |

The change of an edit's nats lies between {outcome.low:.2f} and {outcome.high:.2f} (95 %):
{"promoted" if outcome.promoted else "not promoted"}, {outcome.why}.

## Memorisation
{recital.to_card() if recital else "No cell was long enough to check."}
"""


def describe(outcome: PersonalOutcome) -> str:
    """A readable summary of the outcome."""
    report = outcome.report()
    before, after = report["nats_an_edit"]
    lines = [
        f"held-out edits: {before:.2f} nats each before, {after:.2f} after "
        f"(change {outcome.low:+.2f} to {outcome.high:+.2f}, 95 %)",
        f"finished exactly: {outcome.base.exact} of {len(outcome.base.edits)} before, "
        f"{outcome.mine.exact} after",
        f"held-out code: {outcome.base.loss:.3f} nats per token before, "
        f"{outcome.mine.loss:.3f} after",
    ]
    if outcome.memorisation is not None:
        lines.append(outcome.memorisation.to_card())
    return "\n".join(lines)
