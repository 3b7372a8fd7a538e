"""Student's kernel and half a step of log gamma, against mpmath."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp

from derive.definitions.catalogue import load
from derive.numerics import student
from derive.numerics.evaluate import evaluate
from derive.numerics.helpers import gammas

A = np.concatenate([10.0 ** np.linspace(-290, 60, 71), np.linspace(0.01, 12, 121)])


@pytest.mark.parametrize("order", [0, 1, 2])
def test_half_a_step_of_log_gamma_keeps_its_digits(order):
    helper = (gammas.gamma_gap, gammas.gamma_gap1, gammas.gamma_gap2)[order]
    got = evaluate(helper.body, {"a": A})
    for a, value in zip(A, got, strict=True):
        with mp.workdps(130):
            want = helper.exact(mp.mpf(a))
            if 1e-300 < abs(want) < 1e300:
                assert abs(mp.mpf(float(value)) / want - 1) < 6 * mp.mpf(2) ** -52, a
    assert evaluate(helper.body, {"a": np.array([np.inf])})[0] == 0


def test_students_loss_is_recognized():
    found = student.match(load("student_t"))
    assert (found.x, found.n, found.c) == ("x", "df", "scale")
    assert student.match(load("cauchy")) is None
    assert student.match(load("barron")) is None


@pytest.mark.parametrize("y", [1e-250, 1e-120, 1e-3, 1.0, 40.0, 1e100, 1e250])
@pytest.mark.parametrize("n", [1e-30, 0.3, 1.0, 7.5, 1e30])
def test_nothing_leaves_the_range_before_its_time(n, y):
    forms = student.quantities(student.Letters("x", "n", "c"))
    values = {"x": np.array([y * 2.0]), "n": np.float64(n), "c": np.float64(2.0)}
    with mp.workdps(700):
        square, m = mp.mpf(y) ** 2, mp.mpf(n)
        want = {
            "loss": (m + 1) / 2 * mp.log1p(square / m),
            "d_x": (m + 1) * y / (m + square) / 2,
            "d_n": (mp.log1p(square / m) - (m + 1) / m * square / (m + square)) / 2,
            "d2_x_n": y * (square - 1) / (m + square) ** 2 / 2,
            "d2_n": square / (m + square) / 2 / m**2 * (2 - (m + 1) * square / (m + square)),
        }
    for name, exact in want.items():
        got = float(evaluate(forms[name], values)[0])
        if abs(exact) > 1e-290:
            assert got == pytest.approx(float(exact), rel=3e-15), name
        else:
            assert abs(got) < 1e-289
