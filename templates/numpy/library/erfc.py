import math
from typing import Any

import numpy as np


def _erfc(value: Any) -> Any:
    """1 - erf, without cancellation."""
    return np.asarray(np.frompyfunc(math.erfc, 1, 1)(value), dtype=np.float64)
