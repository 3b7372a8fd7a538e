"""Gradients of the PyTorch files: closed forms, in x and in every parameter that is a tensor."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mpmath import mp
from table import (
    CASES,
    INF,
    PARAMETERS,
    PLAIN,
    Case,
    exact,
    generated,
    numbers,
    quantities,
)

# torch's own forward mode still uses what it deprecates
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")

X = (-6.0, -1.7, -0.4, 0.3, 2.1, 9.0)  # away from every kink of the table
FINITE = tuple(
    c
    for c in CASES
    if c.loss != "barron" or c.values[0] in (1.0, -2.0, 0.5, 1.75, 2.25, 3.5, -7.25)
)
cases = pytest.mark.parametrize("case", FINITE, ids=str)


def _tensors(case, dtype=torch.float64, grad=True):
    x = torch.tensor(X, dtype=dtype, requires_grad=grad)
    return x, [torch.tensor(v, dtype=dtype, requires_grad=grad) for v in case.values]


def _names(case):
    return ("x", *PARAMETERS[case.loss])


@cases
def test_backward_gives_the_closed_forms(case):
    """To the bit; but for rounding where PyTorch takes the derivatives step by step."""
    module = generated("torch", case.loss)
    x, parameters = _tensors(case)
    upstream = torch.linspace(0.5, 2.0, len(X), dtype=torch.float64)
    grads = torch.autograd.grad(module.loss(x, *parameters), (x, *parameters), upstream)
    for name, grad, argument in zip(_names(case), grads, (x, *parameters), strict=True):
        slope = getattr(module, f"d_{name}")(x.detach(), *(p.detach() for p in parameters))
        expected = (upstream * slope).sum_to_size(argument.shape)
        rtol = 0 if hasattr(module.loss_file, "_Closed") else 4e-15
        torch.testing.assert_close(grad, expected, rtol=rtol, atol=0)
        assert grad.shape == argument.shape
        assert grad.dtype == argument.dtype


@cases
def test_gradients_are_right(case):
    """Against mpmath, not against finite differences of the same code."""
    module = generated("torch", case.loss)
    x, parameters = _tensors(case)
    spread = [p.detach().expand(len(X)).clone().requires_grad_() for p in parameters]
    arguments = (x, *spread)
    firsts = torch.autograd.grad(module.loss(*arguments).sum(), arguments, create_graph=True)
    names = _names(case)
    for i, (name, first) in enumerate(zip(names, firsts, strict=True)):
        expected = [exact(case, f"d_{name}", v) for v in X]
        np.testing.assert_allclose(first.detach(), expected, rtol=1e-11, err_msg=name)
        if not first.requires_grad:
            continue
        seconds = torch.autograd.grad(first.sum(), arguments, retain_graph=True, allow_unused=True)
        for j, (other, second) in enumerate(zip(names, seconds, strict=True)):
            a, b = sorted((i, j))
            quantity = f"d2_{names[a]}" if a == b else f"d2_{names[a]}_{names[b]}"
            expected = [exact(case, quantity, v) for v in X]
            got = np.zeros(len(X)) if second is None else numbers(second)
            np.testing.assert_allclose(
                got, expected, rtol=1e-10, atol=1e-14, err_msg=f"{name} {other}"
            )


@cases
def test_gradcheck_and_gradgradcheck(case):
    module = generated("torch", case.loss)
    x = torch.tensor((-1.7, 0.3, 2.1), dtype=torch.float64, requires_grad=True)
    parameters = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in case.values]
    for f in (module.loss, lambda *a: module.d_x(*a)):
        assert torch.autograd.gradcheck(f, (x, *parameters), check_forward_ad=True, fast_mode=True)
    assert torch.autograd.gradgradcheck(module.loss, (x, *parameters), fast_mode=True)


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_only_what_asks_gets_a_gradient(case):
    module = generated("torch", case.loss)
    count = len(case.values) + 1
    for asking in range(count):
        arguments = [
            torch.tensor(v, dtype=torch.float64, requires_grad=i == asking)
            for i, v in enumerate((0.7, *case.values))
        ]
        module.loss(*arguments).backward()
        for i, a in enumerate(arguments):
            assert (a.grad is not None) == (i == asking)
        slope = getattr(module, f"d_{_names(case)[asking]}")(*(a.detach() for a in arguments))
        torch.testing.assert_close(arguments[asking].grad, slope, rtol=0, atol=0)
    with torch.no_grad():
        assert not module.loss(*arguments).requires_grad


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_a_number_beside_a_parameter_that_asks(case):
    """x as a Python number, the parameter as a tensor."""
    module = generated("torch", case.loss)
    parameters = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in case.values]
    module.loss(0.75, *parameters).backward()
    for name, p in zip(PARAMETERS[case.loss], parameters, strict=True):
        assert float(p.grad) == pytest.approx(exact(case, f"d_{name}", 0.75), rel=1e-6)


@pytest.mark.parametrize("case", PLAIN, ids=str)
@pytest.mark.parametrize("shape", [(), (4,), (3, 1), (1, 4), (2, 3, 4)], ids=str)
def test_gradients_take_the_shape_of_what_was_broadcast(case, shape):
    module = generated("torch", case.loss)
    x = torch.linspace(-3, 3.3, 12, dtype=torch.float64).reshape(3, 4).requires_grad_()
    parameters = [
        (torch.rand(shape, dtype=torch.float64) + v).requires_grad_() for v in case.values
    ]
    grads = torch.autograd.grad(
        module.loss(x, *parameters).sum(), (x, *parameters), create_graph=True
    )
    for argument, grad in zip((x, *parameters), grads, strict=True):
        assert grad.shape == argument.shape
    total = sum((g**2).sum() for g in grads)
    if total.requires_grad:
        for argument in (x, *parameters):
            argument.grad = None
        total.backward()
        for argument in (x, *parameters):
            assert argument.grad is None or argument.grad.shape == argument.shape


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_narrow_gradients_are_the_rounded_wide_ones(case, kind):
    module = generated("torch", case.loss)
    x, parameters = _tensors(case, kind)
    values = module.loss(x, *parameters)
    assert values.dtype == kind
    grads = torch.autograd.grad(values, (x, *parameters), torch.ones_like(values))
    tolerance = {torch.float16: 3e-3, torch.bfloat16: 2e-2, torch.float32: 5e-6}[kind]
    rounded = Case(case.loss, tuple(float(p.detach()) for p in parameters))
    points = x.detach().tolist()
    for name, grad, argument in zip(_names(case), grads, (x, *parameters), strict=True):
        assert grad.dtype == kind
        slopes = np.array([exact(rounded, f"d_{name}", v) for v in points])
        expected = slopes if argument is x else slopes.sum()
        size = np.abs(slopes) if argument is x else np.abs(slopes).sum()
        bound = tolerance * size + torch.finfo(kind).tiny * torch.finfo(kind).eps
        assert np.all(np.abs(grad.double().numpy() - expected) <= bound), name


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_mixed_dtypes_keep_each_argument_its_own(case):
    module = generated("torch", case.loss)
    x = torch.tensor(X, dtype=torch.float32, requires_grad=True)
    parameters = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in case.values]
    values = module.loss(x, *parameters)
    assert values.dtype == torch.float32
    values.sum().backward()
    assert x.grad.dtype == torch.float32
    assert all(p.grad.dtype == torch.float64 for p in parameters)


@pytest.mark.parametrize("alpha", [2.0, 0.0, -0.0, INF, -INF, 5e-324, 1e308, -1e308])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_alpha_at_special_values_has_finite_gradients(alpha, dtype):
    module = generated("torch", "barron")
    a = torch.tensor(alpha, dtype=dtype, requires_grad=True)
    x = torch.tensor((-3.0, 0.0, 1e-4, 0.7, 5.0), dtype=dtype, requires_grad=True)
    c = torch.tensor(1.25, dtype=dtype, requires_grad=True)
    values = module.loss(x, a, c)
    firsts = torch.autograd.grad(values.sum(), (x, a, c), create_graph=True)
    for grad in firsts:
        assert torch.all(torch.isfinite(grad))
    for first in firsts:
        for grad in torch.autograd.grad(first.sum(), (x, a, c), retain_graph=True):
            assert torch.all(torch.isfinite(grad))


def test_at_two_autograd_takes_the_value_just_below():
    module = generated("torch", "barron")
    x = torch.tensor((-3.0, 0.7, 5.0), dtype=torch.float64)
    for dtype in (torch.float64, torch.float32):
        a = torch.full((3,), 2.0, dtype=dtype, requires_grad=True)
        module.loss(x.to(dtype), a, 1.25).sum().backward()
        below = torch.nextafter(torch.tensor(2.0, dtype=dtype), torch.tensor(0.0, dtype=dtype))
        expected = [
            exact(Case("barron", (float(below), 1.25)), "d_alpha", float(v)) for v in x.to(dtype)
        ]
        np.testing.assert_allclose(a.grad, expected, rtol=1e-12 if dtype == torch.float64 else 1e-5)


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_parameters_may_be_results_of_other_tensors(case):
    """Non-leaf parameters: the chain goes on through them."""
    module = generated("torch", case.loss)
    raw = [
        torch.tensor(float(np.log(v)), dtype=torch.float64, requires_grad=True) for v in case.values
    ]
    x = torch.tensor(X, dtype=torch.float64)
    module.loss(x, *(torch.exp(r) for r in raw)).sum().backward()
    for name, r, v in zip(PARAMETERS[case.loss], raw, case.values, strict=True):
        slopes = sum(exact(case, f"d_{name}", p) for p in X)
        assert float(r.grad) == pytest.approx(v * slopes, rel=1e-9), name


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_value_and_grad_keep_their_graph(case):
    module = generated("torch", case.loss)
    x, parameters = _tensors(case)
    value, slope = module.value_and_grad(x, *parameters)
    torch.testing.assert_close(value, module.loss(x, *parameters), rtol=0, atol=0)
    torch.testing.assert_close(slope, module.d_x(x, *parameters), rtol=0, atol=0)
    assert value.requires_grad
    (curve,) = torch.autograd.grad(slope.sum(), x)
    torch.testing.assert_close(
        curve, module.d2_x(x.detach(), *(p.detach() for p in parameters)), rtol=0, atol=0
    )


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_nan_in_one_element_leaves_the_gradients_of_the_others(case):
    module = generated("torch", case.loss)
    x = torch.tensor((-1.7, float("nan"), 0.3), dtype=torch.float64, requires_grad=True)
    (grad,) = torch.autograd.grad(module.loss(x, **case.parameters).sum(), x)
    assert torch.isnan(grad).tolist() == [False, True, False]


def test_a_finite_slope_is_taken_at_the_parameter_where_another_is_infinite():
    file = generated("torch", "barron")
    x = torch.tensor([1e100, -3.0, 1e-5], dtype=torch.float64, requires_grad=True)
    alpha = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    slope, by_alpha = torch.autograd.grad(file.loss(x, alpha, 0.7).sum(), (x, alpha))
    assert torch.equal(slope, file.d_x(x.detach(), 2.0, 0.7))
    assert torch.isfinite(by_alpha)
    fused = torch.autograd.grad(file.BarronLoss(2.0, 0.7, "sum")(x, torch.zeros_like(x)), x)
    assert torch.equal(fused[0], slope)


def test_a_slope_moved_off_an_infinite_one_keeps_its_own_slope():
    """It was a silent 0, where the second derivative is infinite."""
    file = generated("torch", "barron")
    x, alpha = torch.tensor([-3.0, 0.5]).double(), torch.tensor(2.0).double().requires_grad_()
    (slope,) = torch.autograd.grad(file.loss(x, alpha).sum(), alpha, create_graph=True)
    (curve,) = torch.autograd.grad(slope, alpha)
    torch.testing.assert_close(curve, file.d2_alpha(x, math.nextafter(2.0, 0.0)).sum())


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_beyond_the_promised_orders_there_is_an_error_or_the_right_derivative(case):
    """The weight and second derivatives: never a silent 0, never NaN."""
    module = generated("torch", case.loss)
    names = [q for q in quantities(case.loss) if q == "weight" or q.startswith("d2_")]
    bad = []
    for name in names:
        for v in (0.0, 0.3, -2.0):
            x = torch.tensor(v, dtype=torch.float64, requires_grad=True)
            parameters = [
                torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in case.values
            ]
            result = getattr(module, name)(x, *parameters)
            if not result.requires_grad or not torch.isfinite(result):
                continue
            try:
                grads = torch.autograd.grad(result, (x, *parameters), allow_unused=True)
            except NotImplementedError:
                continue
            if any(g is not None and torch.isnan(g) for g in grads):
                bad.append((name, v))
    assert not bad


def test_slopes_of_log_gamma_keep_their_digits_beside_the_zero_of_digamma():
    from generated.for_torch.densities import generalized_normal as density

    values = torch.tensor([0.3, 1.1, 1.5, 1.9, 2.166, 2.2, 4.23, 60.0], requires_grad=True)
    (slope,) = torch.autograd.grad(density.log_partition(values).sum(), values, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), values)
    for k, v in enumerate(values.tolist()):
        u = 1 / mp.mpf(v)
        first = -mp.digamma(1 + u) * u**2
        second = (2 * mp.digamma(1 + u) + mp.polygamma(1, 1 + u) * u) * u**3
        ulp = float(np.spacing(np.float32(abs(first))))
        assert abs(slope[k].item() - first) <= (8 + abs(v * second / first)) * ulp
        assert bend[k].item() == pytest.approx(float(second), rel=2e-6)
