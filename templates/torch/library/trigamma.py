from typing import Any

import torch


def _trigamma(value: Any) -> Any:
    """The second logarithmic derivative of gamma for value > 0."""
    total = torch.zeros_like(value)
    for _ in range(12):
        small = value < 12
        total = torch.where(small, total + 1 / (value * value), total)
        value = torch.where(small, value + 1, value)
    r = 1 / (value * value)
    tail = r * (1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * (5 / 66)))))
    return total + (1 + 0.5 / value + tail) / value
