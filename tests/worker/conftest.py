"""The fixtures of real worker processes."""

from real_worker import connect, folder, settings

__all__ = ["connect", "folder", "settings"]
