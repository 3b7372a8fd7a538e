from typing import Any

import numpy as np


def _apart(n: Any, m: Any, difference: Any, weight: Any) -> Any:
    """n - m for surprises n = -log softmax(f) and m = -log softmax(g), difference = g - f, weight
    = softmax(f): where f and g are near, up to a shift, from the difference alone."""
    gaps = difference - np.take_along_axis(difference, np.argmax(weight, -1, keepdims=True), -1)
    mean = np.sum(weight * np.expm1(gaps), -1, keepdims=True)
    near = np.max(np.abs(gaps), -1, keepdims=True) < 1
    return np.where(near, gaps - np.log1p(mean), n - m)
