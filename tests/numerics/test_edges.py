"""Edges of the range: points beside them, products that stay inside, and powers beyond them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb
from mpmath import mp
from sympy import Symbol, exp, log, simplify, sqrt

from derive.definitions.loss import Loss
from derive.definitions.samples import Group, Sample, spread, whole_range
from derive.numerics.candidates import squared_out
from derive.numerics.edges import with_edges
from derive.numerics.evaluate import evaluate
from derive.numerics.exact import Exact, limit
from derive.numerics.helpers.differences import pattern_helper
from derive.numerics.nodes import Name
from derive.numerics.products import HALVES, PAIRED, QUARTERS, SQUARED, WHOLE, Ranges, ordered

x = Symbol("x", real=True)
a = Symbol("a", real=True)
c = Symbol("c", positive=True)


def _loss(formula, variables=(x, c)):
    return Loss(name="t", title="t", source="tests", variables=variables, loss=formula)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_points_lie_on_the_near_side_of_an_edge(dtype):
    loss = _loss(1 - exp(-((x / c) ** 2)))
    weight = exp(-((x / c) ** 2)) / c**2
    sample = whole_range(loss, 400, dtype=dtype)
    more = with_edges(sample, [weight], loss.variables)
    assert len(more) > len(sample)
    least = 2**5 * np.finfo(dtype).smallest_subnormal
    close = 0
    for old, new in zip(sample.groups, more.groups, strict=True):
        np.testing.assert_array_equal(new.x[: len(old.x)], old.x)
        (scale,) = new.parameters
        y = new.x[len(old.x) :] / scale
        with np.errstate(under="ignore", over="ignore"):
            sizes = np.exp(-(y**2) - 2 * np.log(scale))
        close += int(np.count_nonzero((sizes >= least / 2) & (sizes < least * 1e12)))
    assert close > 5


def test_the_range_is_found_between_two_points_beyond_it():
    loss = _loss(1 - exp(-((x / c) ** 2)))
    weight = exp(-((x / c) ** 2)) / c**2
    group = Group((1e-30,), np.array([1e-35, 1e-28]))  # infinite in float32, and 0
    sample = Sample("everyday", "float32", ("x", "c"), (group,))
    y = with_edges(sample, [weight], loss.variables).groups[0].x / 1e-30
    with np.errstate(under="ignore"):
        sizes = np.exp(-(y**2) + 60 * math.log(10))
    inside = (sizes > np.finfo(np.float32).tiny) & (sizes < np.finfo(np.float32).max)
    assert np.count_nonzero(inside) > 5


def test_some_parameters_are_at_the_ends_of_what_is_promised():
    loss = _loss(log(1 + (x / c) ** 2 / 2))
    scales = [g.parameters[0] for g in spread(loss, 400, 5, "float32").groups]
    low, high = scales.count(float(np.float32(1e-30))), scales.count(float(np.float32(1e30)))
    assert low > 3
    assert high > 3


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_points_lie_beside_a_zero(dtype):
    loss = _loss(log(1 + (x / c) ** 2 / 2))
    bend = 2 * (2 - (x / c) ** 2) / (2 + (x / c) ** 2) ** 2 / c**2
    sample = whole_range(loss, 400, dtype=dtype)
    more = with_edges(sample, [bend], loss.variables)
    off = np.concatenate([np.abs(g.x / g.parameters[0]) / np.sqrt(2) - 1 for g in more.groups])
    for side in (off, -off):
        assert np.count_nonzero((side > 1e-6) & (side < 1e-4)) > 2
        assert np.count_nonzero((side > 1e-2) & (side < 0.2)) > 2


def test_what_occurs_twice_is_taken_once_beside_a_half():
    loss = _loss(1 - exp(-((x / c) ** 2)))
    form = ordered(loss, x * exp(-((x / c) ** 2)) / c**2, Ranges.of(loss), SQUARED)
    at = {"x": np.array([27.2e-29]), "c": np.array([1e-29])}
    got = float(evaluate(form, at)[0])
    size, scale = mp.mpf(27.2e-29), mp.mpf(1e-29)
    want = size * mp.exp(-((size / scale) ** 2)) / scale**2
    assert got == pytest.approx(float(want), rel=1e-11)


def test_a_power_in_quarters_where_its_half_is_below_the_range():
    loss = _loss(1 - exp(-((x / c) ** 2)))
    weight = exp(-((x / c) ** 2)) / c**2
    at = {"x": np.float32([14.2e-29]), "c": np.float32([1e-29])}
    size, scale = (mp.mpf(float(v[0])) for v in at.values())
    want = float(mp.exp(-((size / scale) ** 2)) / scale**2)
    halves, quarters = (
        float(evaluate(ordered(loss, weight, Ranges.of(loss), way), at, np.float32)[0])
        for way in (HALVES, QUARTERS)
    )
    assert quarters == pytest.approx(want, rel=1e-4, abs=0)
    assert halves != pytest.approx(want, rel=1e-4, abs=0)


def test_an_order_without_the_points_where_a_leading_term_will_do():
    y = x / c
    loss = _loss(y**2 / (y**2 + 4))
    slope = 32 * y * (y**2 - 4) / (c**2 * (y**2 + 4) ** 3)
    form = ordered(loss, slope, Ranges.of(loss, [slope]).near(loss, y), WHOLE)
    at = {"x": np.float32([1.33e-10 * 1.2e-24]), "c": np.float32([1.2e-24])}
    size, scale = (mp.mpf(float(v[0])) for v in at.values())
    got = float(evaluate(form, at, np.float32)[0])
    assert got == pytest.approx(float(-2 * size / scale**3), rel=1e-6, abs=0)


@pytest.mark.parametrize("power", [2, 3, 4, 5])
def test_a_power_of_a_sum_written_out(power):
    y = Symbol("y", real=True)
    whole = y / (4 + y**2) ** power
    out = squared_out(whole)
    assert out != whole
    assert simplify(out - whole) == 0
    assert out.has(16 + y**2 * (8 + y**2))


def test_a_product_of_two_products():
    loss = _loss(sqrt(1 + (x / c) ** 2))
    form = ordered(loss, 1 / (c**2 * (1 + x**2) * sqrt(1 + x**2)), Ranges.of(loss), PAIRED)
    for at, want in (((1e100, 1e-25), 1e-250), ((3e3, 1e-24), 1 / 2.7e10 * 1e48)):
        got = float(evaluate(form, {"x": np.array([at[0]]), "c": np.array([at[1]])})[0])
        assert got == pytest.approx(want, rel=1e-6)


RATES = {
    "0 p": [(False, 0), (True, 0)],
    "0 p-1 p p": [(False, 0), (True, -1), (True, 0), (True, 0)],
}


@pytest.mark.parametrize("rates", RATES, ids=str)
@pytest.mark.parametrize(
    ("f", "y", "b", "p"),
    [(1e-5, 3e153, 1e-5, 1.0), (1e-3, 38.2, 31780.0, 15890.0), (0.5, 1.7e308, 1.0, 0.5),
     (1.0, 0.7, 2.0, -1.3), (2e-16, 1.2e150, 4e-16, 1.0)],
)  # fmt: skip
def test_a_power_beyond_the_range_with_what_brings_it_back(f, y, b, p, rates):
    helper = pattern_helper("square_difference", [(m, Fraction(n)) for m, n in RATES[rates]])
    values = {"f": f, "y": y, "b": b, "p": p}
    columns = {name: np.array([v]) for name, v in values.items()}
    got = float(evaluate(helper(*map(Name, helper.parameters)), columns)[0])
    with mp.workdps(60):
        want = float(helper.exact(*map(mp.mpf, values.values())))
        kappa = float(2 * p + abs(p) * mp.log1p(mp.mpf(y) ** 2 / b))
    assert math.isfinite(want) is math.isfinite(got)
    assert got == pytest.approx(want, rel=(16 + 4 * kappa) * 2.0**-53)


def test_a_power_with_a_tiny_exponent_grows_far_out():
    exact = Exact((1 + x**2) ** a, (x, a))
    endless = arb(math.inf)
    assert limit(exact, [endless, arb(1e-200)], endless) > 1e300
    assert limit(exact, [endless, arb(-1e-200)], endless) == 0
    assert limit(exact, [endless, arb(0.0)], endless) == 1


@pytest.mark.parametrize("end", [1e-30, 1e30])
def test_edges_are_sought_at_both_ends_of_a_length(end):
    """Steps of a form leave the range at one of them only."""
    loss = _loss(c**2 * (sqrt(1 + (x / c) ** 2) - 1))
    sample = spread(loss, 400, 5, "float32")
    more = with_edges(sample, [loss.expression], loss.variables)
    new = [
        g.x[len(old.x) + 2 :]  # after those farthest out
        for g, old in zip(more.groups, sample.groups, strict=True)
        if math.isclose(g.parameters[0], end, rel_tol=1e-6)
    ]
    assert sum(map(len, new)) > 0


def test_edges_of_a_prediction_reach_to_the_largest_number():
    y = Symbol("y", real=True)
    loss = Loss(
        name="t", title="t", source="t", variables=(x, y), predictions=(x,), target=y,
        loss=(x - y) ** 2 / 2,
    )  # fmt: skip
    sample = whole_range(loss, 400, dtype="float32")
    more = with_edges(sample, [loss.expression], loss.variables, residual=False)
    sizes = (more.columns["x"] - more.columns["y"]) ** 2 / 2
    assert np.any((sizes > 2.0**127) & (sizes < 2.0**128))
