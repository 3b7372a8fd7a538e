"""The normalizer on an interval: it exists for every loss, also where the density does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mpmath import mp
from table import DEFINITIONS, LOSSES, PARAMETERS, TARGETS, array, generated

INTERVALS = [(-5.0, 5.0), (0.0, 2.0), (-1.0, 0.5), (30.0, 31.0), (-3.0, -2.5), (-2000.0, 3.0)]
CASES = [(loss, (v,)) for loss in LOSSES if len(PARAMETERS[loss]) == 1 for v in (0.7, 2.5)]
CASES += [("barron", (a, 0.8)) for a in (-2.0, 0.0, 1.5, 1.999, 2.0, 4.0)]
CASES += [("student_t", (df, 0.8)) for df in (0.1, 1.0, 30.0)]
targets = pytest.mark.parametrize("target", TARGETS)


def _exact(loss, parameters, a, b):
    """By mpmath, the smallest value of the loss taken out of the integral."""
    kinks = [s * parameters[0] for s in (-1, 1)] if loss in ("huber", "smooth_l1") else []
    cuts = [s * c for s in (-1, 1) for c in (0.05, 0.2, 1, 2, 4, 8, 40, 300, 30.01, 30.1, 30.3)]
    with mp.workdps(25):
        values = [mp.mpf(v) for v in parameters]
        f = lambda x: DEFINITIONS[loss](x, *values)  # noqa: E731
        least = f(mp.mpf(0)) if a <= 0 <= b else min(f(mp.mpf(a)), f(mp.mpf(b)))
        points = sorted({a, b, *(p for p in (0.0, *kinks, *cuts) if a < p < b)})
        return float(mp.log(mp.quad(lambda x: mp.exp(least - f(x)), points)) - least)


@pytest.mark.parametrize(("loss", "parameters"), CASES)
def test_it_is_the_integral(loss, parameters):
    want = np.array([_exact(loss, parameters, a, b) for a, b in INTERVALS])
    a, b = np.array(INTERVALS).T
    for target in TARGETS:
        module = generated(target, loss)
        got = np.asarray(module.log_partition_on(array(target, a), array(target, b), *parameters))
        assert np.all(np.abs(got - want) < 2e-13 * np.maximum(np.abs(want), 1)), target


@targets
def test_on_a_wide_interval_it_is_log_z(target):
    module = generated(target, "barron")
    for alpha in (0.7, 1.0, 1.99999, 2.3, np.inf):
        got = float(module.log_partition_on(array(target, -1e9), array(target, 1e9), alpha, 3.0))
        want = float(module.log_partition(array(target, alpha), 3.0))
        assert got == pytest.approx(want, abs=1e-13)


@targets
@pytest.mark.parametrize(
    ("alpha", "want"), [(17.9, -(15.9 / 17.9) * (1 + 4e6 / 15.9) ** 8.95), (np.inf, -np.inf)]
)
def test_where_the_loss_is_steeper_than_numbers_lie(target, alpha, want):
    """The next x already takes the whole loss; -inf where the loss itself has no number."""
    at = [array(target, v) for v in (2.0, 2.5, alpha, 1e-3)]
    assert float(generated(target, "barron").log_partition_on(*at)) == pytest.approx(want)


def test_it_is_differentiable_in_everything():
    module = generated("torch", "barron")
    at = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (-1.0, 2.0, -0.4, 0.7)]
    assert torch.autograd.gradcheck(module.log_partition_on, at)


@targets
def test_shapes_and_bad_intervals(target):
    module = generated(target, "welsch")
    a, b = array(target, [[-1.0], [0.0]]), array(target, [1.0, 2.0, 3.0])
    assert tuple(module.log_partition_on(a, b, 0.5).shape) == (2, 3)
    for a, b in ((1.0, 1.0), (2.0, 1.0), (-np.inf, 0.0), (0.0, np.nan)):
        with pytest.raises(ValueError, match="a < b"):
            module.log_partition_on(a, b)
        if target == "torch":  # tensors are not checked: nothing waits for a device
            assert torch.isnan(module.log_partition_on(array(target, a), array(target, b)))
    with pytest.raises(ValueError, match="scale must be > 0"):
        module.log_partition_on(0.0, 1.0, -1.0)


@targets
@pytest.mark.parametrize("loss", ["barron", "welsch"])
def test_the_dtype_is_that_of_the_arrays_as_for_log_partition(target, loss):
    module = generated(target, loss)
    parameters = (1.3, 0.5) if loss == "barron" else (0.5,)
    single = [array(target, v, "float32") for v in (-1.0, 2.0, *parameters)]
    double = [array(target, v) for v in (-1.0, 2.0, *parameters)]
    want = float(module.log_partition_on(*double))
    mixed = [*single[:-1], double[-1]]
    plain = (-1.0, 2.0, *single[2:])
    for given, dtype in ((single, "float32"), (plain, "float32"), (mixed, "float64")):
        got = module.log_partition_on(*given)
        assert str(got.dtype).endswith(dtype)
        assert float(got) == pytest.approx(want, rel=1e-6)
    alone = module.log_partition_on(-1.0, 2.0, *parameters)
    assert str(alone.dtype).endswith("float64" if target == "numpy" else "float32")
    if loss == "barron":
        assert module.log_partition(*single[2:]).dtype == module.log_partition_on(*plain).dtype
