import torch
from torch import Tensor


def _put_into(value: Tensor, target: Tensor, entry: Tensor) -> Tensor:
    """The array with the entry of the target's class replaced; nothing else needs it."""
    if torch._C._are_functorch_transforms_active():
        return torch.scatter(value, -1, target, entry)
    return value.scatter_(-1, target, entry)
