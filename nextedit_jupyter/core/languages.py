"""Names of languages: kernels and notebooks have several for each, in upper or lower case."""

from __future__ import annotations

import re

# What kernels call their languages, where it isn't the common name.
_COMMON = {
    "": "python",
    "ir": "r",
    "ijavascript": "javascript",
    "js": "javascript",
    "node": "javascript",
    "sh": "bash",
    "shell": "bash",
}
_PYTHON = re.compile(r"i?python[0-9.]{0,8}")


def common_language(name: str) -> str:
    """The common name of a language, in lower case; an empty name means Python."""
    name = name.strip().lower()
    return "python" if _PYTHON.fullmatch(name) else _COMMON.get(name, name)
