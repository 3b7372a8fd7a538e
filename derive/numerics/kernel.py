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

from fractions import Fraction
from math import factorial, inf

from derive.numerics.helpers import (
    exprel,
    exprel1,
    exprel2,
    growth,
    log1p_square,
    log_excess_square,
    saturation,
)
from derive.numerics.nodes import Local, Node, absolute, call, patch, where

_TERMS = 23


def _exp(value: Node) -> Node:
    return call("exp", value)


def distance(a: Node) -> Node:
    """b = |a - 2|, exact near 2."""
    return Local("b", absolute(a - 2))


def _growth(y: Node, a: Node) -> Node:
    """(1 + w)^(a/2). Exponents stay multiples of a: a rounded a - 2 would cost |log| ULP."""
    return Local("growth", growth(y, a, a / 2))


def _half(y: Node, a: Node) -> Node:
    return Local("half", growth(y, a, a / 4))


def _times_growth(factor: Node, y: Node, a: Node) -> Node:
    """factor (1 + w)^(a/2), in two halves where the power alone overflows; a power of 0 wins
    over a factor of infinity, as it does in the limit."""
    g, half = _growth(y, a), _half(y, a)
    return patch(
        call("eq", g, inf), factor * half * half, patch(call("eq", g, 0), 0, factor * g)
    )


def value(y: Node, a: Node) -> Node:
    b = distance(a)
    w = Local("w", y * y / b)
    log_w = Local("log_w", log1p_square(y, b))
    z = Local("z", a / 2 * log_w)
    # b log(1 + u/b) -> u: keeps its digits where u/b underflows.
    scaled_log = where(w < Fraction(1, 2**60), y * y, b * log_w)
    near = scaled_log / 2 * exprel(z)
    ratio = Local("ratio", b / a)
    return where(absolute(z) < Fraction(7, 10), near, _times_growth(ratio, y, a) - ratio)


def power(y: Node, a: Node) -> Node:
    """P = (1 + w)^(a/2 - 1)."""
    return _growth(y, a) / (1 + Local("w", y * y / distance(a)))


def root_power(y: Node, a: Node) -> Node:
    """The square root of P: y P formed as (y Q) Q cannot underflow before the result does."""
    w = Local("w", y * y / distance(a))
    root = patch(call("huge", y) < w, absolute(y) / call("sqrt", distance(a)), call("sqrt", 1 + w))
    return _half(y, a) / root


def is_extreme(y: Node, a: Node) -> Node:
    """Where P, or what it is made of, comes near the ends of the exponent range."""
    g, w = _growth(y, a), Local("w", y * y / distance(a))
    huge = call("huge", y)
    return call("or", call("or", g < 1 / huge, huge < g), huge < w)


def excess(y: Node, a: Node) -> Node:
    return log_excess_square(y, distance(a))


def saturating(y: Node, a: Node) -> Node:
    """(a - 2) w/(1 + w), the relative slope of P."""
    return (a - 2) * saturation(y, distance(a))


def _series(order: int, log_w: Node, z1: Node) -> Node:
    """X_order/L^(order + 3): a positive series in L over E_n(z - L), n falling."""
    top = order + 2 + _TERMS
    e = Local("e", _exp(z1))
    # E_top by Kummer's series, exp(z)/(n + 1) (1 - z/(n + 2) (1 - z/(n + 3) …)).
    kummer: Node = call("add", 1, 0)
    for k in range(14, 0, -1):
        kummer = 1 - z1 / (top + 1 + k) * kummer
    integral = e / (top + 1) * kummer
    total: Node | None = None
    for k in range(_TERMS, -1, -1):
        n = order + 2 + k
        weight = Fraction(k + 1, factorial(k + 2))
        if n != top:
            integral = (e - z1 * integral) / (n + 1)
        integral = Local(f"e{n}", integral)
        term = weight * integral
        total = term if total is None else total * log_w + term
    assert total is not None
    return total


def _forms(y: Node, a: Node, near: Node, steep: Node, wide: Node) -> Node:
    """Which form holds where: the series for small L, the others where nothing cancels in them."""
    log_w = Local("log_w", log1p_square(y, distance(a)))
    z = Local("z", a / 2 * log_w)
    small = call("and", log_w < 2, absolute(z) < 3)
    is_steep = call("or", z < -2, call("and", log_w < 2, z >= 3))
    return where(small, near, where(is_steep, steep, wide))


def _at_infinity(y: Node, limit: Node, otherwise: Node) -> Node:
    return patch(call("eq", absolute(y), inf), limit, otherwise)


def slope(y: Node, a: Node) -> Node:
    """k_a: the derivative in the exponent."""
    b = distance(a)
    w = Local("w", y * y / b)
    log_w = Local("log_w", log1p_square(y, b))
    z = Local("z", a / 2 * log_w)
    z1 = Local("z1", (a - 2) / 2 * log_w)
    scaled_log = where(w < Fraction(1, 2**60), y * y, b * log_w)
    near = scaled_log * log_w * log_w / 4 * _series(0, log_w, z1)
    e = call("sign", a - 2)
    curved = a * a / 4 * Local("g", excess(y, a)) - z + 1
    steep = e * (_times_growth(2 / a / a * curved, y, a) - 2 / a / a)
    scaled_growth = Local("scaled_growth", _times_growth(b / 4, y, a))
    quarter = b / 4 * log_w
    first = where(
        absolute(z) < 2,
        quarter * log_w * exprel1(z),
        (scaled_growth * (z - 1) + b / 4) * 4 / a / a,
    )
    second = where(absolute(z) < 2, quarter * exprel(z), (scaled_growth - b / 4) * 2 / a)
    third = where(
        absolute(z1) < 2, quarter * exprel(z1), (scaled_growth / (1 + w) - b / 4) * 2 / (a - 2)
    )
    endless = where(a < 0, 2 / a / a, inf)
    return _at_infinity(y, endless, _forms(y, a, near, steep, first - second + third))


def bend(y: Node, a: Node) -> Node:
    """k_aa: the second derivative in the exponent."""
    b = distance(a)
    log_w = Local("log_w", log1p_square(y, b))
    z = Local("z", a / 2 * log_w)
    z1 = Local("z1", (a - 2) / 2 * log_w)
    g = Local("g", excess(y, a))
    e = call("sign", a - 2)
    lam = Local("lam", a / 2)
    lam1 = (a - 2) / 2
    w = Local("w", y * y / b)
    scaled_growth = Local("scaled_growth", _times_growth(b / 4, y, a))
    near = b / 4 * log_w * log_w * log_w * log_w * _series(1, log_w, z1)
    curved = lam * lam * g - z + 1
    top = scaled_growth * curved - b / 4
    top_slope = scaled_growth * (log_w * curved + (a * g - log_w))
    steep = (top_slope - top * ((3 * lam - 2) / lam / lam1)) / lam / lam / lam1
    quarter = b / 4 * log_w * log_w
    first = where(
        absolute(z) < 3,
        quarter * log_w * exprel2(z),
        (scaled_growth * ((z - 2) * z + 2) - b / 2) / lam / lam / lam,
    )
    second = where(
        absolute(z) < 2, quarter * exprel1(z), (scaled_growth * (z - 1) + b / 4) / lam / lam
    )
    third = where(
        absolute(z1) < 2,
        quarter * exprel1(z1),
        (scaled_growth / (1 + w) * (z1 - 1) + b / 4) / lam1 / lam1,
    )
    x1 = _forms(y, a, near, steep, first - second + third)
    mixed = scaled_growth * saturation(y, b) * g / b
    endless = where(a < 0, -4 / a / a / a, inf)
    return _at_infinity(y, endless, e / b * slope(y, a) + (x1 / 2 - e * mixed))
