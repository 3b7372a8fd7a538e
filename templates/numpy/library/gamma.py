import math
from typing import Any

import numpy as np


def _gamma(value: Any) -> Any:
    """Euler's gamma function for value > 0; inf where it overflows."""
    least = np.minimum(value, 171.7)
    found = np.asarray(np.frompyfunc(math.gamma, 1, 1)(np.minimum(least, 171.6)), dtype=np.float64)
    return np.where(value > 171.6243769563027, np.inf, found)
