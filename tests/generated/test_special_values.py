"""Special parameters and extreme residuals: the same in both targets, no NaN, no warning."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from table import (
    ABOVE_TWO,
    BELOW_TWO,
    CASES,
    INF,
    NAN,
    TARGETS,
    Case,
    array,
    call,
    exact,
    generated,
    numbers,
    quantities,
)

LARGEST = float(np.finfo(np.float64).max)
ALPHAS = (
    0.0, -0.0, 5e-324, -5e-324, 1e-320, -1e-320, 1e-300, 1e-17, 2.0, ABOVE_TWO, BELOW_TWO, 1e20,
    -1e20, 1e22, -1e22, 1e30, -1e30, 1e308, -1e308, LARGEST, -LARGEST, INF, -INF, 2.0**20,
    -(2.0**20),
)  # fmt: skip
EXTREME_X = (
    0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-200, 1e-160, 1e-30, 1.0, -2.5, 1e3,
    1e30, 1e100, 1e150, -1e160, 1e200, 1e300, LARGEST, -LARGEST, INF, -INF,
)  # fmt: skip
SCALES = (1e-30, 0.75, 1e30)
BARRON = quantities("barron")


def _barron(alpha, scale=1.25):
    return Case("barron", (alpha, scale))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("alpha", ALPHAS, ids=repr)
def test_no_nan_for_any_alpha(alpha, scale, target):
    bad = {}
    for name in BARRON:
        got = call(target, _barron(alpha, scale), name, EXTREME_X)
        if np.any(np.isnan(got)):
            bad[name] = [x for x, v in zip(EXTREME_X, got, strict=True) if np.isnan(v)]
        if name in ("loss", "weight", "d_alpha") and np.any(got < 0):
            bad[f"{name} < 0"] = [x for x, v in zip(EXTREME_X, got, strict=True) if v < 0]
    assert not bad


@pytest.mark.parametrize("target", TARGETS)
def test_an_infinite_residual_beside_a_tiny_exponent(target):
    (got,) = call(target, _barron(-1.3e-203, 1.4e27), "loss", (INF,))
    assert got == pytest.approx(2 / 1.3e-203)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_nan_for_any_residual(case, target):
    bad = {}
    for dtype in ("float64", "float32"):
        for name in quantities(case.loss):
            got = call(target, case, name, EXTREME_X, dtype)
            if np.any(np.isnan(got)):
                bad[name, dtype] = [x for x, v in zip(EXTREME_X, got, strict=True) if np.isnan(v)]
    assert not bad


@pytest.mark.parametrize("alpha", ALPHAS, ids=repr)
def test_both_targets_agree(alpha):
    x = np.array([v for v in EXTREME_X if abs(v) < 1e160])
    for name in BARRON:
        one, other = (call(t, _barron(alpha), name, x) for t in TARGETS)
        np.testing.assert_array_equal(np.isfinite(one), np.isfinite(other), err_msg=name)
        finite = np.isfinite(one)
        np.testing.assert_array_equal(one[~finite], other[~finite], err_msg=name)
        np.testing.assert_allclose(
            one[finite], other[finite], rtol=1e-12, atol=1e-305, err_msg=name
        )


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("alpha", ALPHAS, ids=repr)
def test_loss_and_slope_beside_the_special_exponents(alpha, target):
    """A subnormal exponent gives what 0 gives; the neighbours of 2 the quadratic; the largest
    finite ones what infinity gives."""
    x = np.array([-3.0, 1e-9, 0.5, 2.0, 6.0])
    near = (
        0.0 if abs(alpha) < 1e-15 else 2.0 if abs(alpha - 2) < 1e-15 else math.copysign(INF, alpha)
    )
    if abs(alpha) == 2.0**20:
        near = alpha
    for name in ("loss", "d_x", "d_scale", "weight"):
        expected = [exact(_barron(near), name, float(v)) for v in x]
        got = call(target, _barron(alpha), name, x)
        # kappa of the exponentials is u
        np.testing.assert_allclose(got, expected, rtol=2e-14, err_msg=name)


@pytest.mark.parametrize("target", TARGETS)
def test_the_derivative_in_alpha_at_its_special_points(target):
    """+inf at 2 but for x = 0; the closed form at 0; 0 at ±inf; the bound u^2 reached slowly."""
    x = np.array([-3.0, 0.5, 2.0])
    u = (x / 1.25) ** 2
    log_w = np.log1p(u / 2)
    closed = log_w**2 / 4 - log_w / 2 + u / (2 * (u + 2))
    for alpha in (0.0, -0.0, 5e-324, -1e-320):
        got = call(target, _barron(alpha), "d_alpha", x)
        np.testing.assert_allclose(got, closed, rtol=1e-12)
    np.testing.assert_array_equal(call(target, _barron(2.0), "d_alpha", x), [INF] * 3)
    assert call(target, _barron(2.0), "d_alpha", 0.0) == 0
    for alpha in (INF, -INF):
        np.testing.assert_array_equal(call(target, _barron(alpha), "d_alpha", x), [0.0] * 3)
    for alpha in (ABOVE_TWO, BELOW_TWO):
        b = abs(alpha - 2)
        got = call(target, _barron(alpha), "d_alpha", x)
        np.testing.assert_allclose(got, u / 4 * np.log(u / b) - u / 2, rtol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_minus_zero_is_zero(target):
    for name in BARRON:
        plus, minus = (call(target, _barron(a), name, EXTREME_X) for a in (0.0, -0.0))
        np.testing.assert_array_equal(plus, minus, err_msg=name)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("scale", SCALES)
def test_an_array_of_exponents_equals_its_numbers(target, scale):
    """Every regime in one array; a vector may use another power than a number does."""
    x = np.array([-2.5, 1e-3, 0.7, 40.0]) * scale
    module = generated(target, "barron")
    for name in BARRON:
        alphas = np.array(ALPHAS)
        got = numbers(
            getattr(module, name)(
                array(target, x[:, None]), array(target, alphas[None, :]), array(target, scale)
            )
        )
        one = [call(target, _barron(float(a), scale), name, x) for a in alphas]
        expected = np.stack(one, axis=1)
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(finite, np.isfinite(got), err_msg=name)
        np.testing.assert_array_equal(got[~finite], expected[~finite], err_msg=name)
        np.testing.assert_allclose(
            got[finite], expected[finite], rtol=2e-13, atol=1e-305, err_msg=name
        )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_numpy_warns_of_nothing(case):
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        for dtype in ("float64", "float32", "float16"):
            with np.errstate(all="ignore"):
                x = np.array([*EXTREME_X, NAN]).astype(dtype)
            module = generated("numpy", case.loss)
            arrays = [np.full(x.shape, v) for v in case.values]
            for name in (*quantities(case.loss), "value_and_grad"):
                getattr(module, name)(x, **case.parameters)
                getattr(module, name)(x, *arrays)
                getattr(module, name)(np.resize(x, 20_000), **case.parameters)
                for v in x:
                    getattr(module, name)(v, **case.parameters)
            assert np.geterr() == dict.fromkeys(("divide", "over", "under", "invalid"), "raise")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_symmetry_and_zero(case, target):
    """Every loss of the catalogue is even: slopes in x change sign, all else does not."""
    x = np.array([1e-160, 1e-5, 0.3, 1.25, 7.0, 1e5, 1e170])
    for name in quantities(case.loss):
        plus, minus = call(target, case, name, x), call(target, case, name, -x)
        odd = name == "d_x" or name.startswith("d2_x_")
        np.testing.assert_array_equal(minus, -plus if odd else plus, err_msg=name)
    assert call(target, case, "loss", 0.0) == 0
    assert call(target, case, "d_x", 0.0) == 0
    assert np.all(call(target, case, "loss", x) >= 0)
