"""Samples: the same everywhere, inside the domain, and in the corners."""

import math

import numpy as np
import pytest
import sympy

from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.definitions.samples import draw, spread
from derive.errors import BadInput
from derive.verification.edges import edges
from derive.verification.oracle import Oracle
from derive.verification.special import shown_parameters, shown_residuals, special_sample


def test_a_sample_is_the_same_each_time():
    first, second = (draw(load("barron"), "whole", "float64", 500) for _ in range(2))
    for name, column in first.columns.items():
        assert np.array_equal(column, second.columns[name])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", ["everyday", "whole"])
def test_values_are_representable_and_in_the_domain(name, dtype):
    columns = draw(load("barron"), name, dtype, 2000).columns
    assert np.all(columns["scale"] > 0)
    assert not any(np.isnan(c).any() for c in columns.values())
    assert np.all(np.isfinite(columns["x"]))
    narrow = {"bfloat16": "float32"}.get(dtype, dtype)
    for column in columns.values():
        assert np.array_equal(column.astype(narrow).astype(float), column)


def test_special_points_are_met_and_approached():
    columns = draw(load("barron"), "whole", "float64", 8000).columns
    alpha = columns["alpha"]
    for special in (0.0, 2.0, math.inf, -math.inf):
        assert np.any(alpha == special)
    finite = alpha[np.isfinite(alpha)]
    near_two = np.abs(finite[finite != 2] - 2)
    assert near_two.min() <= 2**-50
    near_zero = np.abs(finite[finite != 0])
    assert near_zero.min() < 1e-300
    assert np.abs(finite).max() > 1e4
    ratio = np.abs(columns["x"] / columns["scale"])
    assert ratio[ratio > 0].min() < 1e-290
    assert ratio.max() > 1e290


def test_everyday_stays_in_its_ranges_apart_from_ties():
    columns = draw(load("barron"), "everyday", "float64", 4000).columns
    finite = columns["alpha"][np.isfinite(columns["alpha"])]
    assert np.abs(finite).max() <= 20.0
    ratio = np.abs(columns["x"] / columns["scale"])
    assert ratio[ratio > 0].min() >= 0.9e-12


def test_ties_of_regimes_are_hit_exactly():
    columns = draw(load("huber"), "everyday", "float64", 2000).columns
    steps = np.abs(np.abs(columns["x"]) / columns["delta"] - 1)
    assert np.any(steps == 0)
    assert np.any((steps > 0) & (steps < 1e-14))


def test_a_bounded_parameter_stays_inside():
    x, q = sympy.Symbol("x", real=True), sympy.Symbol("q", real=True)
    loss = Loss(
        *("tilted", "", "", (x, q), q * x**2),
        special={q: (sympy.S(0), sympy.S(1))},
        defaults={q: 0.5},
        domains={q: sympy.Interval.open(0, 1)},
    )
    column = draw(loss, "whole", "float64", 4000).columns["q"]
    generic = column[(column != 0) & (column != 1)]
    assert generic.min() > 0
    assert generic.max() < 1
    assert np.any(generic > 1 - 1e-14)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_only_lengths_are_moved_to_the_ends_of_what_is_promised(dtype):
    columns = spread(load("quantile_huber"), 800, 4, dtype).columns
    assert np.all((columns["tau"] > 0) & (columns["tau"] < 1))
    assert {np.float32(1e-30), np.float32(1e30)} <= set(columns["kappa"].astype(np.float32))


def test_edges_are_where_the_result_leaves_the_range():
    oracle = Oracle(load("barron"))
    found = edges(oracle, "float64")({"alpha": math.inf, "scale": 2.0})
    point = {"alpha": math.inf, "scale": 2.0}
    top = max(found)
    assert top / 2 == pytest.approx(math.sqrt(2 * 1023 * math.log(2)), rel=1e-2)
    assert any(
        oracle.value("loss", {"x": x, **point}).float64()
        > 2.0**1022
        >= oracle.value("loss", {"x": math.nextafter(x, 0), **point}).float64()
        for x in found
    )


def test_special_values():
    sample = special_sample(load("barron"), "float64")
    x = sample.columns["x"]
    assert np.isnan(x).any()
    assert np.isinf(x).any()
    assert 5e-324 in x


def test_the_published_special_values_are_the_points_and_their_neighbours():
    assert shown_residuals() == (0.0, 5e-324, 1.0, math.ldexp(2 - 2.0**-52, 1023), math.inf)
    shown = shown_parameters(load("barron"))
    assert {a for a, _ in shown} == {
        *(-math.inf, -5e-324, 0.0, 5e-324, 1.0, math.inf),
        *(2 - 2.0**-52, 2.0, 2 + 2.0**-51),
    }
    assert {scale for _, scale in shown} == {0.75}
    assert shown_parameters(load("huber")) == ((0.75,),)


def test_unknown_samples_are_refused():
    with pytest.raises(BadInput, match="everyday"):
        draw(load("huber"), "some", "float64", 10)


def test_the_ends_of_a_closed_domain_are_special():
    t = sympy.Symbol("t", real=True)
    x = sympy.Symbol("x", real=True)
    loss = Loss(
        "b", "b", "b", (x, t), t * abs(x) + (1 - t) * x**2, domains={t: sympy.Interval(0, 1)},
        defaults={t: 0.5},
    )  # fmt: skip
    assert {g.parameters for g in special_sample(loss, "float64").groups} >= {(0.0,), (1.0,)}
