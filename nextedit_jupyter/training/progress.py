"""A progress bar: tqdm's if it is installed, otherwise lines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


class Bar:
    """`with Bar("fetching", 12, "package") as bar: bar.step(name)`."""

    def __init__(self, label: str, total: int, unit: str) -> None:
        self._bar: Any = None
        try:
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=label, unit=unit)
        except ImportError:
            print(f"{label} …")

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def step(self, what: str, count: int = 1) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(what, refresh=False)
            self._bar.update(count)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class RunBar:
    """Progress of a training run: a bar on a terminal, lines of text elsewhere.

    With `say`, all text goes there and there is no bar.
    """

    def __init__(self, say: Callable[[str], None] | None = None) -> None:
        self._say = say or _print
        self._bar: Any = None
        self._tqdm: Any = None
        if say is None and sys.stderr.isatty():
            try:
                from tqdm import tqdm

                self._tqdm = tqdm
            except ImportError:
                pass

    def __enter__(self) -> RunBar:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def move(self, done: float, total: float | None) -> None:
        """Set the progress to `done` of `total`, in steps or seconds; the total may change; None
        means no end."""
        if self._tqdm is None:
            return
        if total is not None:
            done = min(done, total)
        if self._bar is None:
            self._bar = self._tqdm(
                desc="training",
                total=total,
                initial=done,  # earlier progress of a resumed run does not count for its speed
                miniters=0,
                dynamic_ncols=True,
                bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}",
            )
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def tell(self, line: str, short: str) -> None:
        """Report the state: `short` next to the bar, or else a line."""
        if self._bar is None:
            self._say(line)
        else:
            self._bar.set_postfix_str(short)

    def say(self, line: str) -> None:
        """Print a permanent line: above the bar, if there is one."""
        if self._bar is None:
            self._say(line)
        else:
            self._bar.write(line)


def _print(line: str) -> None:
    print(line, flush=True)
