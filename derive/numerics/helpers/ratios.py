"""The logarithm of a ratio, from the difference where both are close, and of one more than it."""

from __future__ import annotations

from fractions import Fraction
from math import e, inf

from mpmath import mp

from derive.numerics.helpers.helper import Helper, define
from derive.numerics.nodes import Local, Name, Node, absolute, call, patch, where

_t, _z, _d = Name("t"), Name("z"), Name("d")
# Beyond, a quotient may leave the range of a narrow dtype; that of the roots does not.
_LEAST, _MOST = Fraction(1, 10**30), 10**30
_PART = 0.031718171540954765  # 2.75 - e


def _log_ratio() -> Node:
    q = Local("q", _t / _z)
    inside = call("and", q > _LEAST, q < _MOST)
    far = 2 * call("log", call("sqrt", _t) / call("sqrt", _z))
    least = Local("least", call("min", _t, _z))
    # d counts for less than the quotient does: log1p flattens it
    size = Local("size", call("log1p", absolute(_d) / least))
    near = where(_d < 0, -size, size)
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

_f, _b, _part = Name("f"), Name("b"), Local("q", _t / Name("b"))
times_log1p = define(
    Helper(
        "times_log1p",
        ("f", "t", "b"),
        "f log(1 + t/b), also where t/b leaves the range.",
        patch(
            call("lt", _part, Fraction(1, 1 << 60)),
            _f / _b * _t,
            patch(
                call("eq", _part, inf),
                _f * (call("log", _t) - call("log", _b)),
                _f * call("log1p", _part),
            ),
        ),
        lambda f, t, b: f * mp.log1p(t / b),
    )
)


def _sum(x: Node) -> tuple[Node, Node]:
    """1 + x, and what rounding takes from it."""
    total = Local("total", 1 + x)
    lift = Local("lift", total - 1)
    return total, (1 - (total - lift)) + (x - lift)


def _log_ratio_gap() -> Node:
    """Its zero is at 1 + t = e (1 + z), near which t - e z is exact but for a small part of e."""
    (above, more), (below, less) = _sum(_t), _sum(_z)
    exact = above - 2 * below - below / 2 - below / 4
    beside = Local("beside", exact + (_PART * below + (more - e * less)))
    near = -call("log1p", beside / below / e)
    far = 1 - log_ratio(above, below, _t - _z)
    return where(absolute(beside) < below, near, far)


log_ratio_gap = define(
    Helper(
        "log_ratio_gap",
        ("t", "z"),
        "1 - log((1 + t)/(1 + z)), also beside its zero.",
        _log_ratio_gap(),
        lambda t, z: 1 - mp.log((1 + t) / (1 + z)),
    )
)
