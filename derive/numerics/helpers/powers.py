"""Powers of 1 + t."""

from __future__ import annotations

from mpmath import mp

from derive.numerics.helpers.helper import Helper, define, exp
from derive.numerics.nodes import Name, absolute, call, where

_t, _q = Name("t"), Name("q")

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

root1p_square = define(
    Helper(
        "root1p_square",
        ("t",),
        "sqrt(1 + t^2), also where t^2 overflows.",
        where(absolute(_t) < 2.0**40, call("sqrt", 1 + _t * _t), absolute(_t)),
        lambda t: mp.sqrt(1 + t * t),
    )
)
