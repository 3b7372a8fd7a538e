"""Losses of a prediction and a target that nobody tuned for: where they lost digits once."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import FiniteSet, Interval, Symbol, exp, log, oo

from derive.calculus import derive
from derive.calculus.derivatives import partial
from derive.definitions.loss import Loss
from derive.numerics.errors import ErrorModel, ends, samples
from derive.numerics.evaluate import evaluate
from derive.numerics.leading import leading_terms
from derive.numerics.lower import lower
from derive.numerics.measure import target
from derive.numerics.ratios import with_log_ratios
from derive.numerics.rules import rewrite
from derive.numerics.stabilise import form_of

z, y = Symbol("z", real=True), Symbol("y", real=True)
s, q = Symbol("s", positive=True), Symbol("q", positive=True)
p = Symbol("p", nonnegative=True)
SIGNS = FiniteSet(-1, 1)


def _loss(formula, *parameters, labels=SIGNS, **domains) -> Loss:
    return Loss(
        name="t", title="t", source="t", variables=(z, y, *parameters), predictions=(z,), target=y,
        loss=formula, domains={y: labels, **domains},
    )  # fmt: skip


POWER = _loss(log(1 + exp(-y * z)) / (1 + exp(y * z)) ** p, p)
COUNT = _loss(exp(z) - y * z, labels=Interval(0, oo))


@pytest.mark.parametrize(
    ("loss", "quantity", "infinite"),
    [
        (POWER, "d_z", {(np.inf, 1.0): 0.0, (-np.inf, 1.0): -1.0, (np.inf, -1.0): 1.0}),
        (POWER, "d2_z", {(np.inf, 1.0): 0.0, (-np.inf, 1.0): 0.0, (1e300, 1.0): 0.0}),
        (COUNT, "loss", {(np.inf, 2.0): np.inf, (-np.inf, 2.0): np.inf, (1e200, 1e200): np.inf}),
    ],
)
def test_far_scores_have_their_limits(loss, quantity, infinite):
    form = form_of(derive(loss), quantity)
    at = {"z": np.array([z for z, _ in infinite]), "y": np.array([y for _, y in infinite])}
    at |= {v.name: np.full(len(infinite), 2.0) for v in loss.parameters}
    with np.errstate(all="ignore"):
        found = np.broadcast_to(evaluate(form, at), len(infinite))
    np.testing.assert_array_equal(found, list(infinite.values()))


def test_powers_of_a_growing_sum_keep_their_digits():
    """At large exponents too, and where the power alone is below every number."""
    derivation = derive(POWER)
    model = ErrorModel(target(derivation, "d2_z"), samples(POWER))
    score = model.score(form_of(derivation, "d2_z"))
    assert max(score.worst) < 4.0


def test_the_logit_of_a_probability_near_one_half():
    found = with_log_ratios(log(1 - s) - log(s))
    assert str(found) in ("log_ratio(1 - s, s, 1 - 2*s)", "-log_ratio(s, 1 - s, 2*s - 1)")


def test_what_follows_a_leading_term_counts_whatever_the_parameters_are():
    """(z - y)^2/q^3 - 1/(2 q^2): far out in z, q may be larger than z^2 is."""
    loss = _loss(((z - y) ** 2 / q + log(q)) / 2, q, labels=Interval(-oo, oo))
    quantity = partial(partial(loss.expression, q), q)
    tests = [lead.negligible for lead in leading_terms(loss, quantity) if lead.end == oo]
    assert tests and all(test.has(q) for test in tests)


def test_sigmoids_and_softplus_crossed():
    g = Symbol("g", real=True)
    written = p * log(1 + exp(g)) / (1 + exp(g)) - p * log(1 + exp(-g)) / (1 + exp(-g))
    assert str(rewrite(written)[0]) == "p*sigmoid(g)*softplus_crossed(g)"


def test_the_largest_numbers_are_among_the_ends():
    *_, narrow, wide = samples(POWER)
    for sample, most in ((narrow, np.finfo(np.float32).max), (wide, np.finfo(float).max)):
        assert {*ends(POWER), most, -most} == set(sample.columns["z"])


def test_one_less_the_logarithm_of_a_ratio_keeps_its_digits_beside_its_zero():
    t = Symbol("t", positive=True)
    written = with_log_ratios(2 - 2 * log((1 + s) / (1 + t)))
    assert str(rewrite(written)[0]) == "2*log_ratio_gap(s, t)"


def test_a_whole_power_less_one_does_not_cancel():
    found, used = rewrite(1 - (1 - z**2) ** 3)
    assert used == ("whole power minus one",)
    form = lower(found)
    small = evaluate(form, {"z": np.array([1e-9])})
    np.testing.assert_allclose(small, 3e-18, rtol=1e-15)
