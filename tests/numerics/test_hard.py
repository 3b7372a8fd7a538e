"""Forms are tried at many more points than exact values are had of."""

import numpy as np
import pytest
from sympy import Interval, log, tanh

from derive.calculus import derive
from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.definitions.symbols import scale, x
from derive.numerics.errors import ErrorModel, samples
from derive.numerics.hard import Trial, beside_zeros, many
from derive.numerics.lower import lower
from derive.numerics.measure import target
from derive.numerics.nesting import by_rest
from derive.numerics.rules import rewrite

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
