"""The judge: every place that could follow the last edits, and how sure it is that it does.

`changes` reads the examples from the record of edits, `candidates` finds the places generously,
`features` says what speaks for and against each, and `forest` weighs that as it was trained.
"""
