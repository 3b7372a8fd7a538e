import torch
from torch import Tensor


def _others(value: Tensor) -> Tensor:
    """For each entry the sum of all others; beside the largest it is added up, not subtracted."""
    top = torch.argmax(torch.abs(value), -1, keepdim=True)
    rest = torch.sum(torch.scatter(value, -1, top, 0.0), -1, keepdim=True)
    return torch.scatter(torch.gather(value, -1, top) + rest - value, -1, top, rest)
