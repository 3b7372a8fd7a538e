from typing import Any

import numpy as np


def _digamma(value: Any) -> Any:
    """The logarithmic derivative of gamma for value > 0: recurrence, then its asymptotic series."""
    total = 0.0
    for _ in range(12):
        small = value < 12
        total = np.where(small, total - 1 / value, total)
        value = np.where(small, value + 1, value)
    r = 1 / (value * value)
    tail = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132)))))
    return total + np.log(value) - 0.5 / value - tail
