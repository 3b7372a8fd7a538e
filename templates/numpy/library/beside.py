from typing import Any

import numpy as np


def _beside(value: Any, weight: Any) -> Any:
    """Entries less that where the weight is largest."""
    return value - np.take_along_axis(value, np.argmax(weight, -1, keepdims=True), -1)
