from typing import Any

import numpy as np


def _log1p(w: Any) -> Any:
    """log(1 + w). Of many by log, which is faster, and what rounding takes from u = 1 + w."""
    if np.size(w) < 256:
        return np.log1p(w)
    u = 1 + w
    return np.log(u) + np.fmax((w - (u - 1)) / u, -1)  # -1: there log(u) is infinite
