"""Powers of |x|/d and of x^2 + d^2 whose exponent varies, written as one factor."""

from __future__ import annotations

import numpy as np
import pytest
from losses import own
from sympy import Abs, Symbol

from derive.calculus.way import derive
from derive.definitions.find import find
from derive.definitions.samples import spread
from derive.definitions.symbols import x
from derive.numerics.atoms import spelled_out
from derive.numerics.distances import by_distance
from derive.numerics.errors import ErrorModel, samples
from derive.numerics.evaluate import evaluate
from derive.numerics.measure import target
from derive.numerics.stabilise import _Search, form_of

p, c, d = (Symbol(n, positive=True) for n in "pcd")
NAMES = ("size", "h")


def _value(expression, at):
    while names := [v for v in expression.free_symbols if hasattr(v, "definition")]:
        expression = expression.subs({v: v.definition for v in names})
    return complex(spelled_out(expression).subs(at).evalf(40))


@pytest.mark.parametrize("name", ["generalized_normal", "generalized_charbonnier"])
def test_every_quantity_is_what_it_was(name):
    derivation = derive(find(own(name)))
    a, b = derivation.loss.parameters
    for quantity, expression in derivation.quantities.items():
        ways = by_distance(expression, derivation.loss.residual, NAMES)
        assert ways, quantity
        for at in ({x: 0.7, a: 0.3, b: 1.9}, {x: -2.5, a: 0.8, b: 0.01}):
            for way in ways:
                assert _value(way, at) == pytest.approx(_value(expression, at), rel=1e-13)


@pytest.mark.parametrize(
    "other",
    [
        Abs(x) / c,
        (Abs(x) / c) ** 3,  # no exponent varies
        (Abs(x) / c) ** p + (Abs(x) / d) ** p,  # two bases
        (Abs(x) / c) ** p + (Abs(x) / c) ** (2 * p),  # two exponents
        (x**2 + x + c**2) ** p,  # no sum of two squares
    ],
)
def test_what_has_no_such_power_is_left(other):
    assert by_distance(other, x, NAMES) == []


def test_a_power_beyond_the_range_of_its_ratio():
    """x/a is 1e320, its power b a plain number."""
    found = form_of(derive(find(own("generalized_normal"))), "loss")
    at = {"x": np.float64(1e300), "beta": np.float64(0.1), "scale": np.float64(1e-20)}
    got = evaluate(found, at)
    assert got == pytest.approx(1e32, rel=1e-13)


def test_the_weight_at_zero_beside_a_scale_whose_square_leaves_the_range():
    found = form_of(derive(find(own("generalized_normal"))), "weight")
    at = {"x": np.float32(0), "scale": np.float32(1e30)}
    values = [evaluate(found, {**at, "beta": np.float32(v)}, np.float32) for v in (0.5, 3)]
    assert list(map(float, values)) == [np.inf, 0.0]


def test_a_bounded_parameter_is_no_length():
    """At the corners of the range it stays inside its domain."""
    loss = find(own("generalized_charbonnier"))
    found = spread(loss, 400, 8, "float64").columns
    assert np.all((found["a"] > 0) & (found["a"] <= 1))
    assert {1e-30, 1e30} <= set(found["eps"])


def test_what_is_infinite_far_out_is_not_chosen_for_its_zeros():
    """Points beside a zero are sought in rounds; the usual points count in each of them."""
    derivation = derive(find(own("generalized_charbonnier")))
    search = _Search(derivation)
    points = samples(derivation.loss, apart=not search.units)
    form, *_ = search.proven(ErrorModel(target(derivation, "d2_x_a"), points), {})
    at = {"x": -7.885e249, "eps": 0.001, "a": 0.45}
    got = evaluate(form, {name: np.float64(v) for name, v in at.items()})
    assert got == pytest.approx(-1.0629e-22, rel=1e-3)
