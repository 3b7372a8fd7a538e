"""Powers less 1, through exponent 0: Box and Cox (1964), eq. 1, of 1 + t."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import inf

from mpmath import mp

from derive.numerics.helpers.exponential import exprel, exprel1, exprel2
from derive.numerics.helpers.helper import Helper, define
from derive.numerics.helpers.powers import power1p
from derive.numerics.nodes import Local, Name, Node, absolute, call, patch, where

_t, _p = Name("t"), Name("p")
_log_t = Local("log_t", call("log1p", _t))
_z = Local("z", _p * _log_t)


def _boxcox(order: int, near: Node, far: Callable[[Node], Node], saturated: Node) -> Node:
    """near: for moderate p log(1 + t); far: from (1 + t)^p; saturated: at t = inf for p < 0."""
    reach = Fraction(7, 10) if order == 0 else order + 1
    usual = where(absolute(_z) < reach, near, far(power1p(_t, _p)))
    # z has the sign of p at t = inf; t itself is infinite there, and a tensor even where p is none
    return patch(call("eq", _t, inf), where(_z < 0, saturated, _t), usual)


boxcox1p = define(
    Helper(
        "boxcox1p",
        ("t", "p"),
        "((1 + t)^p - 1)/p, and log(1 + t) at p = 0.",
        _boxcox(0, _log_t * exprel(_z), lambda g: (g - 1) / _p, -1 / _p),
        lambda t, p: mp.expm1(p * mp.log1p(t)) / p if p else mp.log1p(t),
    )
)
boxcox_slope = define(
    Helper(
        "boxcox_slope",
        ("t", "p"),
        "The derivative of boxcox1p in p.",
        _boxcox(
            1, _log_t * _log_t * exprel1(_z), lambda g: (g * (_z - 1) + 1) / _p / _p, 1 / _p / _p
        ),
        lambda t, p: mp.log1p(t) ** 2 * exprel1.exact(p * mp.log1p(t)),
    )
)
boxcox_bend = define(
    Helper(
        "boxcox_bend",
        ("t", "p"),
        "The second derivative of boxcox1p in p.",
        _boxcox(
            2,
            _log_t * _log_t * _log_t * exprel2(_z),
            lambda g: (g * ((_z - 2) * _z + 2) - 2) / _p / _p / _p,
            -2 / _p / _p / _p,
        ),
        lambda t, p: mp.log1p(t) ** 3 * exprel2.exact(p * mp.log1p(t)),
    )
)
