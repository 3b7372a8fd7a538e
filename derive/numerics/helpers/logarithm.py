"""log(1 + z) without its first terms, divided by powers of z."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import inf
from typing import Any

from mpmath import mp

from derive.numerics.chebyshev import interpolant
from derive.numerics.helpers.helper import Helper, define
from derive.numerics.nodes import Local, Name, Node, call, patch, polynomial, where

_z, _t = Name("z"), Name("t")
_TERMS = 17
_MODERATE = call("and", Fraction(-1, 2) < _z, _z < 1)


def _endless(value: object, usual: Node, z: Node = _z) -> Node:
    return patch(call("eq", z, inf), value, usual)


def _atanh_tail(w: Node) -> Node:
    """atanh(w)/w^3 - 1/w^2 = 1/3 + w^2/5 + w^4/7 + …"""
    return polynomial(w * w, tuple(Fraction(1, 2 * k + 3) for k in range(_TERMS)))


# log(1 + z) = 2 atanh(w); in w, whatever log(1 + z) begins with cancels exactly.
_w = Local("w", _z / (2 + _z))


def _panel(exact: Callable[[Any], Any], high: int, far: Node) -> Node:
    """Between 1 and `high`, where some digits still cancel, a polynomial around the middle."""
    middle = Fraction(1 + high, 2)
    with mp.workdps(50):
        found = interpolant(exact, 1, high, mp.mpf(middle.numerator) / middle.denominator)
    assert found is not None
    return where(_z < 1, far, where(_z < high, polynomial(_z - middle, found), far))


def _exact1(z: Any) -> Any:
    return (mp.log1p(z) - z / (1 + z)) / z**2 if z else mp.mpf(1) / 2


def _exact2(z: Any) -> Any:
    if not z:
        return mp.mpf(1) / 3
    return (mp.log1p(z) - z * (2 + 3 * z) / (2 * (1 + z) ** 2)) / z**3


log1prel = define(
    Helper(
        "log1prel",
        ("z",),
        "log(1 + z)/z, and 1 at z = 0.",
        where(call("eq", _z, 0), 1, _endless(0, call("log1p", _z) / _z)),
        lambda z: mp.log1p(z) / z if z else mp.mpf(1),
    )
)


def _log1prel1() -> Node:
    near = (1 - _w) * (1 - _w) / 2 * (1 / (1 + _w) + _w * _atanh_tail(_w))
    far = _endless(0, (call("log1p", _z) / _z - 1 / (1 + _z)) / _z)
    return where(_MODERATE, near, _panel(_exact1, 4, far))


log1prel1 = define(
    Helper(
        "log1prel1",
        ("z",),
        "(log(1 + z) - z/(1 + z))/z^2: minus the derivative of log1prel.",
        _log1prel1,
        _exact1,
    )
)


def _log1prel2() -> Node:
    near = (1 - _w) * (1 - _w) * (1 - _w) / 4 * (1 / (1 + _w) / (1 + _w) + _atanh_tail(_w))
    rest = call("log1p", _z) - _z / (1 + _z) * ((2 + 3 * _z) / (1 + _z)) / 2
    return where(_MODERATE, near, _panel(_exact2, 4, _endless(0, rest / _z / _z / _z)))


log1prel2 = define(
    Helper(
        "log1prel2",
        ("z",),
        "The integral of s^2/(1 + s z)^3 over s in [0, 1]: minus half the derivative of log1prel1.",
        _log1prel2,
        _exact2,
    )
)


def _log1p_minus() -> Node:
    near = -_z * _z * ((1 - _w) / 2 * (1 - (1 - _w) * _w * _atanh_tail(_w)))
    return where(_MODERATE, near, _endless(-inf, call("log1p", _z) - _z))


log1p_minus = define(
    Helper(
        "log1p_minus",
        ("z",),
        "log(1 + z) - z, without cancellation at small z.",
        _log1p_minus,
        lambda z: mp.log1p(z) - z,
    )
)
