"""What a cell's tags mean to us."""

from __future__ import annotations

OFF_TAG = "nextedit-off"  # on a cell that is neither read nor changed
