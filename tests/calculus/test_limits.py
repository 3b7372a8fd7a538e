"""Limits: barron's against known formulas, and how the room behaves when it cannot know."""

import pytest
from mpmath import mp
from sympy import (
    Abs,
    Eq,
    Interval,
    Piecewise,
    Rational,
    S,
    Symbol,
    exp,
    log,
    nan,
    oo,
    sin,
    sqrt,
    zoo,
)

from derive.calculus.confirm import confirm
from derive.calculus.derivatives import quantities
from derive.calculus.evaluate import evaluate
from derive.calculus.limits import at_point, limits, one_sided
from derive.calculus.samples import generic_points
from derive.calculus.special_points import special_points
from derive.calculus.way import weight_at_zero
from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.definitions.symbols import alpha, scale, x

u = (x / scale) ** 2
L = log(1 + u / 2)
c = Symbol("c", positive=True)
q = Symbol("q", positive=True)
lam = Symbol("lam", real=True)
b = Symbol("b", positive=True)


@pytest.fixture(scope="module")
def barron():
    return load("barron")


@pytest.fixture(scope="module")
def raw(barron):
    return quantities(barron)


def made(loss, *parameters, **more):
    return Loss("made", "made", "here", (x, *parameters), loss, **more)


def equal(loss, found, expected):
    with mp.workdps(60):
        for at in generic_points(loss, 5):
            a, e = evaluate(found, at), evaluate(expected, at)
            if abs(a - e) > mp.mpf(10) ** -50 * (abs(e) + mp.mpf(10) ** -10):
                return False
    return True


BARRON = [
    ("loss", 0, L),
    ("loss", 2, u / 2),
    ("loss", oo, exp(u / 2) - 1),
    ("loss", -oo, 1 - exp(-u / 2)),
    ("d_x", 0, 2 * x / (x**2 + 2 * scale**2)),
    ("d_x", 2, x / scale**2),
    ("d_x", oo, x / scale**2 * exp(u / 2)),
    ("d_x", -oo, x / scale**2 * exp(-u / 2)),
    ("d_alpha", 0, L**2 / 4 - L / 2 + u / (2 * (u + 2))),
    ("d_alpha", oo, S.Zero),
    ("d_alpha", -oo, S.Zero),
    ("d_scale", 0, -2 * x**2 / (scale * (x**2 + 2 * scale**2))),
    ("d_scale", 2, -(x**2) / scale**3),
    ("d2_x", -oo, exp(-u / 2) * (1 - u) / scale**2),
    ("weight", 0, 2 / (x**2 + 2 * scale**2)),
]


@pytest.mark.parametrize(("name", "point", "expected"), BARRON, ids=str)
def test_barron_at_its_special_points(barron, raw, name, point, expected):
    (found,) = at_point(barron, name, raw[name], alpha, S(point))
    assert found.direction == {oo: "-", -oo: "+"}.get(point, "+-")
    assert found.growth is None
    assert equal(barron, found.value, expected)
    assert "1e-24" in found.confirmation


def test_barron_limits_keep_their_digits(barron, raw):
    """1 - exp(-u/2), not (exp(u/2) - 1) exp(-u/2) as SymPy's own limit writes it."""
    (found,) = at_point(barron, "loss", raw["loss"], alpha, -oo)
    assert found.value == 1 - exp(-(x**2) / (2 * scale**2))


def test_the_slope_in_alpha_grows_without_bound_at_two(barron, raw):
    (found,) = at_point(barron, "d_alpha", raw["d_alpha"], alpha, S(2))
    assert (found.direction, found.value) == ("+-", oo)
    gap = Abs(alpha - 2)
    assert equal(barron, found.growth, u / 4 * log(u / gap) - u / 2)


@pytest.mark.parametrize("side", ["+", "-"])
def test_the_value_that_sympy_gives_at_two_is_refused(barron, raw, side):
    points = generic_points(barron, 4)
    assert confirm(raw["d_alpha"], alpha, S(2), side, S.Zero, points) is None


def test_a_limit_that_sympy_gets_wrong():
    loss = made(b ** (b - 1) - 1 / b, b, domains={})
    found = one_sided(loss, "loss", loss.expression, b, S.Zero, "+")
    assert found.value is -oo
    assert found.growth == log(b) or found.growth == log(Abs(b))


REMOVABLE = [
    ("box_cox", made((((x / c) ** 2 + 1) ** lam - 1) / lam, lam, c), lam, 0, log(1 + x**2 / c**2)),
    ("q_gaussian", made(log(1 + (q - 1) * x**2) / (q - 1), q), q, 1, x**2),
    (
        "shifted",
        made((exp((lam - Rational(1, 3)) * x**2) - 1) / (lam - Rational(1, 3)), lam),
        lam,
        Rational(1, 3),
        x**2,
    ),
]


@pytest.mark.parametrize(
    ("loss", "parameter", "point", "expected"),
    [case[1:] for case in REMOVABLE],
    ids=[case[0] for case in REMOVABLE],
)
def test_removable_points_are_found_and_continued(loss, parameter, point, expected):
    assert special_points(loss, parameter) == (point,)
    found = {m.quantity: m for m in limits(loss, quantities(loss))}
    assert equal(loss, found["loss"].value, expected)
    assert all(m.direction == "+-" and m.value is not nan for m in found.values())


def test_a_removable_point_of_the_residual():
    loss = made(1 - sin(x) / x)
    assert special_points(loss, x) == (0,)
    found = {m.quantity: m.value for m in limits(loss, quantities(loss))}
    assert found == {"loss": 0, "d_x": 0, "d2_x": Rational(1, 3), "weight": Rational(1, 3)}


def test_a_declared_point_at_infinity():
    loss = made(c**2 * (Abs(x) / c - log(1 + Abs(x) / c)), c, special={c: (oo,)})
    found = {m.quantity: m.value for m in limits(loss, quantities(loss))}
    assert found["loss"] == x**2 / 2
    assert found["d_c"] == 0


def test_sides_that_differ_stay_apart():
    loss = made(x**2 * Abs(lam) + x**2, lam)
    (above, below) = at_point(loss, "d_lam", quantities(loss)["d_lam"], lam, S.Zero)
    assert (above.direction, above.value) == ("+", x**2)
    assert (below.direction, below.value) == ("-", -(x**2))


def test_where_nothing_is_known_nothing_is_claimed():
    loss = made(x**2 + sin(1 / lam) ** 2 - sin(1 / lam) ** 2 * sqrt(1 + x**2), lam)
    found = one_sided(loss, "d_x", quantities(loss)["d_x"], lam, S.Zero, "+")
    assert found.value is nan
    assert "no limit found" in found.confirmation


WEIGHTS = [
    ("absolute", oo),
    ("quadratic", 1 / scale**2),
    ("barron", 1 / scale**2),
    ("huber", S.One),
]


@pytest.mark.parametrize(("name", "expected"), WEIGHTS, ids=str)
def test_the_weight_at_zero(name, expected):
    loss = load(name)
    assert weight_at_zero(loss, quantities(loss)["weight"]) == expected


def test_a_weight_whose_sides_disagree():
    loss = made(x + log(1 + exp(-x / c)), c)
    assert weight_at_zero(loss, quantities(loss)["weight"]) is zoo


t, p = Symbol("t", real=True), Symbol("p", positive=True)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (made(Abs(x) ** p, p), Piecewise((oo, p < 2), (2, Eq(p, 2)), (0, True))),
        (
            Loss(
                "blend", "b", "b", (x, t), t * Abs(x) + (1 - t) * x**2 / 2,
                domains={t: Interval(0, 1)}, defaults={t: 0.5},
            ),
            Piecewise((1, Eq(t, 0)), (oo, True)),
        ),
        (
            Loss(
                "powers", "p", "p", (x, p), Abs(x) ** p / p,
                domains={p: Interval(1, 2)}, defaults={p: 1.5},
            ),
            Piecewise((1, Eq(p, 2)), (oo, True)),
        ),
    ],
    ids=["exponent", "end", "exponent at an end"],
)  # fmt: skip
def test_a_weight_at_zero_that_depends_on_a_parameter(loss, expected):
    assert weight_at_zero(loss, quantities(loss)["weight"]) == expected
