"""A progress bar: tqdm's where it is installed, lines where it isn't."""

from __future__ import annotations

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
