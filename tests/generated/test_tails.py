"""cdf in the tails, in both targets: by ball arithmetic, and by the incomplete beta function."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mpmath import mp
from table import INF, TARGETS, generated
from tails import tail

ALPHAS = (0.0, 0.5, 1.0, 1.999, 2.0, 4.0, 10.0, 1e3, INF)
POINTS = (1e-3, 0.3, 1.0, 1.9, 2.5, 3.0, 3.4, 3.6, 5.0, 10.0, 30.0, 36.0, 600.0, 1e10)
FAR = (1e26, 1e27, 1e100, 1e300)
every_target = pytest.mark.parametrize("target", TARGETS)


def _cdf(target, loss, x, *parameters):
    """In NumPy cdf(x) below 0 and sf(x) above: what PyTorch calls cdf(-x)."""
    module = generated(target, loss)
    if target == "numpy":
        np.testing.assert_array_equal(module.sf(x, *parameters), module.cdf(-x, *parameters))
        return module.cdf(-x, *parameters)
    name = {"barron": "Barron", "student_t": "StudentT"}[loss]
    given = [torch.tensor(v, dtype=torch.float64) for v in (0.0, *parameters)]
    got = getattr(module, name)(*given).cdf(torch.tensor([-x, x], dtype=torch.float64))
    assert float(got[1]) == 1 - float(got[0])
    return float(got[0])


@every_target
@pytest.mark.parametrize("alpha", ALPHAS)
def test_barrons_tails(target, alpha):
    height = generated("numpy", "barron").loss
    points = [y for y in (*POINTS, *(FAR if alpha == 0 else ())) if height(y, alpha) < 700]
    assert len(points) >= 5
    for y in points:
        want = float(tail(alpha, y))
        assert _cdf(target, "barron", 3 * y, alpha, 3.0) == pytest.approx(want, rel=1e-12), y


def _students(df, y):
    if df == INF:
        return mp.erfc(y / mp.sqrt(2)) / 2
    n = mp.mpf(df)
    return mp.betainc(n / 2, 0.5, 0, n / (n + mp.mpf(y) ** 2), regularized=True) / 2


@every_target
@pytest.mark.parametrize("df", [0.5, 3.0, 4.5, 11.0, INF])
def test_students_tails(target, df):
    for y in (*POINTS, *(FAR if df < INF else ())):
        with mp.workdps(40):
            want = float(_students(df, y))
        if want > 1e-300:
            assert _cdf(target, "student_t", 3 * y, df, 3.0) == pytest.approx(want, rel=2e-13), y


@every_target
def test_where_not_all_of_the_probability_is_within_the_numbers(target):
    assert _cdf(target, "student_t", 1.7e308, 0.01) == pytest.approx(
        float(_students(0.01, mp.mpf(1.7e308))), rel=1e-12
    )
    assert _cdf(target, "student_t", INF, 0.01) == 0
    module = generated(target, "student_t")
    quantile = module.ppf if target == "numpy" else None
    if quantile is None:
        quantile = lambda q, df: module.StudentT(  # noqa: E731
            torch.tensor(0.0, dtype=torch.float64), df, 1.0
        ).icdf(torch.tensor(q, dtype=torch.float64))
    assert float(quantile(1e-10, 0.01)) == -math.inf
