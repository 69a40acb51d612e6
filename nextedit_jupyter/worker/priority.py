"""The worker's priority: above a training run's, where the system lets its user have that.

A kernel that computes on all cores would otherwise get as much of them as the key that waits.
"""

from __future__ import annotations

import sys

RAISED = -5  # three times the share of a process that has the usual priority


def raise_priority() -> bool:
    """Put this process above those of the usual priority; whether that was possible.

    Linux and macOS allow it to privileged users and, on Linux, up to `ulimit -e` (25 for this
    much); Windows to everybody. A priority that is not the usual one was chosen and stays.
    """
    import psutil

    process = psutil.Process()
    try:
        if sys.platform == "win32":
            if process.nice() != psutil.NORMAL_PRIORITY_CLASS:
                return False
            process.nice(psutil.ABOVE_NORMAL_PRIORITY_CLASS)
        elif process.nice() != 0:
            return False
        else:
            process.nice(RAISED)
    except (psutil.Error, OSError):
        return False
    return True
