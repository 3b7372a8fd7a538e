import math
from typing import Any

import numpy as np


def _loggamma(value: Any) -> Any:
    """log |gamma|, elementwise."""
    return np.asarray(np.frompyfunc(math.lgamma, 1, 1)(value), dtype=np.float64)
