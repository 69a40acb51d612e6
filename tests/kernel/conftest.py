from __future__ import annotations

from shell_fixtures import plain_shell, user

__all__ = ["plain_shell", "user"]
