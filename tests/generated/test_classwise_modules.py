"""PyTorch modules of losses over classes beside torch.nn's own, and how arguments are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from generated.for_numpy import cross_entropy, kl_divergence
from generated.for_numpy import softmax_cross_entropy as arrays
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
