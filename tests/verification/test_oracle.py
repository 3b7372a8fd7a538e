"""The oracle against closed forms that people wrote down, and its policies at special points."""

import math

import mpmath
import pytest
import sympy

from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.verification.backend import Undefined, ZeroDivisor, arb
from derive.verification.condition import kappa
from derive.verification.evaluator import Evaluator
from derive.verification.oracle import Oracle

INF = math.inf


@pytest.fixture(scope="module")
def barron() -> Oracle:
    return Oracle(load("barron"))


def at(x: float, alpha: float, scale: float = 1.25) -> dict[str, float]:
    return {"x": x, "alpha": alpha, "scale": scale}


def reference(function) -> float:
    """A closed form at 6000 bits, rounded."""
    with mpmath.workprec(6000):
        return float(function(mpmath.mpf))


def barron_mp(m, x, alpha, scale):
    u, b = (m(x) / m(scale)) ** 2, abs(m(alpha) - 2)
    return b / m(alpha) * ((1 + u / b) ** (m(alpha) / 2) - 1)


@pytest.mark.parametrize("alpha", [1.0, -2.5, 1e-300, 2 + 2**-51, -(2.0**20), 7.25])
@pytest.mark.parametrize("x", [1e-150, 1e-9, 1.5, -37.0, 1e30])
def test_values_and_derivatives_agree_with_mpmath(barron, x, alpha):
    expected = reference(lambda m: barron_mp(m, x, alpha, 1.25))
    assert barron.value("loss", at(x, alpha)).float64() == expected
    for name, position in (("d_x", 0), ("d_alpha", 1), ("d_scale", 2)):

        def moved(m, position=position):
            point = [m(x), m(alpha), m(1.25)]
            step = abs(point[position]) * mpmath.mpf(2) ** -1000
            low, high = list(point), list(point)
            low[position] -= step
            high[position] += step
            return (barron_mp(m, *high) - barron_mp(m, *low)) / (2 * step)

        with mpmath.workprec(6000):
            slope = float(moved(mpmath.mpf))
        found = barron.value(name, at(x, alpha))
        assert found.rigorous
        assert found.float64() == pytest.approx(slope, rel=1e-15, abs=5e-324), name


def test_alpha_zero_is_rigorous_and_has_the_known_derivative(barron):
    def u(m):
        return (m(1.5) / m(1.25)) ** 2

    loss = barron.value("loss", at(1.5, 0.0))
    assert loss.rigorous
    assert loss.float64() == reference(lambda m: mpmath.log1p(u(m) / 2))

    def slope(m):
        L = mpmath.log1p(u(m) / 2)
        return L**2 / 4 - L / 2 + u(m) / (2 * (u(m) + 2))

    found = barron.value("d_alpha", at(1.5, 0.0))
    assert found.rigorous
    assert found.float64() == reference(slope)
    near = barron.value("d_alpha", at(1.5, 5e-324)).float64()
    assert near == found.float64()


def test_limits_at_two_and_infinity(barron):
    assert barron.value("loss", at(1.5, 2.0)).float64() == 0.72
    for alpha, sign in ((INF, 1), (-INF, -1)):
        limit = reference(lambda m, s=sign: s * mpmath.expm1(s * m("0.72")))
        assert barron.value("loss", at(1.5, alpha)).float64() == limit
    assert not barron.value("loss", at(1.5, -INF)).rigorous
    assert barron.value("d_alpha", at(1.5, 2.0)).infinite == 1
    assert barron.value("d_alpha", at(1e-200, 2.0)).infinite == 1
    assert barron.value("d_alpha", at(0.0, 2.0)).is_zero
    assert barron.value("d2_alpha_scale", at(1.5, 2.0)).infinite == -1
    assert not barron.value("d2_alpha", at(1.5, 2.0)).defined
    for name in ("d_alpha", "d2_x_alpha", "d2_alpha", "d2_alpha_scale"):
        assert barron.value(name, at(1.5, INF)).is_zero
        assert barron.value(name, at(1e200, -INF)).is_zero


def test_infinite_residual_gives_the_limit(barron):
    assert barron.value("loss", at(INF, -2.0)).float64() == 2.0
    assert barron.value("loss", at(INF, 0.0)).float64() == INF
    assert barron.value("d_x", at(-INF, 1.0)).float64() == -0.8
    assert barron.value("weight", at(INF, 2.0)).float64() == 0.64
    assert barron.value("weight", at(INF, 1.0)).is_zero
    assert barron.value("weight", at(INF, math.nextafter(2.0, 0.0))).is_zero
    assert not barron.value("loss", at(math.nan, 1.0)).defined


def test_zero_is_exact(barron):
    for alpha in (0.0, 1.0, 2.0, INF, -INF, 1e-320, 2 - 2**-52):
        for name in ("loss", "d_x", "d_alpha", "d_scale"):
            assert barron.value(name, at(0.0, alpha)).is_zero, (name, alpha)
        assert barron.value("weight", at(0.0, alpha)).float64() == 0.64


def test_kinks_take_the_middle_and_the_inner_side():
    absolute = Oracle(load("absolute"))
    here = {"x": 0.0, "scale": 4.0}
    assert absolute.value("loss", here).is_zero
    assert absolute.value("d_x", here).is_zero
    assert absolute.value("weight", here).infinite == 1
    assert absolute.value("d2_x", here).is_zero
    assert absolute.value("d2_x_scale", here).is_zero
    huber = Oracle(load("huber"))
    for sign in (1, -1):
        tie = {"x": sign * 1.345, "delta": 1.345}
        assert huber.value("d_x", tie).float64() == sign * 1.345
        assert huber.value("d2_x", tie).float64() == 1.0
        assert huber.value("d_delta", tie).is_zero
        assert huber.value("d2_x_delta", tie).is_zero
    beyond = {"x": math.nextafter(1.345, 2), "delta": 1.345}
    assert huber.value("d2_x", beyond).is_zero


def test_weight_that_needs_a_limit_at_zero():
    x, c = sympy.Symbol("x", real=True), sympy.Symbol("c", positive=True)
    fair = Loss("fair", "Fair", "", (x, c), c**2 * (abs(x) / c - sympy.log(1 + abs(x) / c)))
    oracle = Oracle(fair)
    assert oracle.value("weight", {"x": 0.0, "c": 3.0}).float64() == 1.0
    assert oracle.value("d2_x", {"x": 0.0, "c": 3.0}).float64() == 1.0
    tilted = Loss("tilted", "Tilted", "", (x,), sympy.exp(x) - 1)
    assert not Oracle(tilted).value("weight", {"x": 0.0}).defined


def test_a_power_with_a_tiny_exponent_still_vanishes_at_zero():
    """|x|^p log|x| grows until x is below 2^-(1/p)."""
    x, p = sympy.Symbol("x", real=True), sympy.Symbol("p", positive=True)
    power = Oracle(Loss("power", "", "", (x, p), abs(x) ** p))
    assert power.value("d_p", {"x": 0.0, "p": 2e-30}).is_zero


def test_removable_singularities_of_other_losses():
    x, lam = sympy.Symbol("x", real=True), sympy.Symbol("lam", real=True)
    box_cox = Loss("box_cox", "", "", (x, lam), ((1 + x**2) ** lam - 1) / lam)
    oracle = Oracle(box_cox)
    exact = reference(lambda m: mpmath.log1p(m(9)))
    assert oracle.value("loss", {"x": 3.0, "lam": 0.0}).float64() == exact
    half = reference(lambda m: mpmath.log1p(m(9)) ** 2 / 2)
    found = oracle.value("d_lam", {"x": 3.0, "lam": 0.0})
    assert found.rigorous
    assert found.float64() == half
    logcosh = Oracle(Loss("log_cosh", "", "", (x,), sympy.log(sympy.cosh(x))))
    assert logcosh.value("loss", {"x": 1e-160}).float64() == 5e-321
    assert logcosh.value("d2_x", {"x": 400.0}).float64() == reference(
        lambda m: 1 / mpmath.cosh(m(400)) ** 2
    )


def test_far_out_exponentials_are_in_reach():
    x, c = sympy.Symbol("x", real=True), sympy.Symbol("c", positive=True)
    smooth = Oracle(Loss("s", "", "", (x, c), c * sympy.log(1 + sympy.exp(x / c))))
    logcosh = Oracle(Loss("l", "", "", (x, c), c**2 * sympy.log(sympy.cosh(x / c))))
    for far in (1e300, math.inf):
        assert smooth.value("d_c", {"x": far, "c": 1.0}).float64() == 0.0
        assert smooth.value("d_x", {"x": far, "c": 1.0}).float64() == 1.0
        assert logcosh.value("d2_x", {"x": far, "c": 1.0}).float64() == 0.0
        assert logcosh.value("d2_c", {"x": far, "c": 1.0}).float64() == -2 * math.log(2)


def test_a_limit_that_no_variable_has_is_no_endless_search():
    x, b = sympy.Symbol("x", real=True), sympy.Symbol("b", positive=True)
    power = Oracle(Loss("p", "", "", (x, b), sympy.Abs(x) ** b))
    power.value("d2_b", {"x": 0.0, "b": 1e-3})


def test_functions_of_the_formula_language():
    x = sympy.Symbol("x", real=True)
    point = {"x": 0.375}
    for function in (
        *(sympy.sin, sympy.cos, sympy.tan, sympy.asin, sympy.acos, sympy.atan),
        *(sympy.sinh, sympy.cosh, sympy.tanh, sympy.erf, sympy.erfc, sympy.gamma),
        *(sympy.loggamma, sympy.exp, sympy.log, sympy.sqrt, sympy.asinh),
    ):
        oracle = Oracle(Loss("f", "", "", (x,), function(x)))
        for name, order in (("loss", 0), ("d_x", 1), ("d2_x", 2)):
            exact = sympy.diff(function(x), x, order).subs(x, sympy.Rational(3, 8)).evalf(40)
            found = oracle.value(name, point).float64()
            assert found == pytest.approx(float(exact), rel=1e-15), (function, name)


def test_kappa_is_the_condition(barron):
    welsch = Oracle(load("welsch"))
    x, scale = 5.0, 1.25
    u = (x / scale) ** 2
    found = kappa(welsch, "d_x", {"x": x, "scale": scale}, "float64")
    assert found == pytest.approx(abs(1 - u) + abs(u - 2), rel=1e-6)
    assert kappa(barron, "loss", at(1e-9, 1.0), "float64") == pytest.approx(4.0, rel=1e-6)
    assert kappa(barron, "loss", at(0.0, 1.0), "float64") == 0.0
    assert kappa(barron, "d_alpha", at(1.0, 2.0), "float64") == 0.0  # an infinity


def test_all_quantities_at_once_are_those_asked_for_one_by_one(barron):
    for x, alpha in ((0.3, 1.2), (1e200, -3.0), (0.0, 0.5), (2.0, 2.0), (1.5, INF), (INF, 0.7)):
        point = [arb(v) for v in (x, alpha, 1.25)]
        together = barron.everything(point)
        assert set(together) == set(barron.quantities)
        for name, found in together.items():
            alone = Oracle(barron.loss).enclose(barron.wanted(name), point, 64, -1200)
            assert found.defined == alone.defined
            assert found.infinite == alone.infinite
            assert found.float64() == pytest.approx(alone.float64(), rel=1e-15, nan_ok=True)


def test_rounding_to_narrow_types(barron):
    third = Oracle(load("quadratic")).value("d_x", {"x": 1.0, "scale": math.sqrt(3.0)})
    import numpy as np

    assert third.float32() == float(np.float32(third.float64()))
    assert third.rounded("float16") == float(np.float16(third.float64()))
    assert barron.value("loss", at(1e30, 2.0)).rounded("float32") == INF
    assert barron.value("loss", at(1e-22, 2.0)).rounded("float32") == float(
        np.float32(barron.value("loss", at(1e-22, 2.0)).float64())
    )


def test_errors_are_measured_finely(barron):
    value = barron.value("loss", at(1.5, 1.0))
    right = value.float64()
    assert value.ulps(right) <= 0.5
    above = value.ulps(math.nextafter(right, INF))
    below = value.ulps(math.nextafter(right, -INF))
    assert above + below == pytest.approx(2.0)
    assert value.ulps(math.nan) == INF
    assert value.ulps(INF) == INF


def test_unknown_names_are_refused(barron):
    with pytest.raises(BadInput, match="d_y"):
        barron.value("d_y", at(1.0, 1.0))
    with pytest.raises(BadInput, match="alpha"):
        barron.value("loss", {"x": 1.0})


def test_a_slope_that_cancels_to_0_does_not_ask_for_bits_without_end():
    """The second derivative of Welsch's loss is 0 at x = scale, as a difference of two terms."""
    oracle = Oracle(load("welsch"))
    point = {"x": 0.75, "scale": 0.75}
    assert kappa(oracle, "d_x", point, "float64") == pytest.approx(1.0)
    assert max(oracle._precision._enough.values()) < 1000


@pytest.mark.parametrize(("formula", "x", "expected"), [
    (sympy.log(1 + sympy.Symbol("x")), 2.0**-900, 2.0**-900),
    (3 - 3 * sympy.exp(sympy.Symbol("x")), 2.0**-900, -3 * 2.0**-900),
    ((1 + sympy.Symbol("x")) ** sympy.pi - 1, 2.0**-900, math.pi * 2.0**-900),
    ((1 + sympy.Symbol("x")) ** sympy.pi - 1, -1.0, -1.0),
])  # fmt: skip
def test_a_one_that_is_taken_away_costs_no_bits(formula, x, expected):
    variable = sympy.Symbol("x", real=True)
    formula = formula.subs(sympy.Symbol("x"), variable)
    oracle = Oracle(Loss(name="some", loss=formula, variables=(variable,), title="", source=""))
    assert oracle.value("loss", {"x": x}).float64() == expected
    assert max(oracle._precision._enough.values(), default=0) <= 128


def test_a_divisor_of_variables_that_stand_nowhere_above_is_not_cancelled():
    """p/q at 0/0 has no value, however many orders: no larger series is made for it."""
    q, p, z = sympy.symbols("q p z", real=True)
    evaluator = Evaluator(p / q, (q, p), (2, 2), (3, 0))
    with pytest.raises(Undefined) as raised:
        evaluator([arb(0), arb(0)])
    assert not isinstance(raised.value, ZeroDivisor)
    jet = Evaluator(sympy.sin(z) / z, (z,), (3,), (1,))([arb(0)])
    assert jet[0].contains(1) and jet[2].overlaps(arb(-1) / 6)
