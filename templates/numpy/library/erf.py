import math
from typing import Any

import numpy as np


def _erf(value: Any) -> Any:
    """The error function."""
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(value), dtype=np.float64)
