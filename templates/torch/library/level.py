import torch
from torch import Tensor


def _level(value: Tensor) -> Tensor:
    """Entries less their mean, where that is finite: it is not beside a masked class."""
    gaps = value - torch.amax(value, -1, keepdim=True)
    mean = torch.mean(gaps, -1, keepdim=True)
    return gaps - torch.where(torch.isfinite(mean), mean, 0.0)
