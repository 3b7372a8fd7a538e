"""A tensor that is no valid parameter gives NaN, and so does its slope: never a plausible 0."""

from __future__ import annotations

import math

import pytest

import derive

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("wrong", [math.nan, -1.0])
@pytest.mark.parametrize("name", ["absolute", "charbonnier"])
def test_the_slope_in_an_invalid_parameter_is_nan(name: str, wrong: float) -> None:
    module = derive.compile(name, "torch")
    scale = torch.tensor(wrong, requires_grad=True)
    value = module.loss(torch.tensor([0.3, 0.7]), scale).sum()
    (slope,) = torch.autograd.grad(value, scale)
    assert value.isnan()
    assert slope.isnan()
