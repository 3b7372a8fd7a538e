"""torch.func over the PyTorch files: vmap, grad, jacobians, hessians, forward mode."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from table import PARAMETERS, PLAIN, exact, generated, quantities
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

# torch's own forward mode still uses what it deprecates
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")

X = (-1.7, 0.3, 2.1, 6.0)
cases = pytest.mark.parametrize("case", PLAIN, ids=str)


def _x(dtype=torch.float64):
    return torch.tensor(X, dtype=dtype)


def _close(got, want):
    torch.testing.assert_close(got, want, rtol=1e-13, atol=1e-300)


@cases
def test_vmap_over_the_residual(case):
    module = generated("torch", case.loss)
    tensors = [torch.tensor(v, dtype=torch.float64) for v in case.values]
    for name in (*quantities(case.loss), "value_and_grad"):
        f = getattr(module, name)
        _close(vmap(lambda v, f=f: f(v, **case.parameters))(_x()), f(_x(), **case.parameters))
        _close(vmap(lambda v, f=f: f(v, *tensors))(_x()), f(_x(), *tensors))


@cases
def test_vmap_over_the_parameters(case):
    module = generated("torch", case.loss)
    rows = [torch.linspace(0.6, 2.9, 5, dtype=torch.float64) + v - 1 for v in case.values]
    for name in quantities(case.loss):
        f = getattr(module, name)
        got = vmap(lambda *p, f=f: f(_x(), *p))(*rows)
        want = torch.stack([f(_x(), *(r[i] for r in rows)) for i in range(5)])
        _close(got, want)


def test_vmap_over_every_regime_of_alpha():
    module = generated("torch", "barron")
    inf = float("inf")
    alphas = torch.tensor(
        [2.0, 0.0, 1.0, -2.0, inf, -inf, 1e-9, 2 + 1e-9, 7.5], dtype=torch.float64
    )
    for name in quantities("barron"):
        f = getattr(module, name)
        got = vmap(lambda a, f=f: f(_x(), a, 1.25))(alphas)
        want = torch.stack([f(_x(), a, 1.25) for a in alphas])
        torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-300)
    slopes = vmap(vmap(grad(module.loss, argnums=1), (0, None)), (None, 0))(_x(), alphas)
    assert torch.all(torch.isfinite(slopes))


@cases
def test_grad_and_nested_grad(case):
    module = generated("torch", case.loss)
    names = ("x", *PARAMETERS[case.loss])
    point = [torch.tensor(v, dtype=torch.float64) for v in (0.7, *case.values)]
    for i, name in enumerate(names):
        assert float(grad(module.loss, argnums=i)(*point)) == pytest.approx(
            exact(case, f"d_{name}", 0.7), rel=1e-12
        )
        for j in range(i, len(names)):
            quantity = f"d2_{name}" if i == j else f"d2_{name}_{names[j]}"
            got = float(grad(grad(module.loss, argnums=i), argnums=j)(*point))
            assert got == pytest.approx(exact(case, quantity, 0.7), rel=1e-11, abs=1e-15), quantity


@cases
def test_per_sample_gradients(case):
    module = generated("torch", case.loss)
    tensors = [torch.tensor(v, dtype=torch.float64) for v in case.values]
    for i, name in enumerate(("x", *PARAMETERS[case.loss])):
        per_sample = vmap(grad(module.loss, argnums=i), (0, *[None] * len(tensors)))(_x(), *tensors)
        np.testing.assert_allclose(
            per_sample, [exact(case, f"d_{name}", v) for v in X], rtol=1e-11, err_msg=name
        )


@cases
def test_jacobians_forward_and_reverse(case):
    module = generated("torch", case.loss)
    tensors = [torch.tensor(v, dtype=torch.float64) for v in case.values]
    for i in range(len(tensors) + 1):
        forward = jacfwd(module.loss, argnums=i)(_x(), *tensors)
        reverse = jacrev(module.loss, argnums=i)(_x(), *tensors)
        _close(forward, reverse)
        name = ("x", *PARAMETERS[case.loss])[i]
        slope = getattr(module, f"d_{name}")(_x(), *tensors)
        _close(reverse, torch.diag(slope) if i == 0 else slope)


@cases
def test_hessians(case):
    module = generated("torch", case.loss)

    def total(point):
        return module.loss(point[0], *point[1:])

    point = torch.tensor((0.7, *case.values), dtype=torch.float64)
    found = hessian(total)(point)
    again = jacrev(jacrev(total))(point)
    names = ("x", *PARAMETERS[case.loss])
    for i in range(len(names)):
        for j in range(i, len(names)):
            quantity = f"d2_{names[i]}" if i == j else f"d2_{names[i]}_{names[j]}"
            want = exact(case, quantity, 0.7)
            for entry in (found[i, j], found[j, i], again[i, j], again[j, i]):
                assert float(entry) == pytest.approx(want, rel=1e-10, abs=1e-15), quantity


@cases
def test_hessian_vector_products_in_the_documented_orders(case):
    module = generated("torch", case.loss)
    x, v = _x(), torch.linspace(1, 2, len(X), dtype=torch.float64)

    def total(p):
        return module.loss(p, **case.parameters).sum()

    curve = module.d2_x(x, **case.parameters) * v
    _close(jvp(grad(total), (x,), (v,))[1], curve)
    _close(vjp(grad(total), x)[1](v)[0], curve)
    _close(grad(lambda p: jvp(total, (p,), (v,))[1])(x), curve)


@cases
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_forward_mode(case, dtype):
    module = generated("torch", case.loss)
    tangent = torch.linspace(1, 2, len(X), dtype=dtype)
    value, moved = jvp(lambda v: module.loss(v, **case.parameters), (_x(dtype),), (tangent,))
    assert moved.dtype == value.dtype == dtype
    tolerance = {torch.float64: 1e-13, torch.float32: 1e-5, torch.bfloat16: 2e-2}[dtype]
    want = module.d_x(_x(dtype), **case.parameters) * tangent
    torch.testing.assert_close(moved, want, rtol=tolerance, atol=0)
    tensors = [torch.tensor(v, dtype=dtype) for v in case.values]
    moves = [torch.ones_like(t) for t in tensors]
    _, moved = jvp(module.loss, (_x(dtype), *tensors), (tangent, *moves))
    want = want.double() + sum(
        getattr(module, f"d_{n}")(_x(dtype), *tensors).double() for n in PARAMETERS[case.loss]
    )
    torch.testing.assert_close(moved.double(), want, rtol=tolerance, atol=tolerance)
    assert moved.shape == (len(X),)


@cases
def test_forward_mode_broadcasts(case):
    """The tangent of the smaller argument is spread over the result."""
    module = generated("torch", case.loss)
    rows = [torch.full((3, 1), v, dtype=torch.float64) for v in case.values]
    moves = [torch.ones_like(r) for r in rows]
    value, moved = jvp(lambda *p: module.loss(_x(), *p), tuple(rows), tuple(moves))
    assert value.shape == moved.shape == (3, len(X))


def test_a_module_under_functional_call():
    huber = generated("torch", "huber").HuberLoss(delta=torch.nn.Parameter(torch.tensor(1.5)))
    x, zero = torch.tensor((-4.0, 0.5)), torch.zeros(2)

    def total(parameters):
        return functional_call(huber, parameters, (x, zero))

    slope = grad(total)({"delta": torch.tensor(2.0)})["delta"]
    assert float(slope) == pytest.approx((4.0 - 2.0) / 2)
