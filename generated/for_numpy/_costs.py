# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
"""The cost of many samples from the loss of each: a mean, a sum, or a mean by weight.

    mean:           sum of weight * loss, divided by the number of samples
    sum:            sum of weight * loss
    weighted_mean:  sum of weight * loss, divided by the sum of the weights

Both conventions for weights are in use; without weights `mean` and `weighted_mean` are one.
"""

from typing import Any

import numpy as np

__all__ = ["cost", "cost_and_grad"]

_REDUCTIONS = ("mean", "sum", "weighted_mean")


def cost(values: Any, weights: Any = None, reduction: str = "mean") -> Any:
    """The cost from the losses of the samples, such as cost(huber.loss(prediction - target)).

    Summed in float64; the dtype of the losses comes out.
    """
    losses = _numbers(values, "values")
    shares, factor = _shares(losses, weights, reduction)
    with np.errstate(all="ignore"):
        total = np.sum(losses.astype(np.float64) * shares) * factor
    return losses.dtype.type(total)


def cost_and_grad(
    pair: tuple[Any, ...], weights: Any = None, reduction: str = "mean"
) -> tuple[Any, ...]:
    """The cost and its gradient, sample by sample, from what value_and_grad gives."""
    losses, *slopes = (_numbers(part, "pair") for part in pair)
    shares, factor = _shares(losses, weights, reduction)
    with np.errstate(all="ignore"):
        found = [(s.astype(np.float64) * shares * factor).astype(s.dtype) for s in slopes]
    return cost(losses, weights, reduction), *found


def _numbers(values: Any, name: str) -> Any:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be real numbers, got dtype {array.dtype}")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _shares(losses: Any, weights: Any, reduction: str) -> tuple[Any, float]:
    """What each loss counts, and by what the sum is multiplied."""
    if reduction not in _REDUCTIONS:
        raise ValueError(f"reduction must be one of {_REDUCTIONS}, got {reduction!r}")
    shares = np.ones(()) if weights is None else _numbers(weights, "weights").astype(np.float64)
    if not (np.isfinite(shares) & (shares >= 0)).all():
        raise ValueError("weights must be >= 0 and finite")
    shares = np.broadcast_to(shares, losses.shape)
    if reduction == "sum":
        return shares, 1.0
    count = float(losses.size if reduction == "mean" else np.sum(shares))
    if reduction == "weighted_mean" and count == 0:
        raise ValueError("weights must not all be 0 for a weighted mean")
    return shares, 1.0 / count if count else float("nan")
