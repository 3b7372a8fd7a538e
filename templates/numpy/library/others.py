from typing import Any

import numpy as np


def _others(value: Any) -> Any:
    """For each entry the sum of all others; beside the largest it is added up, not subtracted."""
    top = np.argmax(np.abs(value), -1, keepdims=True)
    kept = np.array(value)
    np.put_along_axis(kept, top, 0.0, -1)
    rest = np.sum(kept, -1, keepdims=True)
    found = np.take_along_axis(value, top, -1) + rest - value
    np.put_along_axis(found, top, rest, -1)
    return found
