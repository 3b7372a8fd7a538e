import torch
from torch import Tensor


def _largest(value: Tensor) -> Tensor:
    """The largest entry."""
    return torch.amax(value, -1, keepdim=True)
