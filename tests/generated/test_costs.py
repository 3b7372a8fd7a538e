"""Costs of many samples, with weights in both conventions, in both targets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from generated.for_numpy import _costs as for_numpy
from generated.for_numpy import huber, quadratic
from generated.for_torch import _costs as for_torch

LOSSES, WEIGHTS = [1.0, 2.0, 4.0], [1.0, 0.0, 3.0]
WANTED = {
    ("mean", False): 7 / 3,
    ("sum", False): 7.0,
    ("weighted_mean", False): 7 / 3,
    ("mean", True): 13 / 3,
    ("sum", True): 13.0,
    ("weighted_mean", True): 13 / 4,
}
cases = pytest.mark.parametrize(("reduction", "weighted"), WANTED)


@cases
def test_numpy(reduction, weighted):
    weights = WEIGHTS if weighted else None
    found = for_numpy.cost(np.float32(LOSSES), weights, reduction)
    assert found.dtype == np.float32
    assert found == np.float32(WANTED[reduction, weighted])


@cases
def test_torch(reduction, weighted):
    losses = torch.tensor(LOSSES, requires_grad=True)
    weights = torch.tensor(WEIGHTS) if weighted else None
    found = for_torch.cost(losses, weights, reduction)
    assert found.item() == pytest.approx(WANTED[reduction, weighted], rel=1e-6)
    found.backward()
    slopes = np.ones(3), for_numpy.cost_and_grad((LOSSES, np.ones(3)), weights, reduction)[1]
    np.testing.assert_allclose(losses.grad, slopes[1], rtol=1e-6)


def test_the_mean_squared_error_is_a_cost():
    prediction, target = np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 3.0])
    cost, slope = for_numpy.cost_and_grad(quadratic.value_and_grad(prediction - target))
    assert 2 * cost == pytest.approx(np.mean((prediction - target) ** 2), rel=1e-15)
    np.testing.assert_allclose(slope, (prediction - target) / 3)


def test_weights_of_one_shape_of_a_batch_broadcast():
    residuals = np.arange(6.0).reshape(2, 3)
    found = for_numpy.cost(huber.loss(residuals), [1.0, 0.0, 1.0], "weighted_mean")
    assert found == np.mean(huber.loss(residuals)[:, [0, 2]])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((LOSSES, [-1.0, 1.0, 1.0]), "weights must be >= 0 and finite"),
        ((LOSSES, None, "average"), "reduction must be one of"),
        ((LOSSES, [0.0, 0.0, 0.0], "weighted_mean"), "must not all be 0"),
        ((LOSSES, [1.0, 1.0]), "broadcast"),
    ],
)
def test_bad_input_of_numpy(given, said):
    with pytest.raises(ValueError, match=said):
        for_numpy.cost(*given)


def test_nothing_to_sum():
    assert np.isnan(for_numpy.cost([]))
    assert for_numpy.cost([], reduction="sum") == 0
    assert torch.isnan(for_torch.cost(torch.zeros(0)))
