"""The power-law kernel of Barron's loss and its derivatives, without a lost digit.

    k(u, a) = (b/a) ((1 + u/b)^(a/2) - 1),  u = y^2,  b = |a - 2|          (arXiv:1701.03077, eq. 1)

With w = u/b, L = log(1 + w), z = a L/2 and e = sign(a - 2):

    k      = (L b/2) expm1(z)/z                      k_u  = P/2,  P = (1 + w)^(a/2 - 1)
    k_a    = (b/4) X0                                k_ua = P G/4,  G = L - w/(1 + w)
    k_aa   = e X0/4 + b X1/8 - e P w G/4             P_u  = e P S/(2 u),  S = u/(1 + w)
    Xj     = integral of y^j exp(a y/2) (exp(-y) - 1 + y) over y in [0, L]

X0 and X1 have positive integrands, so nothing cancels in them; three forms cover the plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf

from derive.numerics.helpers import (
    exprel,
    exprel1,
    exprel2,
    growth,
    log1p_square,
    log_excess_square,
    saturation,
)
from derive.numerics.nodes import Local, Node, absolute, call, node, patch, where


def distance(a: Node) -> Node:
    """b = |a - 2|, exact near 2."""
    return Local("b", absolute(a - 2))


def _u(y: Node) -> Node:
    return Local("u", y * y)


def _w(y: Node, a: Node) -> Node:
    return Local("w", _u(y) / distance(a))


def _log_w(y: Node, a: Node) -> Node:
    return Local("log_w", log1p_square(y, distance(a)))


def _z(y: Node, a: Node) -> Node:
    return Local("z", a / 2 * _log_w(y, a))


def _scaled_log(y: Node, a: Node) -> Node:
    """b log(1 + u/b) -> u: keeps its digits where u/b underflows."""
    return Local(
        "scaled_log",
        where(_w(y, a) < Fraction(1, 2**60), _u(y), distance(a) * _log_w(y, a)),
    )


def _growth(y: Node, a: Node) -> Node:
    """(1 + w)^(a/2). Exponents stay multiples of a: a rounded a - 2 would cost |log| ULP."""
    return Local("growth", growth(y, a, a / 2))


def _half(y: Node, a: Node) -> Node:
    return Local("half", growth(y, a, a / 4))


def _times_growth(factor: Node, y: Node, a: Node) -> Node:
    """factor (1 + w)^(a/2), in two halves where the power alone overflows; a power of 0 wins
    over a factor of infinity, as it does in the limit."""
    g, half = _growth(y, a), _half(y, a)
    return patch(call("eq", g, inf), factor * half * half, patch(call("eq", g, 0), 0, factor * g))


def value(y: Node, a: Node) -> Node:
    z = _z(y, a)
    near = _scaled_log(y, a) / 2 * exprel(z)
    ratio = Local("ratio", distance(a) / a)
    usual = where(absolute(z) < Fraction(7, 10), near, _times_growth(ratio, y, a) - ratio)
    return _at_infinity(y, where(a < 0, -ratio, inf), usual)


def excess(y: Node, a: Node) -> Node:
    return log_excess_square(y, distance(a))


def saturating(y: Node, a: Node) -> Node:
    """(a - 2) w/(1 + w), the relative slope of P."""
    return (a - 2) * saturation(y, distance(a))


def series(order: int, log_w: Node, z1: Node) -> Node:
    """X_order/L^(order + 3) for L <= 2: the sum of (k + 1)/(k + 2)! L^k E_n(z - L), n = k + order
    + 2, with E_n(z) the integral of s^n exp(s z) over [0, 1]. Every term is positive."""
    return call("excess_series", order, log_w, z1)


def _forms(y: Node, a: Node, near: Node, steep: Node, wide: Node) -> Node:
    """Which form holds where: the series for small L, the others where nothing cancels in them."""
    log_w, z = _log_w(y, a), _z(y, a)
    small = call("and", log_w < 2, absolute(z) < 3)
    is_steep = call("or", z < -2, call("and", log_w < 2, z >= 3))
    return where(small, near, where(is_steep, steep, wide))


def _at_infinity(y: Node, limit: Node, otherwise: Node) -> Node:
    return patch(call("eq", absolute(y), inf), limit, otherwise)


@dataclass(frozen=True)
class _Parts:
    """What slope and bend share."""

    b: Node
    w: Node
    log_w: Node
    z: Node
    z1: Node
    g: Node
    side: Node
    scaled_growth: Node


def _parts(y: Node, a: Node) -> _Parts:
    b = distance(a)
    return _Parts(
        b=b,
        w=_w(y, a),
        log_w=_log_w(y, a),
        z=_z(y, a),
        z1=Local("z1", (a - 2) / 2 * _log_w(y, a)),
        g=Local("g", excess(y, a)),
        side=Local("side", call("sign", a - 2)),
        scaled_growth=Local("scaled_growth", _times_growth(b / 4, y, a)),
    )


def slope(y: Node, a: Node) -> Node:
    """k_a: the derivative in the exponent."""
    f = _parts(y, a)
    near = _scaled_log(y, a) * f.log_w * f.log_w / 4 * series(0, f.log_w, f.z1)
    curved = a * a / 4 * f.g - f.z + 1
    floor = Local("floor", 2 / a / a)
    steep = f.side * (_times_growth(floor * curved, y, a) - floor)
    quarter = Local("quarter", f.b / 4 * f.log_w)
    first = where(
        absolute(f.z) < 2,
        quarter * f.log_w * exprel1(f.z),
        (f.scaled_growth * (f.z - 1) + f.b / 4) * 4 / a / a,
    )
    second = where(absolute(f.z) < 2, quarter * exprel(f.z), (f.scaled_growth - f.b / 4) * 2 / a)
    third = where(
        absolute(f.z1) < 2,
        quarter * exprel(f.z1),
        (f.scaled_growth / (1 + f.w) - f.b / 4) * 2 / (a - 2),
    )
    leading = (f.z - 1) * 4 / a / a - 2 / a + 2 / (a - 2) / (1 + f.w)
    wide = patch(
        call("huge", y) < f.scaled_growth,
        _times_growth(f.b / 4 * leading, y, a),
        first - second + third,
    )
    endless = where(a < 0, 2 / a / a, inf)
    return _at_infinity(y, endless, _forms(y, a, near, steep, wide))


def slope_at_zero(y: Node) -> Node:
    """k_a at a = 0: L^2/4 - L/2 + u/(2 (u + 2)), L = log(1 + u/2)."""
    log_w = Local("log_w", log1p_square(y, 2))
    tiny = _u(y) < Fraction(1, 2**60)
    near = where(tiny, _u(y), 2 * log_w) * log_w * log_w / 4 * series(0, log_w, -log_w)
    return where(log_w < 2, near, log_w / 4 * (log_w - 2) + saturation(y, 2) / 2)


def bend_at_zero(y: Node) -> Node:
    """k_aa at a = 0."""
    log_w = Local("log_w", log1p_square(y, 2))
    cube = log_w * log_w * log_w
    rest = (1 + log_w) * (1 - saturation(y, 2))
    x1 = where(
        log_w < 2,
        cube * log_w * series(1, log_w, -log_w),
        cube / 3 - log_w * log_w / 2 + (1 - rest),
    )
    mixed = saturation(y, 2) * log_excess_square(y, 2) / 4
    bent = x1 / 4 + (mixed - slope_at_zero(y) / 2)
    return _at_infinity(y, node(inf), bent)


def bend(y: Node, a: Node) -> Node:
    """k_aa: the second derivative in the exponent, as e (X0 - 4 M)/4 + b X1/8, M = P w G/4."""
    f = _parts(y, a)
    inverse = Local("inverse", 2 / a)
    lam1 = Local("lam1", (a - 2) / 2)
    square = f.log_w * f.log_w
    near = f.b / 4 * square * square * series(1, f.log_w, f.z1)
    curved = Local("curved", a * a / 4 * f.g - f.z + 1)
    turn = Local("turn", (3 - 2 * inverse) / lam1)
    top = f.scaled_growth * curved - f.b / 4
    top_slope = f.scaled_growth * (f.log_w * curved + (a * f.g - f.log_w))
    steep = (top_slope - top * turn) * inverse * inverse / lam1
    quarter = Local("quarter", f.b / 4 * f.log_w)
    first = where(
        absolute(f.z) < 3,
        quarter * square * exprel2(f.z),
        (f.scaled_growth * ((f.z - 2) * f.z + 2) - f.b / 2) * inverse * inverse * inverse,
    )
    second = where(
        absolute(f.z) < 2,
        quarter * f.log_w * exprel1(f.z),
        (f.scaled_growth * (f.z - 1) + f.b / 4) * inverse * inverse,
    )
    third = where(
        absolute(f.z1) < 2,
        quarter * f.log_w * exprel1(f.z1),
        (f.scaled_growth / (1 + f.w) * (f.z1 - 1) + f.b / 4) / lam1 / lam1,
    )
    x1 = _forms(y, a, near, steep, first - second + third)
    bent = f.side * _excess_difference(y, a, f, inverse) + x1 / 2
    leading = _leading_bend(y, a, f, inverse, lam1, curved, turn)
    usual = patch(call("huge", y) < f.scaled_growth, _times_growth(leading, y, a), bent)
    endless = where(a < 0, -4 / a / a / a, inf)
    return _at_infinity(y, endless, usual)


def _leading_bend(
    y: Node, a: Node, f: _Parts, inverse: Node, lam1: Node, curved: Node, turn: Node
) -> Node:
    """What the growth multiplies in k_aa: all that counts where the growth is huge."""
    filled = saturation(y, f.b)
    x1_part = (
        ((f.z - 2) * f.z + 2) * inverse * inverse * inverse
        - (f.z - 1) * inverse * inverse
        + (f.z1 - 1) / lam1 / lam1 / (1 + f.w)
    )
    decayed = (f.log_w - 1 - filled + 1 / lam1) / (1 + f.w)
    wide = f.side * (_bracket(a, f, inverse) + decayed) / 4 + f.b / 8 * x1_part
    x1_steep = (f.log_w * curved + (a * f.g - f.log_w) - curved * turn) * inverse * inverse / lam1
    steep = 2 / a / a * curved / f.b - f.side * filled * f.g / 4 + f.b / 8 * x1_steep
    return where(f.log_w < 2, steep, wide)


def _excess_difference(y: Node, a: Node, f: _Parts, inverse: Node) -> Node:
    """X0/4 - M. Where L >= 2 and a L is large, L cancels between the two and is left out:
    4 (X0/4 - M) = E (L (1 - lam)/lam + 1 - 1/lam - 1/lam^2) + P (L - 1 - w/(1 + w)) + rest,
    lam = a/2."""
    filled = saturation(y, f.b)
    grown = Local("grown", f.scaled_growth / f.b)
    mixed = grown * filled * f.g
    tiny = f.log_w * f.log_w * f.log_w / 4 * series(0, f.log_w, f.z1)
    small = call("and", f.log_w < 2, absolute(f.z) < 3)
    rest = inverse * inverse + inverse + f.log_w * exprel(f.z1)
    close = grown * _bracket(a, f, inverse) + grown / (1 + f.w) * (f.log_w - 1 - filled) + rest / 4
    apart = slope(y, a) / f.b - mixed
    is_close = call("and", f.log_w >= 2, call("and", f.z >= 2, absolute(f.z1) < 1))
    return where(small, tiny - mixed, where(is_close, close, apart))


def _bracket(a: Node, f: _Parts, inverse: Node) -> Node:
    return f.log_w * ((2 - a) / a) + (1 - inverse - inverse * inverse)
