"""The emitted PyTorch files on a GPU, where there is one: the CPU's values, and no host reads."""

from __future__ import annotations

import importlib

import pytest
import torch

from derive.definitions.catalogue import RESIDUAL as NAMES

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype"),
]
DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def _file(name):
    return importlib.import_module(f"generated.for_torch.{name}")


def _module(name):
    file = _file(name)
    return getattr(file, next(n for n in file.__all__ if n.endswith("Loss")))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_the_cpu(name, dtype):
    x = torch.linspace(-30, 30, 4001).to(dtype)
    file = _file(name)
    for function in (n for n in file.__all__ if not n.endswith("Loss")):
        here = getattr(file, function)(x)
        there = getattr(file, function)(x.cuda())
        pairs = zip(here, there, strict=True) if isinstance(here, tuple) else [(here, there)]
        for a, b in pairs:
            assert b.is_cuda
            assert b.dtype == dtype
            step = 64 * torch.finfo(dtype).eps
            torch.testing.assert_close(b.cpu(), a, rtol=step, atol=step, equal_nan=True)


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_step_waits_for_nothing(name, learned):
    x = torch.randn(1000, device="cuda", requires_grad=True)
    y = torch.randn(1000, device="cuda")
    module = _module(name)()
    if learned:
        for field, value in vars(module).copy().items():
            if isinstance(value, float):
                setattr(module, field, torch.nn.Parameter(torch.tensor(value, device="cuda")))
    module(x, y).backward()  # warms up: a first call may load a library
    torch.cuda.set_sync_debug_mode("error")
    try:
        module(x, y).backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.isfinite(x.grad).all()
