"""Powers of 1 + t and of 1 + t^2, and the logarithm of the latter."""

from __future__ import annotations

from fractions import Fraction
from math import inf

from mpmath import mp

from derive.numerics.helpers.helper import Helper, bounded, define, exp
from derive.numerics.nodes import Local, Name, Node, absolute, call, node, patch, where

_t, _q = Name("t"), Name("q")
_f, _e, _c, _d, _p = Name("f"), Name("e"), Name("c"), Name("d"), Name("p")
_y, _b, _root = Name("y"), Name("b"), Name("root")
# |y|/sqrt(b), and its square, of which fewer steps are rounded.
SIZE = Local("t", absolute(_y) / call("sqrt", _b))
_over = Local("v", _y / _b)
SQUARE = Local("w", _over * _y)
# From here on 1 + w is w, in every dtype.
_FAR = 2.0**80
# exp of it and of its negative is a number of every dtype.
_MOST = 80
_FEW = 8  # an exponent, up to which the square of what rounding takes is nothing


def _moved(change: Node) -> Node:
    """1 + change, but above 0: beside a power that is 0 or infinite already it may be any."""
    return 1 + call("max", change, Fraction(-1, 2))


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
        where(_t < 2**40, call("log1p", _t * _t), 2 * call("log", _t)),
        lambda t: mp.log1p(t * t),
    )
)
log1p_over = define(
    Helper(
        "log1p_over",
        ("y", "b"),
        "log(1 + y^2/b), also where y^2/b overflows.",
        where(
            SQUARE < _FAR,
            call("log1p", SQUARE),
            2 * call("log", absolute(_y)) - call("log", _b),
        ),
        lambda y, b: mp.log1p(y * y / b),
    )
)
_plain = Local("w", _y / _b * _y)
_total = Local("total", 1 + SQUARE)
_lift = Local("lift", _total - 1)
# What rounding takes from 1 + w, and from w: a power would multiply it by its exponent.
_rest = (1 - (_total - _lift)) + (SQUARE - _lift) + call("product_error", _over, _y)
_power = Local("power", _total**_q)
_inside = call("and", call("lt", 0, _power), call("lt", _power, inf))
power1p_square = define(
    Helper(
        "power1p_square",
        ("y", "b", "q"),
        "(1 + y^2/b)^q, also where y^2/b overflows.",
        where(
            SQUARE < _FAR,
            where(_inside, _power * exp(_q * (_rest / _total)), _power),
            SIZE ** (2 * _q),
        ),
        lambda y, b, q: mp.exp(q * mp.log1p(y * y / b)),
        shortcut=(
            absolute(_q) <= 2,
            where(_plain < _FAR, (1 + _plain) ** _q, SIZE ** (2 * _q)),
        ),
    )
)
_z = Name("z")
_decay = Local("decay", exp(-absolute(_z)))
_more = Local("more", 1 + _decay)
# What rounding takes from 1 + exp(-|z|), which the power would multiply by its exponent; beside a
# power that is 0 or infinite already it may be any.
_taken = _q * ((_decay - (_more - 1)) / _more)
_lost = call("clamp", _taken, -_MOST, _MOST)
_grown = Local("power", _more**_q)
_rise = _q * bounded(call("max", _z, 0))
power1p_exp = define(
    Helper(
        "power1p_exp",
        ("z", "q"),
        "(1 + exp(z))^q, also where exp(z) overflows.",
        where(
            absolute(_q) <= _FEW,
            (_grown + _grown * _taken) * exp(_rise),
            _grown * exp(_rise + _lost),
        ),
        lambda z, q: mp.exp(q * mp.log1p(mp.exp(z))),
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
_LEAST = 2.0**-100
_one_more = 1 + SQUARE


def power_of(q: Node) -> Node:
    """(1 + y^2/b)^q, also where |y|/sqrt(b) is beyond the largest number."""
    # b < 1, or y itself is infinite.
    beyond = absolute(_y) ** (2 * q) * call("min", _b, 1) ** (-q)
    return where(call("le", inf, SIZE), beyond, power1p_square(_y, _b, q))


_half = Local("half", power_of(_q / 2))
_extreme = Local("extreme", call("or", call("lt", _half, _LEAST), call("le", inf, _half)))
_quarter = Local("quarter", power1p_square(_y, _b, _q / 4))
_first = Local("first", where(_extreme, _quarter, _half))
_low, _high = Local("low", call("min", _first, 1)), Local("high", call("max", _first, 1))
_again = Local("again", where(_extreme, _quarter, 1))


# From the larger factors to the smaller ones: a partial product may leave the range on its way.
_above, _below = Local("above", _f * _low), Local("below", _e * _low)
_start = Local("start", _f / _root * _low)
_few = 2**20
_is_small = Local("small", call("le", absolute(_below), _few))
_side = Local("side", where(call("le", absolute(_above), _few), _above / _c / _root, _start / _c))
_other = where(_is_small, _below / _d / _root, _e / _root * _low / _d)
_near = Local("near", where(call("le", 1, absolute(_start)), _start * _below / _c, _side * _below))
_nearer = where(absolute(_near) < 1, _near / _d / _root, _near / _root / _d)
_across = call("and", call("le", 1, absolute(_side)), _is_small)


def _raised(side: Node) -> Node:
    """Times half of the power where it is above 1; of two quarters, where it may leave the range,
    the second one."""
    return side * _high * _again


_halves = where(_across, _raised(_raised(_nearer)), _raised(_side) * _raised(_other))
# What a power of 0 multiplies may be infinite.
_halves = where(call("eq", _first, 0), 0, _halves)
in_halves = define(
    Helper(
        "in_halves",
        ("f", "e", "c", "d", "y", "b", "q", "root"),
        "f e (1 + y^2/b)^q/(root^2 c d): the power in halves, beside f/c and e/d.",
        _halves,
        lambda f, e, c, d, y, b, q, root: f * e * mp.exp(q * mp.log1p(y * y / b)) / root**2 / c / d,
    )
)


def _times(q: Node, whole: Node, root: Node) -> Node:
    """f e g/(c d), g = (1 + y^2/b)^q over whole = root^2: in halves where a part of it is far from
    1."""
    power = Local("power", power1p_square(_y, _b, q) / whole)
    part, side = Local("part", _f * power / _c), Local("side", _e / _d)
    lost = call("eq", absolute(part * side), inf)
    for factor in (absolute(part), power):
        lost = call("or", factor < _LEAST, lost)
    return patch(lost, in_halves(_f, _e, _c, _d, _y, _b, q, root), part * side)


times_power1p = define(
    Helper(
        "times_power1p",
        ("f", "e", "c", "d", "y", "b", "p"),
        "f e (1 + y^2/b)^p/(c d); in halves where the power alone may overflow.",
        _times(_p, node(1), node(1)),
        lambda f, e, c, d, y, b, p: f * e * mp.exp(p * mp.log1p(y * y / b)) / c / d,
    )
)
# 1 is taken off an exponent where that is exact, else divided out: rounding p - 1 would cost
# |log| ULP.
_apart = _p < Fraction(1, 2)
times_power1p_less_one = define(
    Helper(
        "times_power1p_less_one",
        ("f", "e", "c", "d", "y", "b", "p"),
        "f e (1 + y^2/b)^(p - 1)/(c d), likewise.",
        _times(
            Local("q", where(_apart, _p, _p - 1)),
            where(_apart, _one_more, 1),
            where(_apart, root1p_square(SIZE), 1),
        ),
        lambda f, e, c, d, y, b, p: f * e * mp.exp((p - 1) * mp.log1p(y * y / b)) / c / d,
    )
)
weighted = define(
    Helper(
        "weighted",
        ("f", "c", "d", "y", "b"),
        "f (c + d w)/(1 + w), w = y^2/b, also where w overflows.",
        where(
            SQUARE < _FAR,
            _f * ((_c + _d * SQUARE) / (1 + SQUARE)),
            _f * _d + _f / _over * (_c / _y),
        ),
        lambda f, c, d, y, b: f * (c + d * y * y / b) / (1 + y * y / b),
    )
)
# Half of a subnormal number may be 0: beside a large f that of f is taken, not of d.
_half_far = where(absolute(_f) < 1, _f * (_d / 2), _f / 2 * _d) + _f / _over * (_c / 2 / _y)
_half_near = _f * ((_c / 2 + _d * (SQUARE / 2)) / (1 + SQUARE))
_half = Local("value", where(SQUARE < _FAR, _half_near, _half_far))
half_weighted = define(
    Helper(
        "half_weighted",
        ("f", "c", "d", "y", "b"),
        "f (c + d w)/(1 + w)/2, finite for finite f: the power beside it may fade.",
        patch(
            call("eq", absolute(_half), inf), _f * call("max", call("min", _d / 2, 1), -1), _half
        ),
        lambda *at: weighted.exact(*at) / 2,
    )
)
