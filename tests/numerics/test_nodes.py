"""Nodes keep the order in which they were written; what they fold is exact."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from high_precision import MEANING, meaning
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

from derive.numerics.evaluate import evaluate
from derive.numerics.lower import CannotLower, condition, lower
from derive.numerics.nodes import (
    OPERATIONS,
    Call,
    Local,
    Name,
    Number,
    call,
    node,
    polynomial,
    walk,
    where,
)

a, b, c = Name("a"), Name("b"), Name("c")
ONE, ZERO = Number(Fraction(1)), Number(Fraction(0))
fractions = st.fractions(max_denominator=10**6)


@given(fractions, fractions)
def test_constants_are_folded_exactly(p, q):
    assert node(p) + q == Number(p + q)
    assert node(p) - q == Number(p - q)
    assert node(p) * q == Number(p * q)
    assert -node(p) == Number(-p)
    if q:
        assert node(p) / q == Number(p / q)


@pytest.mark.parametrize(("top", "value"), [(1, math.inf), (-1, -math.inf)])
def test_division_by_zero_follows_ieee(top, value):
    assert node(top) / 0 == Number(value)
    assert math.isnan((node(0) / 0).value)
    assert node(math.inf) * 2 == Number(math.inf)


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (a * 1, a), (1 * a, a), (a / 1, a), (a + 0, a), (0 + a, a), (a - 0, a),
        (call("neg", -a), a),
        (-1 * a, Call("neg", (a,))),
    ],
)  # fmt: skip
def test_neutral_elements_go(built, expected):
    assert built == expected


@pytest.mark.parametrize("built", [a * 0, 0 * a, a - a, a / a, 0 - a, 0 / a, a * -0.0])
def test_what_nan_inf_or_signed_zero_would_change_stays(built):
    assert isinstance(built, Call)


@given(st.floats())
def test_neutral_elements_are_exact_for_every_float(value):
    for built in (a * 1, 1 * a, a / 1, a - 0, call("neg", -a)):
        np.testing.assert_array_equal(evaluate(built, {"a": np.float64(value)}), value)


def test_the_order_of_operations_is_kept():
    assert a + b + c == Call("add", (Call("add", (a, b)), c))
    assert a + (b + c) == Call("add", (a, Call("add", (b, c))))
    assert (a + b + c) != (a + (b + c))
    values = {"a": np.float64(1e16), "b": np.float64(-1e16), "c": np.float64(1.0)}
    assert evaluate(a + b + c, values) == 1.0
    assert evaluate(a + (b + c), values) == 0.0


def test_comparisons_are_nodes():
    assert (a > b) == Call("lt", (b, a))
    assert (a >= b) == Call("le", (b, a))
    assert where(a < 2, a, b).op == "where"


@pytest.mark.parametrize("bad", [True, "a", None, 1j, [1]])
def test_only_numbers_are_numbers(bad):
    with pytest.raises(TypeError):
        node(bad)


def test_the_vocabulary_is_closed():
    with pytest.raises(KeyError):
        call("eval", a)
    with pytest.raises(TypeError, match="2 arguments"):
        call("add", a)
    # every operation has a meaning in the tests and in float64; those along an axis have theirs
    # in the checks of losses over classes
    along = {
        "total", "largest", "share", "rest", "others", "beside", "level", "centred", "apart",
        "entry", "put", "put_into", "over", "hit", "count",
    }  # fmt: skip
    assert set(OPERATIONS) - along - {"where", "patch", "log_z", "far_limit"} <= set(MEANING)


def test_walk_gives_operands_first_and_each_once():
    shared = Local("s", a * b)
    whole = shared + shared * c
    found = list(walk(whole))
    assert len({id(n) for n in found}) == len(found)
    place = {id(n): i for i, n in enumerate(found)}
    for n in found:
        for child in getattr(n, "args", ()):
            assert place[id(child)] < place[id(n)]
    assert found[-1] is whole


def test_a_deep_expression_does_not_overflow_the_stack():
    deep = a
    for _ in range(20_000):
        deep = Call("add", (deep, ONE))
    assert sum(1 for _ in walk(deep)) == 20_002


def test_polynomials():
    p = polynomial(a, (1, Fraction(1, 3), 2.5))
    assert evaluate(p, {"a": np.float64(2.0)}) == 1 + 2 / 3 + 10
    with mp.workdps(40):
        assert meaning(p, {"a": 2}) == 1 + mp.mpf(2) / 3 + 10


def test_fractions_are_rounded_once():
    third = evaluate(node(Fraction(1, 3)), {})
    assert third == 1 / 3
    assert evaluate(node(Fraction(1, 3)), {}, np.float32) == np.float32(1) / np.float32(3)
    assert evaluate(node(Fraction(10**400, 10**400 + 1)), {}) == 1.0


x, p = sympy.Symbol("x", real=True), sympy.Symbol("p", positive=True)
LOWERED = [
    x**2, x**3, x**4, x**7, 1 / x, x**-2, x**sympy.Rational(1, 2), x / p, x**2 / p**3 - 2 * p,
    -x, -x - 1, x - p, p - x, 3 * x / 7, -sympy.Rational(2, 3) * x, sympy.exp(-x) / p,
    sympy.sqrt(1 + x**2), 1 / sympy.sqrt(1 + x**2), (1 + x**2) ** sympy.Rational(3, 2),
    (1 + x**2) ** (p / 2 - 1), sympy.pi * x, sympy.E * x, sympy.exp(x) + sympy.log(p),
    sympy.Max(x, p, 1), sympy.Min(x, 0), sympy.Piecewise((x, x < p), (p, x < 2 * p), (x**2, True)),
    sympy.Piecewise((x, sympy.And(x > -p, x < p)), (p, True)), sympy.sign(x) * sympy.Abs(x),
    sympy.sin(x) ** 2 * sympy.cos(x), sympy.erf(x), sympy.gamma(p), sympy.digamma(p),
    sympy.polygamma(1, p), sympy.loggamma(p), sympy.tanh(x), sympy.atan(x / p), sympy.oo * p,
    sympy.Piecewise((x, sympy.Or(x < -p, x > p)), (p, True)),
    sympy.Piecewise((x, sympy.Ne(x, 0)), (p, True)),
]  # fmt: skip


@pytest.mark.parametrize("expression", LOWERED, ids=str)
def test_what_is_lowered_means_the_same(expression):
    from derive.calculus.evaluate import evaluate as exact

    nodes = lower(expression)
    with mp.workdps(40):
        for at in ({x: mp.mpf("0.7"), p: mp.mpf("1.3")}, {x: mp.mpf("2.9"), p: mp.mpf("0.6")}):
            want = exact(expression, at)
            got = meaning(nodes, {s.name: v for s, v in at.items()})
            # irrational constants are floats in a program
            assert got == want or abs(got - want) < mp.mpf(10) ** -15 * abs(want)
            assert float(
                evaluate(nodes, {s.name: float(v) for s, v in at.items()})
            ) == pytest.approx(float(want), rel=1e-14)


def test_sums_begin_with_a_positive_term():
    assert lower(p - x) == Name("p") - Name("x")
    assert lower(-x + p - 2) == (Name("p") - Name("x")) - 2 or lower(-x + p - 2) == (
        Name("p") - 2
    ) - Name("x")


def test_products_alternate_so_that_nothing_overflows():
    big = lower(x**2 / p**2)
    got = evaluate(big, {"x": np.float64(1e200), "p": np.float64(1e200)})
    assert got == 1.0


def test_whole_shifts_of_an_exponent_are_split_off():
    nodes = lower((1 + x) ** (p - 1))
    got = evaluate(nodes, {"x": np.float64(1e10), "p": np.float64(20.0)})
    assert got == pytest.approx((1 + 1e10) ** 19, rel=4e-15)


@pytest.mark.parametrize(
    "foreign", [sympy.besselj(0, x), sympy.zeta(p), sympy.Function("f")(x)], ids=str
)
def test_what_has_no_word_is_refused(foreign):
    with pytest.raises(CannotLower, match="known"):
        lower(foreign)


def test_conditions():
    for relation, value in (
        (x < p, True), (x >= p, False), (sympy.Eq(x, p), False), (sympy.Ne(x, p), True),
        (sympy.true, True), (sympy.false, False), (sympy.Not(x < p), False),
    ):  # fmt: skip
        got = evaluate(condition(relation), {"x": np.float64(0.5), "p": np.float64(1.5)})
        assert bool(got) is value
