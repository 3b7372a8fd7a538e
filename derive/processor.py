"""The same forms on every processor.

Forms are chosen by their last digits, and NumPy's exp and log have others on processors with
AVX-512: where files are made, it is told to leave those out, as long as it is not imported yet.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata

_SETTING = "NPY_DISABLE_CPU_FEATURES"
_NAMES = (
    ((2, 4), "X86_V4 AVX512_ICL AVX512_SPR"),
    ((0, 0), "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"),
)


def settle() -> None:
    """For this process and those that it starts; a choice of the user's own stands."""
    if "numpy" in sys.modules or platform.machine().lower() not in ("x86_64", "amd64"):
        return
    version = tuple(int(part) for part in metadata.version("numpy").split(".")[:2])
    os.environ.setdefault(_SETTING, next(names for least, names in _NAMES if version >= least))
