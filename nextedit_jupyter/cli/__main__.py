"""`python -m nextedit_jupyter.cli`, the same as `jupyter nextedit`."""

from __future__ import annotations

import sys

from nextedit_jupyter.cli import main

sys.exit(main())
