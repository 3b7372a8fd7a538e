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
    least = Local("least", call("min", _t, _z))
    # d counts for less than the quotient does: log1p flattens it
    near = call("sign", _d) * call("log1p", absolute(_d) / least)
    return where(absolute(_d) < 2 * least, near, where(inside, call("log", q), far))


log_ratio = define(
    Helper(
        "log_ratio",
        ("t", "z", "d"),
        "log(t/z), from d = t - z where neither is far beyond the other.",
        _log_ratio(),
        lambda t, z, d: mp.log(t / z),
    )
)
