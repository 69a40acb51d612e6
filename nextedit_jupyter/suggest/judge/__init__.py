"""The judge: every place that may follow the last edits, with a probability.

`last_edits` reads the examples from the edit history, `candidates` finds possible places
generously, `features` describes each of them, and `forest` weighs the features as trained.
"""
