"""Exponential polynomials whose coefficients share a power of a parameter."""

from contextlib import suppress

import numpy as np
import pytest
from mpmath import mp
from sympy import Symbol

from derive.calculus.derivatives import quantities
from derive.calculus.evaluate import evaluate as exact
from derive.definitions.loss import Loss
from derive.definitions.symbols import x
from derive.numerics.candidates import readings
from derive.numerics.evaluate import evaluate
from derive.numerics.lower import CannotLower, lower

e, p = Symbol("e", positive=True), Symbol("p", positive=True)
ROOT = Loss("root", "root", "tests", (x, e, p), (x**2 + e) ** (p / 2) - e ** (p / 2))


@pytest.mark.parametrize("quantity", ["loss", "d_e", "d_p", "d2_e", "d2_e_p", "d2_p"])
def test_beside_zero_nothing_cancels(quantity):
    raw, forms = quantities(ROOT)[quantity], []
    for way in readings(ROOT, raw):
        with suppress(CannotLower):
            forms.append(lower(way))
    assert forms
    for at in ({x: 1e-9, e: 1.7, p: 0.6}, {x: 1e-7, e: 3e-3, p: 1.4}, {x: -2.0, e: 0.5, p: 2.5}):
        with mp.workdps(60):
            want = float(exact(raw, {v: mp.mpf(value) for v, value in at.items()}))
        got = [evaluate(f, {v.name: np.float64(a) for v, a in at.items()}) for f in forms]
        np.testing.assert_allclose(got, want, rtol=1e-13)
