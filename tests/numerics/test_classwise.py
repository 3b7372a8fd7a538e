"""Slopes over classes in words that do not cancel: each by known answers, and proved."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from sympy import Interval, Symbol, exp, log

from derive.calculus.classwise import derive_classwise
from derive.definitions.classes import COUNT, Entry, Hit, Total
from derive.definitions.loss import Along, Loss
from derive.numerics import atoms as scalar
from derive.numerics.classwise.atoms import Balance, Centred, Level, Miss, Surprise, Uneven
from derive.numerics.classwise.forms import stabilise_classwise
from derive.numerics.classwise.rules import scalars
from derive.numerics.classwise.slopes import (
    balanced,
    by_differences,
    less_mean,
    with_signs_apart,
)

z, t, v = Along("z", "real"), Along("t", "index"), Along("v", "real")
w = Along("w", "probability")
eps = Symbol("eps", nonnegative=True)
n, s = Surprise(z), exp(-Surprise(z))


@pytest.mark.parametrize(
    ("weights", "wanted"),
    [
        (eps, eps * COUNT * Uneven(z)),  # what is the same for every class
        (eps * Hit(t) + 3, eps * Miss(z, t) + 3 * COUNT * Uneven(z)),
        (s * v + eps * Hit(t), eps * Miss(z, t) - s * Centred(v, z)),
        (w + eps, eps * COUNT * Uneven(z) + Balance(w, z)),
    ],
)
def test_each_part_of_a_balance_has_its_word(weights, wanted):
    assert balanced(weights, z) == wanted


@pytest.mark.parametrize(
    ("sum_of_surprises", "wanted"),
    [
        (Entry(n, t) - Total(n) / COUNT, Total(z - Entry(z, t)) / COUNT),
        (Entry(n, t), Entry(n, t)),  # adding a number changes it
        (
            Total(-w * n) + Total(w) * Total(n) / COUNT,
            Total(w * Level(z)) - Total(w) * Total(Level(z)) / COUNT,
        ),
    ],
)
def test_surprises_that_cancel_are_differences(sum_of_surprises, wanted):
    assert sympy.expand(by_differences(sum_of_surprises) - wanted) == 0


def test_a_hessian_does_not_see_what_all_entries_of_v_share():
    product = s * (v - Total(v * s))
    assert less_mean(product, v) == s * Centred(v, z)


def test_signs_stand_before_totals_and_a_mean_is_taken_off_once():
    written = Total(-z) + Entry(-z, t) + Total(Centred(Centred(v, z), z))
    assert with_signs_apart(written) == -Total(z) - Entry(z, t) + Total(Centred(v, z))


def test_a_smoothed_loss_of_a_stranger():
    """Proved equal to its derivatives over 2 to 5 classes by the way; no difference is left."""
    loss = Loss(
        name="t", title="t", source="t", variables=(z, t, eps), predictions=(z,), target=t,
        loss=log(Total(exp(z))) - (1 - eps) * Entry(z, t) - eps / COUNT * Total(z),
        domains={eps: Interval(0, 1)}, defaults={eps: 0.1},
    )  # fmt: skip
    form = stabilise_classwise(derive_classwise(loss))
    assert form.expressions["d_z"].has(Uneven)
    assert not form.expressions["d_eps"].has(Surprise)
    assert form.expressions["hessian_product"] == s * Centred(v.func("v", "real"), z)


def test_a_power_over_its_base_is_one_power():
    n, p = sympy.Symbol("n", positive=True), sympy.Symbol("p", positive=True)
    rest = scalar.expm1(-n)
    assert scalars((-rest) ** p / rest) == -((-rest) ** (p - 1))


def test_products_with_the_hessian_are_finite_where_a_class_is_certain():
    from generated.for_numpy import focal_multiclass as focal

    z, t = np.array([[-20.0, -629.0, 700.0]]), np.array([[0.5, 0.25, 0.25]])
    found = focal.hessian_product(z, t, np.array([[1.0, 2.0, 3.0]]), gamma=1.888)
    assert np.isfinite(found).all()
