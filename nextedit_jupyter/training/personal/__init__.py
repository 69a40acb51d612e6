"""Personal bundles: the base bundle fine-tuned on a user's own code, on their processor.

Low-rank adapters are trained within a time budget and merged. A fifth of the user's files and edits
is held out; the bundle is promoted only if it finds these more likely than the base does, and
finishes no fewer edits. Nothing leaves the machine.
"""

from nextedit_jupyter.training.personal.fine_tuning import PersonalPlan, is_large
from nextedit_jupyter.training.personal.judging import Scores, judge
from nextedit_jupyter.training.personal.outcome import PersonalOutcome, describe
from nextedit_jupyter.training.personal.personalise import personalise
from nextedit_jupyter.training.personal.starting_bundle import is_personal
from nextedit_jupyter.training.personal.user_corpus import Split, UserCorpus, gather, split

__all__ = [
    "PersonalOutcome",
    "PersonalPlan",
    "Scores",
    "Split",
    "UserCorpus",
    "describe",
    "gather",
    "is_large",
    "is_personal",
    "judge",
    "personalise",
    "split",
]
