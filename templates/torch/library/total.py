import torch
from torch import Tensor


def _total(value: Tensor) -> Tensor:
    """The sum over the classes."""
    return torch.sum(value, -1, keepdim=True)
