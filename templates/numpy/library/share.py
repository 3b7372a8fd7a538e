from typing import Any

import numpy as np


def _share(value: Any) -> Any:
    """An even share of 1 for each of the largest entries, 0 for the others."""
    top = value == np.max(value, -1, keepdims=True)
    return np.where(np.isnan(value), np.nan, top / np.sum(top, -1, keepdims=True))
