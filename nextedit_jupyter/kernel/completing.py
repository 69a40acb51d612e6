"""A kernel's completions from its figures and tables, listed in JupyterLab's popup.

They come before IPython's own. Everything was collected earlier, so nothing waits here. The
terminal has its own matcher (`nextedit_jupyter.terminal.matcher`), which offers more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nextedit_jupyter.core.facts import KernelFacts

MAX_COMPLETIONS = 5


def make_matcher(facts: Callable[[], KernelFacts]) -> Any:
    """A matcher of IPython's second API version."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher(identifier="nextedit.figures", priority=200)  # type: ignore[untyped-decorator]
    def match_figures(context: Any) -> dict[str, Any]:
        try:
            from nextedit_jupyter.core.plot_calls import completions

            lines = context.full_text.split("\n")[: context.cursor_line]
            before = "\n".join((*lines, context.text_until_cursor))
            found = completions(before, facts(), before)
        except Exception:  # IPython would print a traceback into the prompt
            found = None
        if found is None or "\n" in found.prefix:
            return {"completions": [], "suppress": False}
        return {
            "completions": [
                SimpleCompletion(text, type="value") for text in found.texts[:MAX_COMPLETIONS]
            ],
            "matched_fragment": found.prefix,
            # Sorted alphabetically, all names of the namespace would come before ours.
            "suppress": True,
            "ordered": True,
        }

    return match_figures
