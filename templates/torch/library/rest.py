import torch
from torch import Tensor


def _rest(value: Tensor) -> Tensor:
    """The sum of all entries but the (first) largest."""
    top = torch.argmax(value, -1, keepdim=True)
    return torch.sum(torch.scatter(value, -1, top, 0.0), -1, keepdim=True)
