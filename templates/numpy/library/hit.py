from typing import Any

import numpy as np


def _hit(like: Any, target: Any) -> Any:
    """Which entries are those of the target's class."""
    return np.arange(like.shape[-1]) == target
