"""The mean and the sum of a module on the CPU: one pass over blocks, as the elements have it."""

from __future__ import annotations

import functools
import importlib
import inspect
import math
import pickle

import pytest
import torch
from table import CLASSES, LOSSES, PARAMETERS

MANY = 150_000  # more than two blocks for one thread
VALUES = {"alpha": 0.7, "scale": 1.3, "delta": 0.8, "beta": 0.9, "df": 3.5}
losses = pytest.mark.parametrize("loss", LOSSES)
# every pair of a size, a reduction and a dtype
PAIRS = [
    (1, "mean", torch.float32), (7, "mean", torch.float64), (MANY, "mean", torch.float32),
    (1, "sum", torch.float64), (7, "sum", torch.float32), (MANY, "sum", torch.float64),
]  # fmt: skip


@functools.cache
def _file(loss):
    return importlib.import_module(f"generated.for_torch.{loss}")


def _module(loss, *parameters, **options):
    return getattr(_file(loss), CLASSES[loss])(*parameters, **options)


def _values(loss):
    return [VALUES[p] for p in PARAMETERS[loss]]


@functools.cache
def _data(size, dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    kind = {"generator": generator, "dtype": dtype}
    return 3 * torch.randn(size, **kind), torch.randn(size, **kind)


def _exact(loss, x, parameters, reduction):
    """Value and slopes by the elementwise functions in float64."""
    file, x = _file(loss), x.double()
    names = ["x", *PARAMETERS[loss]]
    reduce = torch.mean if reduction == "mean" else torch.sum
    share = 1 / x.numel() if reduction == "mean" else 1.0
    slopes = [getattr(file, f"d_{n}")(x, *parameters) for n in names]
    value = reduce(file.loss(x, *parameters))
    return value, slopes[0] * share, [s.sum() * share for s in slopes[1:]]


@losses
@pytest.mark.parametrize(("size", "reduction", "dtype"), PAIRS)
def test_it_is_the_mean_of_the_elements(loss, reduction, size, dtype):
    x, y = (t.clone().requires_grad_() for t in _data(size, dtype))
    learned = [torch.nn.Parameter(torch.tensor(v, dtype=dtype)) for v in _values(loss)]
    value = _module(loss, *learned, reduction=reduction)(x, y)
    value.backward()
    held = [p.detach().double() for p in learned]
    want, slope, slopes = _exact(loss, (x - y).detach(), held, reduction)
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(value.double(), want, rtol=10 * eps, atol=0)
    least = 1e-3 * eps * slope.abs().max()  # of exp(-w) the last w bits are the argument's
    torch.testing.assert_close(x.grad.double(), slope, rtol=40 * eps, atol=float(least))
    assert torch.equal(x.grad, -y.grad)
    for p, s in zip(learned, slopes, strict=True):
        torch.testing.assert_close(p.grad.double(), s, rtol=100 * eps, atol=0)


@losses
@pytest.mark.parametrize("size", [7, MANY])
def test_numbers_and_tensors_agree(loss, size):
    x, y = _data(size)
    numbers = _module(loss, *_values(loss))(x, y)
    tensors = _module(loss, *map(torch.tensor, _values(loss)))(x, y)
    torch.testing.assert_close(numbers, tensors, rtol=1e-6, atol=0)


@losses
@pytest.mark.parametrize("size", [1e-3, 1e-6])
def test_small_residuals_keep_their_digits(loss, size):
    x = (_data(5000)[0] * size).requires_grad_()
    learned = [torch.nn.Parameter(torch.tensor(v)) for v in _values(loss)]
    value = _module(loss, *learned)(x, torch.zeros_like(x))
    value.backward()
    held = [p.detach().double() for p in learned]
    want, slope, slopes = _exact(loss, x.detach(), held, "mean")
    torch.testing.assert_close(value.double(), want, rtol=2e-6, atol=0)
    torch.testing.assert_close(x.grad.double(), slope, rtol=4e-6, atol=1e-30)
    for p, s in zip(learned, slopes, strict=True):
        torch.testing.assert_close(p.grad.double(), s, rtol=2e-5, atol=0)


@losses
@pytest.mark.parametrize("far", [1e8, 1e19, 1e30, math.inf, -math.inf])
def test_a_residual_far_out_is_as_the_functions_have_it(loss, far):
    file, values = _file(loss), _values(loss)
    x = torch.tensor([0.5, far, -1.0], requires_grad=True)
    value = _module(loss, *values, reduction="sum")(x, torch.zeros(3))
    value.backward()
    torch.testing.assert_close(value, file.loss(x.detach(), *values).sum(), rtol=3e-6, atol=0)
    torch.testing.assert_close(x.grad, file.d_x(x.detach(), *values), rtol=2e-6, atol=1e-37)


@losses
def test_nan_spoils_the_mean_and_its_own_slope_alone(loss):
    x = torch.tensor([0.5, math.nan, -1.0], requires_grad=True)
    value = _module(loss, *_values(loss))(x, torch.zeros(3))
    value.backward()
    assert torch.isnan(value)
    assert torch.isnan(x.grad).tolist() == [False, True, False]


@pytest.mark.parametrize("loss", ["absolute", "quantile", "epsilon_insensitive", "talwar"])
def test_no_sign_and_no_choice_hides_nan(loss):
    (name,) = (n for n in vars(_file(loss)) if n.endswith("Loss"))
    x, p = torch.tensor([0.5, math.nan], requires_grad=True), torch.nn.Parameter(torch.tensor(0.3))
    getattr(_file(loss), name)(p)(x, torch.zeros(2)).backward()
    assert torch.isnan(x.grad).tolist() == [False, True]
    assert torch.isnan(p.grad)


@losses
def test_the_same_input_gives_the_same_bits(loss):
    x, y = _data(MANY)
    module = _module(loss, *_values(loss))
    found = []
    for _ in range(3):
        leaf = x.clone().requires_grad_()
        value = module(leaf, y)
        value.backward()
        found.append((value.detach(), leaf.grad))
    assert all(torch.equal(v, found[0][0]) and torch.equal(g, found[0][1]) for v, g in found)


@losses
def test_gradients_accumulate_and_are_not_shared(loss):
    x = _data(100)[0].clone().requires_grad_()
    module, zero = _module(loss, *_values(loss)), torch.zeros(100)
    value = module(x, zero)
    value.backward(retain_graph=True)
    once = x.grad.clone()
    value.backward()
    torch.testing.assert_close(x.grad, 2 * once)
    (2.5 * module(x, zero)).backward()
    torch.testing.assert_close(x.grad, 4.5 * once)


@losses
def test_second_derivatives_go_through_the_functions(loss):
    file, values = _file(loss), _values(loss)
    x = _data(50, torch.float64)[0].clone().requires_grad_()
    learned = [torch.nn.Parameter(torch.tensor(v, dtype=torch.float64)) for v in values]
    value = _module(loss, *learned, reduction="sum")(x, torch.zeros_like(x))
    slope, *rest = torch.autograd.grad(value, (x, *learned), create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), x, retain_graph=True)
    torch.testing.assert_close(bend, file.d2_x(x.detach(), *values), rtol=1e-12, atol=1e-14)
    for name, s in zip(PARAMETERS[loss], rest, strict=True):
        mixed = torch.autograd.grad(s, x, retain_graph=True, allow_unused=True)[0]
        want = getattr(file, f"d2_x_{name}")(x.detach(), *values)
        torch.testing.assert_close(mixed, want, rtol=1e-12, atol=1e-14)


@losses
@pytest.mark.parametrize("change", ["strided", "transposed", "broadcast", "mixed", "empty"])
def test_what_is_not_dense_goes_the_elementwise_way(loss, change):
    x, y = (t.reshape(20, 30).double() for t in _data(600))
    if change == "strided":
        x, y = x[:, ::2], y[:, ::2]
    elif change == "transposed":
        x = x.t().contiguous().t()
    elif change == "broadcast":
        y = y[:1].expand(20, 30)
    elif change == "mixed":
        y = y.float()
    else:
        x, y = x[:0], y[:0]
    values = _values(loss)
    got = _module(loss, *values, reduction="sum")(x, y)
    want = _file(loss).loss(x - y, *values).sum()
    torch.testing.assert_close(got, want)


@losses
def test_the_sum_without_a_target(loss):
    """What the adaptive losses call for each channel."""
    file, values = _file(loss), _values(loss)
    x = _data(1000)[0].clone().requires_grad_()
    assert file._is_plain(x, x, *values)
    total = file._Total.apply(x, x.new_zeros(()).expand(x.shape), False, *values)
    total.backward()
    torch.testing.assert_close(total, file.loss(x.detach(), *values).sum())
    torch.testing.assert_close(x.grad, file.d_x(x.detach(), *values), rtol=4e-6, atol=1e-30)


def test_special_exponents_are_no_special_case():
    for alpha in (2.0, 0.0, math.inf, -math.inf, 1.0, 1e-12, 2 - 1e-12):
        x = _data(1000)[0].clone().requires_grad_()
        value = _module("barron", alpha, 1.3)(x / 4, torch.zeros(1000))
        value.backward()
        want = _file("barron").loss(x.detach() / 4, alpha, 1.3).mean()
        torch.testing.assert_close(value, want, rtol=2e-6, atol=0)
        assert torch.isfinite(x.grad).all()


@losses
def test_no_full_copies_are_made(loss):
    """At most 12 bytes an element are new at the peak: counted in tensors of full size."""
    source = inspect.getsource(_file(loss)._Total.forward)
    assert source.count("empty_like(x)") == 1


@pytest.mark.parametrize("loss", ["huber", "quadratic", "absolute", "smooth_l1"])
def test_functions_on_one_line_are_functions_as_any(loss):
    file = _file(loss)
    for name in (n for n in file.__all__ if not n.endswith("Loss")):
        function = getattr(file, name)
        assert function.__name__ == name
        assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("loss", ["huber", "absolute", "smooth_l1"])
def test_nan_has_nan_in_every_derivative_and_its_slopes(loss):
    """In float64, where a parameter keeps its digits beside the mask."""
    file, (value,) = _file(loss), _values(loss)
    for name in (n for n in file.__all__ if n.startswith(("loss", "d", "weight"))):
        x = torch.tensor([0.3, math.nan, 2.0], dtype=torch.float64, requires_grad=True)
        p = torch.tensor(value / 3, dtype=torch.float64, requires_grad=True)
        found = getattr(file, name)(x, p)
        assert torch.isnan(found).tolist() == [False, True, False], name
        if found.requires_grad:
            found.sum().backward()
            assert x.grad is None or torch.isnan(x.grad).tolist() == [False, True, False], name
            assert p.grad is None or torch.isnan(p.grad), name
            assert found.dtype == torch.float64
