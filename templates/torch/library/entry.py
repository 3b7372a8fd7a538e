import torch
from torch import Tensor


def _entry(value: Tensor, target: Tensor) -> Tensor:
    """The entry of the target's class."""
    return torch.gather(value, -1, target)
