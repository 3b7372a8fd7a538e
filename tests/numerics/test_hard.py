"""Forms are tried at many more points than exact values are had of."""

import numpy as np
import pytest
from sympy import Interval, log, tanh

from derive.calculus import derive
from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.definitions.symbols import scale, x
from derive.numerics.atoms import softplus
from derive.numerics.errors import ErrorModel, samples
from derive.numerics.hard import Trial, beside_zeros, many
from derive.numerics.lower import lower, reordered
from derive.numerics.measure import target
from derive.numerics.nesting import by_rest
from derive.numerics.nodes import Name, absolute, call
from derive.numerics.rules import rewrite
from derive.numerics.stabilise import stabilise

CAUCHY = Loss(
    name="t",
    title="t",
    source="tests",
    variables=(x, scale),
    loss=scale**2 / 2 * log(1 + (x / scale) ** 2),
)


@pytest.fixture(scope="module")
def model():
    return ErrorModel(target(derive(CAUCHY), "loss"), samples(CAUCHY))


def test_points_are_numbers_of_float32():
    everyday, whole = many(CAUCHY)
    assert (everyday.name, whole.name) == ("everyday", "whole")
    for column in everyday.columns.values():
        np.testing.assert_array_equal(column, column.astype(np.float32))


def test_a_form_that_loses_digits_misses_and_is_measured_where_it_does(model):
    typed = lower(CAUCHY.loss)
    trial = Trial.of(model, typed, many(CAUCHY), ())
    assert trial.missed > 100
    assert trial.hard
    more = model.beside(trial.hard)
    assert len(more.references) > len(model.references) == len(model.usual)
    before, after = model.score(typed), more.score(typed)
    assert len(before.missed) == len(after.missed)
    assert sum(after.missed) > sum(before.missed)


def test_a_form_that_keeps_them_does_not(model):
    form = rewrite(CAUCHY.loss)[0]
    everyday, _ = many(CAUCHY)
    assert Trial.of(model, lower(form), [everyday], ()).missed == 0


def test_other_points_have_other_parameters_but_for_what_is_meant():
    loss = load("geman_mcclure")
    everyday, _ = many(loss)
    drawn = 150
    scales = [g.parameters[0] for g in everyday.groups]
    assert len(set(scales)) > 3 * len(set(scales[:drawn]))
    meant = [k % drawn for k, v in enumerate(scales) if v == loss.default(scale)]
    assert all(meant.count(k) > 8 for k in set(meant) if scales[k] == loss.default(scale))


def test_a_prediction_that_is_moved_stays_beside_its_target():
    everyday, _ = many(load("poisson"))
    y, mu = (everyday.columns[name] for name in ("y", "mu"))
    assert np.mean(np.abs(mu - y) < 1e-3 * y) > 0.05


def test_a_form_is_tried_most_where_it_is_rounded_badly():
    """-16 y^2/((y^2 + 4)^2 scale) is just below 1 around y = 2, where all roundings count twice."""
    loss = load("geman_mcclure")
    model = ErrorModel(target(derive(loss), "d_scale"), samples(loss))
    y = Name("x") / Name("scale")
    rounded = -(16 * y / (y * y + 4) / Name("scale") * y / (y * y + 4))
    assert Trial.of(model, rounded, many(loss)[:1], ()).missed


def test_a_ratio_of_lengths_beyond_the_range_is_among_the_points():
    loss = load("wing")
    model = ErrorModel(target(derive(loss), "d_epsilon"), samples(loss))
    s, w, epsilon = absolute(Name("x")), Name("w"), Name("epsilon")
    early = -(w / epsilon * (call("min", s, w) / (epsilon + call("min", s, w))))
    assert sum(model.score(early).missed[:4])


def test_a_subnormal_target_is_among_the_points_and_a_product_in_a_sum_can_wait_for_it():
    """w y, of a subnormal y, is rounded to few digits, of which a large factor makes many."""
    loss = load("binary_cross_entropy_with_logits")
    model = ErrorModel(target(derive(loss), "loss"), samples(loss))
    z, y, w = loss.variables
    cost = w * y * softplus(-z) + (1 - y) * softplus(z)
    assert model.score(lower(cost)).worst[3] > 1000
    missed = [model.score(form).missed for form in reordered(cost)]
    # w times the largest number would be infinite
    assert min(missed, key=sum)[:3] == (0, 0, 0)
    assert min(map(sum, missed)) <= 1 < max(sum(m[4:]) for m in missed)


def test_what_is_lost_beside_zeros_alone_is_carried_along_at_once():
    found = stabilise(derive(load("poisson")))
    (row,) = (r for r in found.errors if r.quantity == "loss")
    assert row.rules == ("roundings carried along",)


def test_what_is_left_of_a_share_is_rounded_by_itself():
    loss = load("binary_cross_entropy_with_logits")
    assert loss.domain(loss.target) == Interval(0, 1)
    z, y, w = loss.variables
    found = by_rest(loss, w * y * z + (1 - y) * z)
    assert str(found) == f"{z}*(h + {w}*{y})"
    assert by_rest(loss, w * z + y) is None
    assert by_rest(CAUCHY, x + scale) is None


def test_zeros_of_a_loss_without_parameters_are_found():
    loss = Loss(name="t", title="t", source="tests", variables=(x,), loss=x * tanh(x))
    bend = lower(loss.loss.diff(x, 2))  # 0 where x*tanh(x) = 1
    found = beside_zeros(bend, many(loss))
    points = np.concatenate([s.columns["x"] for s in found])
    assert np.abs(np.abs(points) - 1.1996786402577338).max() < 0.13
