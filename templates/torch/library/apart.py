import torch
from torch import Tensor


def _apart(n: Tensor, m: Tensor, difference: Tensor, weight: Tensor) -> Tensor:
    """n - m for surprises n = -log softmax(f) and m = -log softmax(g), difference = g - f, weight
    = softmax(f): where f and g are near, up to a shift, from the difference alone."""
    gaps = difference - torch.gather(difference, -1, torch.argmax(weight, -1, keepdim=True))
    mean = torch.sum(weight * torch.expm1(gaps), -1, keepdim=True)
    near = torch.amax(torch.abs(gaps), -1, keepdim=True) < 1
    return torch.where(near, gaps - torch.log1p(mean), n - m)
