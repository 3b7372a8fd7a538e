"""Losses of a prediction and a target as people call them: dtypes, bad input, torch.nn's way."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from torch import nn


def _numpy(name):
    return importlib.import_module(f"generated.for_numpy.{name}")


def _torch(name):
    return importlib.import_module(f"generated.for_torch.{name}")


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("poisson_deviance", (1.0, -1.0), "y must be >= 0, got"),
        ("hinge", (0.5, 0.0), "y must be -1 or 1, got"),
        ("binary_focal", (0.5, 2.0), "y must be 0 or 1, got"),
        ("binary_cross_entropy", (1.5, 1.0), r"q must be in \[0, 1\], got"),
        ("binary_cross_entropy", (0.5, 7.0), r"y must be in \[0, 1\], got"),
        ("gaussian_nll", (0.0, -1.0, 0.0), "v must be > 0, got"),
        ("hinge", (np.ones(3), np.ones(2)), "shape"),
    ],
)
def test_what_is_out_of_range_is_a_value_error(name, given, said):
    with pytest.raises(ValueError, match=said):
        _numpy(name).loss(*given)


def test_nan_stays_where_it_is():
    found = _numpy("poisson_deviance").loss([np.nan, 1.0, 2.0], [0.0, np.nan, 2.0])
    np.testing.assert_array_equal(found, [np.nan, np.nan, 0.0])
    tensor = _torch("hinge").loss(torch.tensor([torch.nan, 0.0]), torch.tensor([1.0, 1.0]))
    np.testing.assert_array_equal(tensor.numpy(), [np.nan, 1.0])


@pytest.mark.parametrize(
    ("prediction", "target", "wanted"),
    [
        (np.float32([1, 2]), np.arange(2), np.float32),
        (np.float16([1, 2]), 1.0, np.float16),
        ([1, 2], [1, 0], np.float64),
        (np.float32([1, 2]), np.float64([1, 2]), np.float64),
        (3, 2, np.float64),
    ],
)
def test_the_dtype_of_floating_arrays_comes_out(prediction, target, wanted):
    found = _numpy("poisson_deviance").loss(prediction, target)
    assert found.dtype == wanted
    assert np.shape(found) == np.shape(prediction)


def test_value_and_grad_has_a_slope_for_each_prediction():
    module = _numpy("gaussian_nll")
    value, slope, other = module.value_and_grad(0.5, 2.0, -1.0)
    assert value == module.loss(0.5, 2.0, -1.0)
    assert (slope, other) == (module.d_mu(0.5, 2.0, -1.0), module.d_v(0.5, 2.0, -1.0))


def test_arrays_in_blocks_give_what_numbers_give():
    module, rng = _numpy("binary_cross_entropy_with_logits"), np.random.default_rng(0)
    z, y = rng.normal(size=(3, 7000)), rng.random(7000)
    found = module.loss(z, y)
    assert found.shape == (3, 7000)
    assert found[1, 6999] == module.loss(float(z[1, 6999]), float(y[6999]))


PAIRS = [
    (lambda: _torch("binary_cross_entropy").BinaryCrossEntropyLoss, nn.BCELoss, "probability"),
    (
        lambda: _torch("binary_cross_entropy_with_logits").BinaryCrossEntropyWithLogitsLoss,
        nn.BCEWithLogitsLoss,
        "logit",
    ),
]


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p[2])
def test_torch_s_arguments_in_torch_s_order(pair, weighted, reduction):
    ours, theirs, kind = pair
    torch.manual_seed(0)
    score = torch.randn(6, 4, dtype=torch.float64)
    score = torch.sigmoid(score) if kind == "probability" else score
    target = torch.rand(6, 4, dtype=torch.float64)
    weight = torch.rand(4, dtype=torch.float64) if weighted else None
    one, other = (made(weight, None, None, reduction) for made in (ours(), theirs))
    torch.testing.assert_close(one(score, target), other(score, target))
    for legacy in ((True, None), (False, None), (None, False)):
        if legacy[1] is None and reduction != "mean":
            continue
        module = ours()(None, *legacy)
        assert module.reduction == {(True, None): "mean", (False, None): "sum"}.get(legacy, "none")


def test_pos_weight_and_torch_s_poisson_and_gaussian():
    torch.manual_seed(0)
    z, y = torch.randn(5, 3), torch.rand(5, 3)
    weight = torch.tensor([1.0, 2.0, 0.5])
    ours = _torch("binary_cross_entropy_with_logits").BinaryCrossEntropyWithLogitsLoss(
        None, None, None, "mean", weight
    )
    torch.testing.assert_close(ours(z, y), nn.BCEWithLogitsLoss(pos_weight=weight)(z, y))
    counts = torch.poisson(torch.ones(5, 3))
    ours = _torch("poisson_with_log_input").PoissonWithLogInputLoss()
    torch.testing.assert_close(ours(z, counts), nn.PoissonNLLLoss()(z, counts))
    variance = torch.rand(5, 3) + 0.1
    ours = _torch("gaussian_nll").GaussianNllLoss()
    torch.testing.assert_close(ours(z, y, variance), nn.GaussianNLLLoss()(z, y, variance))


def test_modules_refuse_other_sizes_and_check_when_asked():
    module = _torch("hinge").HingeLoss(validate=True)
    with pytest.raises(ValueError, match="must have one size"):
        module(torch.zeros(3), torch.ones(2))
    with pytest.raises(ValueError, match="target must be -1 or 1"):
        module(torch.zeros(3), torch.zeros(3))
    with pytest.raises(ValueError, match="reduction must be one of"):
        _torch("hinge").HingeLoss(reduction="average")


def test_weighted_means_of_a_module():
    module = _torch("hinge").HingeLoss(reduction="weighted_mean")
    weight = torch.tensor([1.0, 3.0])
    found = module(torch.tensor([0.0, -1.0]), torch.tensor([1.0, 1.0]), weight)
    assert found.item() == (1.0 + 3.0 * 2.0) / 4.0
    mean = _torch("hinge").HingeLoss()(torch.tensor([0.0, -1.0]), torch.tensor([1.0, 1.0]), weight)
    assert mean.item() == (1.0 + 3.0 * 2.0) / 2.0


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("hinge", "HingeLoss(reduction='sum')"), ("binary_focal", "(gamma=2.0, reduction='sum')")],
)
def test_a_module_says_what_it_is_with_and_without_parameters(name, wanted):
    module = _torch(name)
    (made,) = (getattr(module, n) for n in module.__all__ if n.endswith("Loss"))
    assert repr(made(reduction="sum")).endswith(wanted)


def test_a_label_has_no_derivative_and_that_is_an_error():
    f = torch.tensor([0.5], requires_grad=True)
    y = torch.tensor([1.0], requires_grad=True)
    total = _torch("hinge").loss(f, y).sum()
    with pytest.raises(NotImplementedError, match="no derivative of loss in y"):
        total.backward()


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("binary_cross_entropy_with_logits", ([0.3, -2.0, 40.0], [0.2, 0.0, 1.0])),
        ("poisson_deviance", ([0.3, 2.0, 40.0], [0.2, 1.0, 7.0])),
        ("squared_logarithmic_error", ([0.3, -0.5, 40.0], [0.2, 0.1, 7.0])),
    ],
)
def test_gradients_to_second_order(name, values):
    module = _torch(name)
    x, y = (torch.tensor(v, dtype=torch.float64) for v in values)
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: module.loss(x, y), (x,), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda x: module.loss(x, y), (x,))
