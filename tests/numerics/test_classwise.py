"""Slopes over classes in words that do not cancel: each by known answers, and proved."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy
import torch
from sympy import Interval, Symbol, exp, log

import derive
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


def _own(tmp_path, formula, parameter, values):
    path = tmp_path / "own.toml"
    path.write_text(
        f'name = "own"\nloss = "{formula}"\n[prediction]\nz = "real over k"\n'
        f'[target]\nt = "index of k"\n[variables]\n{parameter} = "{values}"\n'
    )
    return derive.compile(derive.load(str(path)), "numpy")


SCORES = np.array([[20.0, 0.25, -0.75]])
with mpmath.workdps(40):  # the surprise of the first class
    LEFT = mpmath.log1p(mpmath.exp("-19.75") + mpmath.exp("-20.75"))


def test_a_function_of_one_surprise_keeps_its_digits(tmp_path):
    """(1 - s^q)/q of the target's probability s; its slope in q is small beside each term."""
    own = _own(tmp_path, "(1 - (exp(z[t])/sum(exp(z)))**q)/q", "q", "(0, 1]")
    with mpmath.workdps(40):
        q = mpmath.mpf(0.75)
        wanted = ((1 + q * LEFT) * mpmath.exp(-q * LEFT) - 1) / q**2
    assert own.d_q(SCORES, np.array([0]), q=0.75)[0] == pytest.approx(float(wanted), rel=1e-14)


def test_a_surprise_beside_the_logarithm_of_its_total(tmp_path):
    own = _own(tmp_path, "log(sum(exp(z))) - z[t] + w*log(sum(exp(z)))**2", "w", "nonnegative")
    at_zero = SCORES - SCORES[0, 0]  # where the logarithm of the total is as small
    found = own.loss(at_zero, np.array([0]), w=0.5)[0]
    assert found == pytest.approx(float(LEFT + LEFT**2 / 2), rel=1e-14)


@pytest.mark.parametrize("target", ["numpy", "torch"])
@pytest.mark.parametrize(
    "name", ["multi_margin", "zero_one_multiclass", "cross_entropy", "brier_multiclass"]
)
def test_nan_among_the_classes_is_nan_all_over_its_row_alone(name, target):
    own = derive.compile(name, target)
    rows, t, moves = np.array([[0.2, 0.3, 0.5]] * 4), np.array([0, 1, 2, 0]), np.ones((4, 3))
    rows[range(3), [1, 2, 1]] = np.nan  # beside the target's entry
    given = [torch.tensor(a) if target == "torch" else a for a in (rows, t, moves)]
    for call in (own.loss, own.value_and_grad, own.hessian_product):
        found = call(*given[: 3 if call is own.hessian_product else 2])
        for result in found if isinstance(found, tuple) else (found,):
            missing = np.isnan(np.asarray(result)).reshape(4, -1)
            assert missing[:3].all()
            assert not missing[3].any()


def test_a_score_of_minus_infinity_is_no_nan():
    margins = derive.compile("multi_margin", "numpy")
    scores = np.array([[1.0, -np.inf, 0.5]])
    np.testing.assert_allclose(margins.loss(scores, np.array([0])), [0.5 / 3])
    np.testing.assert_allclose(margins.d_f(scores, np.array([0])), [[-1 / 3, 0, 1 / 3]])
