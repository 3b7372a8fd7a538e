"""Losses at fixed parameter values."""

import pytest
from sympy import Expr, Rational, Symbol, log, oo, simplify

from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.definitions.specialise import NeedsLimit, read_settings, specialise
from derive.definitions.symbols import alpha, delta, scale, x
from derive.errors import BadInput

barron = load("barron")


@pytest.mark.parametrize(("value", "member"), [("1", "charbonnier"), ("-2", "geman_mcclure")])
def test_barron_at_an_ordinary_alpha(value: str, member: str) -> None:
    at = specialise(barron, read_settings(barron, {"alpha": value}))
    assert at.variables == (x, scale)
    assert at.special == {}
    assert [named.name for named in at.where] == ["s"]
    assert simplify(at.expression - load(member).expression) == 0


@pytest.mark.parametrize("value", ["0", "2", "oo", "-oo", "inf", "-inf", "2.0"])
def test_a_special_point_asks_for_its_limit(value: str) -> None:
    with pytest.raises(NeedsLimit, match="is the limit of its formula"):
        specialise(barron, read_settings(barron, {"alpha": value}))


def test_the_limit_is_taken_from_whoever_derived_it() -> None:
    asked = []

    def limit(loss: Loss, parameter: Symbol, value: Expr) -> Expr:
        asked.append((loss.name, parameter, value))
        return log(1 + (x / scale) ** 2 / 2)

    at = specialise(barron, {alpha: Rational(0)}, limit, name="cauchy_again")
    assert asked == [("barron", alpha, 0)]
    assert at.name == "cauchy_again"
    assert at.where == ()
    assert at.expression == load("cauchy").expression


def test_every_parameter_can_be_fixed() -> None:
    at = specialise(barron, read_settings(barron, {"alpha": "1/2", "scale": "0.5"}))
    assert at.variables == (x,)
    assert at.expression == 3 * ((1 + 8 * x**2 / 3) ** Rational(1, 4) - 1)


def test_piecewise() -> None:
    huber = load("huber")
    at = specialise(huber, read_settings(huber, {"delta": "1.345"}))
    assert at.expression.subs(x, 1) == Rational(1, 2)
    assert at.expression == huber.expression.subs(delta, Rational(269, 200))


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"beta": "1"}, r"no parameter 'beta' \(it has: alpha, scale\)"),
        ({"x": "1"}, "no parameter 'x'"),
        ({"scale": "0"}, r"0 is outside of \(0, oo\)"),
        ({"scale": "oo"}, r"oo is outside of \(0, oo\)"),
        ({"alpha": "nan"}, "unknown name 'nan'"),
        ({"alpha": "alpha"}, "unknown name 'alpha'"),
        ({"alpha": ""}, "empty"),
        ({"alpha": "9**9**9"}, "too big"),
    ],
)
def test_settings_that_will_not_do(settings: dict[str, str], rule: str) -> None:
    with pytest.raises(BadInput, match=rule):
        read_settings(barron, settings)


def test_a_point_without_value_asks_for_its_limit_unnamed() -> None:
    shifted = Loss("t", "t", "s", (x, alpha), ((1 + x**2) ** alpha - 1) / alpha)
    with pytest.raises(NeedsLimit):
        specialise(shifted, {alpha: Rational(0)})
    with pytest.raises(NeedsLimit):
        specialise(shifted, {alpha: oo})


def test_a_product_that_hides_a_pole_asks_for_its_limit() -> None:
    hidden = Loss("t", "t", "s", (x, alpha), alpha * ((1 + x**2) ** (1 / alpha) - 1))
    with pytest.raises(NeedsLimit):
        specialise(hidden, {alpha: Rational(0)})
