from typing import Any

import numpy as np


def _rest(value: Any) -> Any:
    """The sum of all entries but the (first) largest."""
    others = np.array(value)
    np.put_along_axis(others, np.argmax(value, -1, keepdims=True), 0.0, -1)
    return np.sum(others, -1, keepdims=True)
