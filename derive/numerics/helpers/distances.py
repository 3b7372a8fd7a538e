"""Distances, and powers of a ratio whose exponent varies."""

from __future__ import annotations

from fractions import Fraction
from functools import partial, reduce
from math import inf

from mpmath import mp

from derive.numerics.helpers.helper import Helper, define, exp
from derive.numerics.nodes import Local, Name, Node, absolute, call, patch, where

_f, _e, _root = Name("f"), Name("e"), Name("root")
_t, _b, _q = Name("t"), Name("b"), Name("q")
_least = call("least", _t)
_large = Local("large", call("max", absolute(_t), _b))
_small = Local("small", call("min", absolute(_t), _b))
_part = Local("part", _small / _large)

hypot = define(
    Helper(
        "hypot",
        ("t", "b"),
        "sqrt(t^2 + b^2) for b > 0, also where the squares leave the range.",
        _large + _small * (_part / (1 + call("sqrt", 1 + _part * _part))),
        lambda t, b: mp.sqrt(t * t + b * b),
    )
)
_square = Local("square", _part * _part)
_c, _d = Name("c"), Name("d")
hypot_mean = define(
    Helper(
        "hypot_mean",
        ("t", "b", "c", "d"),
        "(c b^2 + d t^2)/(t^2 + b^2) for b > 0, also where the squares leave the range.",
        where(absolute(_t) < _b, _c + _d * _square, _d + _c * _square) / (1 + _square),
        lambda t, b, c, d: (c * b * b + d * t * t) / (t * t + b * b),
    )
)
_squares = _large * _large, _small * _small
_total = Local("total", _squares[0] + _squares[1])
_more = _total - _squares[0]
# What rounding takes from either square, and from their sum.
_rest = call("product_error", _large, _large) + call("product_error", _small, _small)
_rest = _rest + (_squares[1] - _more)
hypot_log = define(
    Helper(
        "hypot_log",
        ("t", "b"),
        "log(t^2 + b^2) for b > 0, also beside 1 and where the squares leave the range.",
        patch(
            call("or", _total < _least, call("eq", _total, inf)),
            2 * call("log", hypot(_t, _b)),
            call("log", _total) + _rest / _total,
        ),
        lambda t, b: mp.log(t * t + b * b),
    )
)

_FEW = 2  # an exponent, up to which a rounded ratio costs less than its logarithm
_ratio = Local("ratio", _t / _b)
_inside = call("and", _least < _ratio, _ratio < inf)
_roots = call("sqrt", _t) / call("sqrt", _b)
_plain = where(_inside, _ratio**_q, _roots ** (2 * _q))
_step = Local("step", (_t - _b) / _b)
_near = absolute(_step) < Fraction(1, 2)
ratio_log = define(
    Helper(
        "ratio_log",
        ("t", "b"),
        "log(t/b), also where t/b leaves the range.",
        where(
            _near,
            call("log1p", _step),
            where(_inside, call("log", _ratio), 2 * call("log", _roots)),
        ),
        lambda t, b: mp.log(t / b),
    )
)
ratio_power = define(
    Helper(
        "ratio_power",
        ("t", "b", "q"),
        "(t/b)^q, also where t/b leaves the range; by its logarithm for t near b and large q.",
        where(_near, exp(_q * call("log1p", _step)), _plain),
        lambda t, b, q: (t / b) ** q,
        shortcut=(absolute(_q) <= _FEW, _plain),
    )
)


def _side(f: Node, c: Node, half: Node) -> Node:
    """f half/c; the divisor first where the product leaves the range and the quotient does not."""
    above, first = Local("above", f * half), Local("first", f / c * half)
    outside = call("or", absolute(above) < _least, call("eq", absolute(above), inf))
    return where(call("and", outside, absolute(first) < inf), first, above / c)


def _halves() -> Node:
    """From halves of the power; of quarters where a half is extreme."""
    half, quarter = (
        Local(n, ratio_power(_t, _b, _q / k)) for n, k in (("half", 2), ("quarter", 4))
    )
    extreme = Local("extreme", call("or", half < _least, call("eq", half, inf)))
    part = Local("part", where(extreme, quarter, half))
    again = Local("again", where(extreme, quarter, 1))
    # A residual may be so small that every factor but the last would round it.
    lift = Local("lift", where(absolute(_f) < _least, 2.0**64, 1))
    one = _side(_f * lift, _c, part) / _root * again
    other = _side(_e, _d, part) / _root * again
    one = Local("one", one)
    whole = where(absolute(one) > 1, one / lift * other, one * other / lift)
    # What a power of 0 multiplies may be infinite.
    return where(call("eq", part, 0), 0, whole)


ratio_in_halves = define(
    Helper(
        "ratio_in_halves",
        ("f", "e", "c", "d", "t", "b", "q", "root"),
        "f e (t/b)^q/(root^2 c d): the power in halves, beside f/c and e/d.",
        _halves(),
        lambda f, e, c, d, t, b, q, root: f * e * (t / b) ** q / root**2 / c / d,
    )
)


def _times() -> Node:
    """In the order in which fewest steps are rounded; in halves where one of them leaves the range,
    or comes so near to its end that there is no room for the next one."""
    power = Local("power", ratio_power(_t, _b, _q))
    above = Local("above", _f * (power / _root / _root))
    part = Local("part", above / _c)
    more = Local("more", part * _e)
    sizes = [power, absolute(above), absolute(part), absolute(more)]
    low, high = (reduce(partial(call, op), sizes) for op in ("min", "max"))
    infinite = call("or", call("eq", power, inf), call("eq", high, inf))  # a product may be NaN
    lost = call("or", low < _least, infinite)
    return patch(lost, ratio_in_halves(_f, _e, _c, _d, _t, _b, _q, _root), more / _d)


times_ratio_power = define(
    Helper(
        "times_ratio_power",
        ("f", "e", "c", "d", "t", "b", "q", "root"),
        "f e (t/b)^q/(root^2 c d); in halves where the power alone may leave the range.",
        _times(),
        lambda f, e, c, d, t, b, q, root: f * e * (t / b) ** q / root**2 / c / d,
    )
)
