"""The logarithm of a ratio, from the difference where both are close."""

from __future__ import annotations

from fractions import Fraction

from mpmath import mp

from derive.numerics.helpers.helper import Helper, define
from derive.numerics.nodes import Local, Name, Node, absolute, call, where

_t, _z, _d = Name("t"), Name("z"), Name("d")
# Beyond, a quotient may leave the range of a narrow dtype; that of the roots does not.
_LEAST, _MOST = Fraction(1, 10**30), 10**30


def _log_ratio() -> Node:
    q = Local("q", _t / _z)
    inside = call("and", q > _LEAST, q < _MOST)
    far = 2 * call("log", call("sqrt", _t) / call("sqrt", _z))
    near = absolute(_d) < _z / 2
    return where(near, call("log1p", _d / _z), where(inside, call("log", q), far))


log_ratio = define(
    Helper(
        "log_ratio",
        ("t", "z", "d"),
        "log(t/z), from d = t - z where that is small beside z.",
        _log_ratio(),
        lambda t, z, d: mp.log(t / z),
    )
)
