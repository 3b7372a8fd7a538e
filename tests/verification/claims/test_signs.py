"""Signs that are proved are right, and what is not provable stays open."""

from __future__ import annotations

import pytest
import sympy
from sympy import Dummy, Expr, Rational, exp, log, sqrt, tanh

from derive.verification.claims.signs import Open, Sign, Signs

t, a, c = (Dummy(n, positive=True) for n in "tac")

KNOWN: tuple[tuple[Expr, Sign], ...] = (
    (1 - t / sqrt(1 + t**2), Sign(1, True)),
    (1 + t - sqrt(1 + t**2), Sign(1, True)),
    (log(1 + t) - t / (1 + t), Sign(1, True)),
    (t - log(1 + t**2 / 2), Sign(1, True)),
    (t * log(1 + 1 / t) - 1, Sign(-1, True)),
    (sqrt(2) / 2 - 2 * t / (2 + t**2), Sign(1, False)),
    ((1 + t) ** (a / 2) - 1, Sign(1, True)),
    (t - (2 + a) / a * (1 - (1 + t**2 / (2 + a)) ** (-a / 2)), Sign(1, True)),
    (1 / c - t / c / sqrt(1 + t**2), Sign(1, True)),
    (t**2 - 3 * t + 3, Sign(1, True)),
    (t - tanh(t), Sign(1, True)),
    (exp(-t) - 1, Sign(-1, True)),
)
MIXED = (t - 1, t**2 - 3 * t + 2, log(t), t - a, exp(t) - 1 - 2 * t, sympy.sin(t))


@pytest.mark.parametrize(("expression", "sign"), KNOWN, ids=str)
def test_known_signs(expression: Expr, sign: Sign) -> None:
    assert Signs().sign(expression) == sign


@pytest.mark.parametrize("expression", MIXED, ids=str)
def test_no_sign_is_claimed_where_it_changes(expression: Expr) -> None:
    with pytest.raises(Open):
        Signs().sign(expression)


def test_a_change_between_the_sample_points_is_not_overlooked() -> None:
    narrow = (t - Rational(101, 100)) ** 2 - Rational(1, 10**8)
    with pytest.raises(Open):
        Signs().sign(sympy.expand(narrow))
