import torch
from torch import Tensor
from torch.utils._python_dispatch import is_in_torch_dispatch_mode


def _over(value: Tensor, by: Tensor) -> Tensor:
    """value / by, where nothing else needs the value: in its own memory, and as it is by 1."""
    traced = torch.compiler.is_compiling() or is_in_torch_dispatch_mode()
    traced = traced or torch._C._are_functorch_transforms_active() or torch.is_grad_enabled()
    if by.ndim or traced or not value.is_cpu:
        return value / by
    return value if by == 1 else value.div_(by)
