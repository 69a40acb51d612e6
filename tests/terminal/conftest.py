from __future__ import annotations

from terminal_fixtures import someone

__all__ = ["someone"]
