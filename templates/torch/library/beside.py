import torch
from torch import Tensor


def _beside(value: Tensor, weight: Tensor) -> Tensor:
    """Entries less that where the weight is largest."""
    return value - torch.gather(value, -1, torch.argmax(weight, -1, keepdim=True))
