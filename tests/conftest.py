"""Makes the tables that tests share, and the generated files of the checkout, importable."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE.parent, HERE, *(HERE / n for n in ("verification", "numerics", "program"))):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
