import math

import torch
from torch import Tensor


def _share(value: Tensor) -> Tensor:
    """An even share of 1 for each of the largest entries, 0 for the others."""
    top = value == torch.amax(value, -1, keepdim=True)
    share = top.to(value.dtype) / torch.sum(top, -1, keepdim=True)
    return torch.where(torch.isnan(value), math.nan, share)
