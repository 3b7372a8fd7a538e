from typing import Any

import torch


def _product_error(a: Any, b: Any) -> Any:
    """a*b - round(a*b), exactly (Dekker's splitting into halves of 26 or 12 bits)."""
    split = 4097.0 if a.dtype == torch.float32 else 134217729.0
    a_high, b_high = split * a - (split * a - a), split * b - (split * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low
