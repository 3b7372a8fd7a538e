from typing import Any

import numpy as np


def _level(value: Any) -> Any:
    """Entries less their mean, where that is finite: it is not beside a masked class."""
    gaps = value - np.max(value, -1, keepdims=True)
    mean = np.sum(gaps, -1, keepdims=True) / value.shape[-1]
    return gaps - np.where(np.isfinite(mean), mean, 0.0)
