import torch
from torch import Tensor


def _centred(value: Tensor, weight: Tensor) -> Tensor:
    """Entries less their mean by weights that sum to 1: exactly 0 where they are equal."""
    gaps = value - torch.gather(value, -1, torch.argmax(weight, -1, keepdim=True))
    return gaps - torch.sum(torch.where(weight == 0, 0.0, weight * gaps), -1, keepdim=True)
