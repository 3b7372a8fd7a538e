from typing import Any

import numpy as np


def _put_into(value: Any, target: Any, entry: Any) -> Any:
    """The array with the entry of the target's class replaced; nothing else needs it."""
    np.put_along_axis(value, target, entry, -1)
    return value
