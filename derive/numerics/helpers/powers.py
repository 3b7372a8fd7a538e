"""Powers of 1 + t and of 1 + t^2, and the logarithm of the latter."""

from __future__ import annotations

from fractions import Fraction

from mpmath import mp

from derive.numerics.helpers.helper import Helper, define, exp
from derive.numerics.nodes import Local, Name, Node, absolute, call, where

_t, _q = Name("t"), Name("q")
# From here on 1 + t^2 is t^2, in every dtype.
_FAR = 2**40

power1p = define(
    Helper(
        "power1p",
        ("t", "q"),
        "(1 + t)^q for t > -1: by its logarithm where 1 + t would lose digits of t.",
        where(_t < 1, exp(_q * call("log1p", _t)), (1 + _t) ** _q),
        lambda t, q: mp.exp(q * mp.log1p(t)),
        shortcut=(absolute(_q) <= 2, (1 + _t) ** _q),
    )
)
log1p_square = define(
    Helper(
        "log1p_square",
        ("t",),
        "log(1 + t^2) for t >= 0, also where t^2 overflows.",
        where(_t < _FAR, call("log1p", _t * _t), 2 * call("log", _t)),
        lambda t: mp.log1p(t * t),
    )
)
_w = _t * _t
power1p_square = define(
    Helper(
        "power1p_square",
        ("t", "q"),
        "(1 + t^2)^q for t >= 0, also where t^2 overflows.",
        where(
            _t < _FAR,
            where(_t < 1, exp(_q * call("log1p", _w)), (1 + _w) ** _q),
            _t ** (2 * _q),
        ),
        lambda t, q: mp.exp(q * mp.log1p(t * t)),
        shortcut=(absolute(_q) <= 2, where(_t < _FAR, (1 + _w) ** _q, _t ** (2 * _q))),
    )
)
_p = Name("p")
# 1 is taken off an exponent where that is exact, else divided out: rounding p - 1 would cost
# |log| ULP.
_apart = _p < Fraction(1, 2)


def _less_one(share: int) -> Node:
    """(1 + t^2)^((p - 1)/share), share 1 or 2."""
    q = Local("q", where(_apart, _p, _p - 1) / share)
    total = 1 + _w if share == 1 else call("sqrt", 1 + _w)
    near = power1p_square(_t, q) / where(_apart, total, 1)
    far = _t ** (2 * q) / where(_apart, _t, 1)
    return where(_t < _FAR, near, far / where(_apart, _t, 1) if share == 1 else far)


power1p_less_one = define(
    Helper(
        "power1p_less_one",
        ("t", "p"),
        "(1 + t^2)^(p - 1) for t >= 0.",
        _less_one(1),
        lambda t, p: mp.exp((p - 1) * mp.log1p(t * t)),
    )
)
root_power1p_less_one = define(
    Helper(
        "root_power1p_less_one",
        ("t", "p"),
        "Its square root, for products that the power alone would push out of range.",
        _less_one(2),
        lambda t, p: mp.exp((p - 1) / 2 * mp.log1p(t * t)),
    )
)
root1p_square = define(
    Helper(
        "root1p_square",
        ("t",),
        "sqrt(1 + t^2), also where t^2 overflows.",
        where(absolute(_t) < 2.0**40, call("sqrt", 1 + _t * _t), absolute(_t)),
        lambda t: mp.sqrt(1 + t * t),
    )
)
