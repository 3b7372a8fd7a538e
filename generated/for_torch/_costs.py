# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
"""The cost of many samples from the loss of each: a mean, a sum, or a mean by weight.

    mean:           sum of weight * loss, divided by the number of samples
    sum:            sum of weight * loss
    weighted_mean:  sum of weight * loss, divided by the sum of the weights

Both conventions for weights are in use; without weights `mean` and `weighted_mean` are one.
"""

import torch
from torch import Tensor

__all__ = ["cost"]

_REDUCTIONS = ("mean", "sum", "weighted_mean")


def cost(values: Tensor, weights: Tensor | None = None, reduction: str = "mean") -> Tensor:
    """The cost from the losses of the samples, such as cost(huber.loss(prediction - target)).

    Differentiable in the losses and in the weights; nothing waits for the device, so that weights
    that are all 0 give NaN.
    """
    if reduction not in _REDUCTIONS:
        raise ValueError(f"reduction must be one of {_REDUCTIONS}, got {reduction!r}")
    shares = torch.ones_like(values) if weights is None else weights.expand(values.shape)
    weighted = values if weights is None else values * shares
    if reduction == "sum":
        return weighted.sum()
    if reduction == "mean" or weights is None:
        return weighted.mean()
    return weighted.sum() / shares.sum()
