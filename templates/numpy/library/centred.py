from typing import Any

import numpy as np


def _centred(value: Any, weight: Any) -> Any:
    """Entries less their mean by weights that sum to 1: exactly 0 where they are equal."""
    gaps = value - np.take_along_axis(value, np.argmax(weight, -1, keepdims=True), -1)
    return gaps - np.sum(np.where(weight == 0, 0.0, weight * gaps), -1, keepdims=True)
