"""Names as a kernel would report them: training guesses them as evaluation does."""

from nextedit_jupyter.evals.guessed_names import columns_used, guess_names, parse_cell

__all__ = ["columns_used", "guess_names", "parse_cell"]
