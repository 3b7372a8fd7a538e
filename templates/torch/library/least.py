from typing import Any

import torch


def _least(value: Any) -> float:
    """The smallest normal number of a dtype over its unit of 1: above it a product has room."""
    form = torch.finfo(value.dtype)
    return form.tiny / form.eps
