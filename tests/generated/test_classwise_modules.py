"""PyTorch modules of losses over classes beside torch.nn's own, and how arguments are refused."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from torch.nn import functional

from generated.for_numpy import cross_entropy, kl_divergence
from generated.for_numpy import softmax_cross_entropy as arrays
from generated.for_torch import focal_multiclass as focal
from generated.for_torch import multi_margin as margins
from generated.for_torch import softmax_cross_entropy as tensors

WEIGHT = torch.tensor([0.5, 2.0, 1.0, 0.25, 3.0], dtype=torch.float64)


def batch(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    made = torch.Generator().manual_seed(7)
    z = torch.randn(shape, dtype=torch.float64, generator=made, requires_grad=True)
    t = torch.randint(0, shape[1], (shape[0], *shape[2:]), generator=made)
    return z, t


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("shape", [(6, 5), (4, 5, 3)])
def test_classes_as_in_torch(reduction, smoothing, weight, shape):
    z, t = batch(*shape)
    t[0] = 1
    ours = tensors.SoftmaxCrossEntropyLoss(weight, None, 1, None, reduction, smoothing)
    theirs = torch.nn.CrossEntropyLoss(weight, None, 1, None, reduction, smoothing)
    torch.testing.assert_close(ours(z, t), theirs(z, t))
    found = torch.autograd.grad(ours(z, t).sum(), z)[0]
    torch.testing.assert_close(found, torch.autograd.grad(theirs(z, t).sum(), z)[0])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_probabilities_as_in_torch(reduction, weight):
    z, _ = batch(6, 5)
    p = torch.softmax(z.detach().flip(0), 1)
    ours = tensors.SoftmaxCrossEntropyLoss(weight, reduction=reduction, label_smoothing=0.1)
    theirs = torch.nn.CrossEntropyLoss(weight, reduction=reduction, label_smoothing=0.1)
    torch.testing.assert_close(ours(z, p), theirs(z, p))


def test_margins_as_in_torch():
    f, t = batch(6, 5)
    ours = margins.MultiMarginLoss(power=2.0, margin=0.7)(f, t)
    torch.testing.assert_close(ours, functional.multi_margin_loss(f, t, p=2, margin=0.7))


def test_derivatives_of_derivatives():
    z, t = batch(3, 4)
    assert torch.autograd.gradcheck(lambda x: tensors.loss(x, t), z)
    assert torch.autograd.gradgradcheck(lambda x: tensors.loss(x, t), z)
    p = torch.softmax(z.detach(), 1)
    assert torch.autograd.gradcheck(lambda x, q: tensors.loss(x, q), (z, p.requires_grad_()))


def test_transforms():
    z, t = batch(3, 4)
    rows = torch.func.vmap(torch.func.grad(tensors.loss))(z.detach(), t)
    torch.testing.assert_close(rows, tensors.d_z(z.detach(), t))


def test_an_axis_in_any_place():
    z, t = batch(3, 4)
    moved = arrays.d_z(z.detach().numpy().T, t.numpy(), axis=0)
    np.testing.assert_array_equal(moved.T, arrays.d_z(z.detach().numpy(), t.numpy()))


@pytest.mark.parametrize(
    ("z", "t", "named", "rule"),
    [
        ([[1.0, 2.0]], [2], {}, "t must be in 0"),
        ([[1.0, 2.0]], [-1], {}, "t must be in 0"),
        ([[1.0, 2.0]], [0, 1], {}, "t has the shape"),
        ([[1.0, 2.0]], [0], {"axis": 2}, "axis 2"),
        (1.0, 0, {}, "axis -1"),
        ([[1.0, 2.0]], [[0.5, 0.2, 0.3]], {}, "t has the shape"),
        ([[1.0, 2.0]], [[-0.5, 1.5]], {}, "must not be negative"),
        ([[1.0, 2.0]], [0], {"T": 0.0}, "T must be > 0"),
        ([[1j, 2.0]], [0], {}, "real numbers"),
    ],
)
def test_what_does_not_fit_is_a_value_error(z, t, named, rule):
    with pytest.raises(ValueError, match=rule):
        arrays.loss(np.array(z), np.array(t), **named)


def test_probabilities_may_be_given_as_classes():
    q = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    one_hot = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    for module in (cross_entropy, kl_divergence):
        by_class = module.loss(q, np.array([1, 0]))
        np.testing.assert_allclose(by_class, module.loss(q, one_hot), rtol=1e-15)
        np.testing.assert_allclose(by_class, -np.log([0.3, 0.6]), rtol=1e-15)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_hessian_by_forward_over_reverse():
    z, t = batch(3, 4)
    row, hit = z.detach()[0], t[0]
    found = torch.func.hessian(lambda x: tensors.loss(x, hit))(row)
    wanted = torch.autograd.functional.hessian(
        lambda x: functional.cross_entropy(x[None], hit[None]), row
    )
    torch.testing.assert_close(found, wanted)


ROWS = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
MIXED = ["softmax_cross_entropy", "focal_multiclass", "cross_entropy", "kl_divergence"]
CHOSEN = [*MIXED, "multi_margin", "zero_one_multiclass"]
WRONG = [
    (CHOSEN, [0, 3], {}, "must be in 0 … 2, got 3"),
    (CHOSEN, [0, -100], {}, "must be in 0 … 2, got -100"),
    (CHOSEN, [0, 1, 2], {}, r"has the shape \(3,\)"),
    (CHOSEN, [0.0, 1.0], {}, "must be integers"),
    (CHOSEN, ["a", "b"], {}, "must be integers"),
    (CHOSEN, None, {}, "must be integers"),
    (CHOSEN, [0, 1], {"axis": 2}, "axis 2: no classes there"),
    (CHOSEN, [0, 1], {"axis": 1.0}, "axis must be an integer"),
    (CHOSEN, [0, 1], {"axis": (0, 1)}, "axis must be an integer"),
    (MIXED, ROWS[:, :2], {}, r"has the shape \(2, 2\)"),
    (MIXED, -ROWS, {}, "must not be negative, got -0.2"),
    (["softmax_cross_entropy"], [0, 1], {"T": [1.0, 2.0, 3.0]}, r"T has the shape \(3,\)"),
    (["focal_multiclass"], [0, 1], {"gamma": -1.0}, "gamma must be >= 0"),
]


@pytest.mark.parametrize(
    ("name", "target", "named", "rule"),
    [(name, *rest) for names, *rest in WRONG for name in names],
)
def test_every_loss_says_what_does_not_fit(name, target, named, rule):
    module = importlib.import_module(f"generated.for_numpy.{name}")
    with pytest.raises(ValueError, match=rule):
        module.loss(ROWS, target if target is None else np.array(target), **named)


def test_probabilities_are_taken_whatever_they_sum_to():
    assert "whatever they sum to" in " ".join(arrays.__doc__.split())
    twice, once = arrays.loss(ROWS, 2 * ROWS[::-1]), arrays.loss(ROWS, ROWS[::-1])
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-15)


def test_nothing_counts_is_nan_as_in_torch():
    """The mean over no targets is 0/0, the sum is 0."""
    z, _ = batch(3, 4)
    none = torch.full((3,), -100)
    ours, theirs = tensors.SoftmaxCrossEntropyLoss, torch.nn.CrossEntropyLoss
    assert torch.isnan(ours()(z, none))
    assert torch.isnan(theirs()(z, none))
    total = ours(reduction="sum")(z, none)
    assert total == theirs(reduction="sum")(z, none) == 0
    assert torch.equal(torch.autograd.grad(total, z)[0], torch.zeros_like(z))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_a_certain_prediction_has_no_curvature(dtype, gamma):
    """1 - softmax(z)[t] rounds to 0: no quotient by it is left."""
    z = torch.tensor([[59.75, -83.0, -51.5]], dtype=dtype)
    v = torch.tensor([[1.0, -2.0, 0.5]], dtype=dtype)
    for t in (torch.tensor([0]), torch.tensor([[0.3, 0.4, 0.3]], dtype=dtype)):
        found = focal.hessian_product(z, t, v, gamma=gamma)
        torch.testing.assert_close(found, torch.zeros_like(z))
