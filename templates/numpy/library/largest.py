from typing import Any

import numpy as np


def _largest(value: Any) -> Any:
    """The largest entry."""
    return np.max(value, -1, keepdims=True)
