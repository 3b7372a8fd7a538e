"""What rounding takes from each operation is carried along beside a zero."""

import mpmath
import numpy as np
import pytest
from sympy import atan, exp, log, nsolve, sqrt

from derive.definitions.symbols import x
from derive.numerics.carried import carried
from derive.numerics.evaluate import evaluate
from derive.numerics.lower import lower

SUMS = [  # and about where they are 0
    (x - 3 * log(x), 1.86),
    (sqrt(x + 3) - x * x / 5, 3.5),
    (atan(x) - x / (1 + x / 3), 1.4),
    (exp(x / 7) - x * x / 3, 2.0),
    (log(1 + x) - 2 * x / (1 + x), 3.9),
]


@pytest.mark.parametrize(("formula", "guess"), SUMS, ids=str)
def test_only_the_rounding_of_functions_is_left_beside_a_zero(formula, guess):
    form = lower(formula)
    better = carried(form, form)
    assert better is not None
    near = float(nsolve(formula, x, guess))
    points = (near * (1 + np.linspace(-0.02, 0.02, 400))).astype(np.float32)
    plain, found = (evaluate(f, {"x": points}, np.float32) for f in (form, better))
    with mpmath.workdps(30):
        exact = [float(formula.subs(x, float(v)).evalf(25)) for v in points]
    errors = [np.abs(got.astype(float) - exact) for got in (plain, found)]
    assert errors[1].max() <= errors[0].max()
    assert errors[1].mean() < 0.9 * errors[0].mean()


def test_what_is_no_sum_or_is_not_known_stays():
    assert carried(lower(x * log(x)), lower(x * log(x))) is None
    form = lower(x - 3 * log(x))
    assert carried(lower(x - log(x)), lower(x)) is None
    assert carried(form, form) != form
