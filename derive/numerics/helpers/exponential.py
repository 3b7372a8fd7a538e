"""exp(z) without its first terms, divided by powers of z."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import factorial, inf
from typing import Any

from mpmath import mp

from derive.numerics.helpers.helper import FAR, Helper, bounded, define, exp
from derive.numerics.nodes import Local, Name, Node, absolute, call, patch, polynomial, where

_z = Name("z")
_far = Local("far", bounded(_z))

exprel = define(
    Helper(
        "exprel",
        ("z",),
        "(exp(z) - 1)/z, and 1 at z = 0.",
        where(call("eq", _z, 0), 1, call("expm1", _z) / call("min", _z, FAR)),
        lambda z: mp.expm1(z) / z if z else mp.mpf(1),
    )
)


def _exprel_near(order: int, terms: int) -> Node:
    """E_n(z), the integral of s^n exp(s z) over [0, 1], by series whose terms are all positive:
    in z for z > 0, and exp(z) times one in -z for z < 0 (Kummer's reflection)."""
    up = tuple(Fraction(1, factorial(k) * (k + order + 1)) for k in range(terms))
    down = tuple(Fraction(factorial(order), factorial(k + order + 1)) for k in range(terms))
    return where(_z < 0, exp(_z) * polynomial(absolute(_z), down), polynomial(absolute(_z), up))


def exprel_exact(order: int) -> Callable[[Any], Any]:
    def value(z: Any) -> Any:
        return mp.hyp1f1(order + 1, order + 2, z) / (order + 1)

    return value


exprel1 = define(
    Helper(
        "exprel1",
        ("z",),
        "The integral of s exp(s z) over s in [0, 1]: the derivative of exprel.",
        where(absolute(_z) < 2, _exprel_near(1, 22), (exp(_z) * (_far - 1) + 1) / _far / _far),
        exprel_exact(1),
    )
)
exprel2 = define(
    Helper(
        "exprel2",
        ("z",),
        "The integral of s^2 exp(s z) over s in [0, 1]: the derivative of exprel1.",
        where(
            absolute(_z) < 3,
            _exprel_near(2, 26),
            (exp(_z) * ((_far - 2) * _far + 2) - 2) / _far / _far / _far,
        ),
        exprel_exact(2),
    )
)
expm1_minus = define(
    Helper(
        "expm1_minus",
        ("z",),
        "exp(z) - 1 - z, without cancellation at small z.",
        where(
            absolute(_z) < 1,
            _z * _z * polynomial(_z, tuple(Fraction(1, factorial(k + 2)) for k in range(17))),
            patch(call("eq", _z, inf), inf, call("expm1", _z) - _z),
        ),
        lambda z: mp.expm1(z) - z,
    )
)


def _triangle(order: int, closed: Node) -> Node:
    """The integral of s^order (1 - s) exp(s z): positive series in |z|, reflected for z < 0."""
    up = tuple(Fraction(1, factorial(k) * (k + order + 1) * (k + order + 2)) for k in range(26))
    # The integral of (1 - s)^order s exp(s |z|), times exp(z).
    down = tuple(
        Fraction(factorial(order) * factorial(k + 1), factorial(k) * factorial(k + order + 2))
        for k in range(26)
    )
    size = absolute(_z)
    near = where(_z < 0, exp(_z) * polynomial(size, down), polynomial(size, up))
    return where(size < 3, near, closed)


rel2 = define(
    Helper(
        "rel2",
        ("z",),
        "(exp(z) - 1 - z)/z^2, and 1/2 at z = 0.",
        _triangle(0, (call("expm1", _z) - _far) / _far / _far),
        lambda z: exprel_exact(0)(z) - exprel_exact(1)(z),
    )
)
rel2_slope = define(
    Helper(
        "rel2_slope",
        ("z",),
        "The derivative of rel2.",
        _triangle(1, (exp(_z) * (_far - 2) + _far + 2) / _far / _far / _far),
        lambda z: exprel_exact(1)(z) - exprel_exact(2)(z),
    )
)
rel2_bend = define(
    Helper(
        "rel2_bend",
        ("z",),
        "The second derivative of rel2.",
        _triangle(
            2, (exp(_z) * ((_far - 4) * _far + 6) - 2 * _far - 6) / _far / _far / _far / _far
        ),
        lambda z: exprel_exact(2)(z) - exprel_exact(3)(z),
    )
)
