"""Powers whose base lies at 1: what rounding takes from the base is put back.

A power multiplies the relative error of its base by its exponent.
"""

from __future__ import annotations

from fractions import Fraction

from mpmath import mp

from derive.numerics.helpers.helper import Helper, define, exp
from derive.numerics.nodes import Local, Name, Node, absolute, call, patch, polynomial, where

_t, _q, _y, _a = Name("t"), Name("q"), Name("y"), Name("a")


def _compensated(w: Node, w_rest: Node | None, q: Node) -> Node:
    """(1 + w)^q; w_rest is what w lacks."""
    total = Local("total", 1 + w)
    lift = Local("lift", total - 1)
    total_rest = (1 - (total - lift)) + (w - lift)
    rest = total_rest if w_rest is None else total_rest + w_rest
    tilt = Local("tilt", q * (rest / total))
    powered = total**q * (1 + where(absolute(tilt) < Fraction(1, 2), tilt, 0))
    # For small w, q log(1 + w) = q w + q (log(1 + w) - w): the first product is exact with its
    # error, the second is small.
    lead = Local("lead", q * w)
    tail = polynomial(w, tuple(Fraction((-1) ** (k + 1), k + 2) for k in range(6)))
    bend = Local("bend", q * (w * w * tail))
    z = Local("z", lead + bend)
    z_rest = (lead - z + bend) + call("product_error", q, w)
    if w_rest is not None:
        z_rest = z_rest + q * w_rest / total
    return where(absolute(w) < Fraction(1, 1024), exp(z) * (1 + z_rest), powered)


power1p = define(
    Helper(
        "power1p",
        ("t", "q"),
        "(1 + t)^q for t > -1; what rounding takes from 1 + t is put back.",
        _compensated(_t, None, _q),
        lambda t, q: mp.exp(q * mp.log1p(t)),
        shortcut=(absolute(_q) <= 4, (1 + _t) ** _q),
    )
)


def _far_power(b: Node, q: Node) -> Node:
    """(y^2/b)^q. For b < 1 the quotient may overflow, for b > 1 its parts may."""
    size = absolute(_y)
    return where(b < 1, size ** (2 * q) * b ** (-q), (size / call("sqrt", b)) ** (2 * q))


def _growth() -> Node:
    """(1 + w)^q with the rounding of w = y^2/|a - 2| carried along too."""
    d = Local("d", _a - 2)
    shift = Local("shift", d - _a)
    d_rest = (_a - (d - shift)) + (-2 - shift)
    b = Local("b", absolute(d))
    b_rest = Local("b_rest", call("sign", d) * d_rest)
    u = Local("u", _y * _y)
    w = Local("w", u / b)
    back = Local("back", w * b)
    u_rest = call("product_error", _y, _y)
    w_rest = Local("w_rest", ((u - back) - call("product_error", w, b) + (u_rest - w * b_rest)) / b)
    return patch(call("huge", _y) < w, _far_power(b, _q), _compensated(w, w_rest, _q))


_b = Local("b", absolute(_a - 2))
_w = Local("w", _y * _y / _b)
growth = define(
    Helper(
        "growth",
        ("y", "a", "q"),
        "(1 + y^2/b)^q with b = |a - 2|; what rounding takes from y^2/b is put back.",
        _growth(),
        lambda y, a, q: mp.exp(q * mp.log1p(y * y / abs(a - 2))),
        shortcut=(
            absolute(_a - 2) <= 2,
            patch(call("huge", _y) < _w, _far_power(_b, _q), (1 + _w) ** _q),
        ),
    )
)


def _far_decay(share: int) -> Node:
    """(y^2/b)^((a - 2)/share), share 2, 4 or 8. Between 1 and 3, a - 2 is exact; elsewhere it is
    kept as a and a division."""
    size = absolute(_y)
    ratio = size / call("sqrt", _b)
    if share == 8:
        root = ratio ** (_a / 4) / call("sqrt", ratio)
    else:
        root = ratio ** (_a / 2) / ratio
    close = size ** ((_a - 2) * Fraction(2, share)) * _b ** ((2 - _a) / share)
    return where(_b < 1, close, root * root if share == 2 else root)


def _root(share: int) -> Node:
    """P^(2/share): (1 + w)^(a/share) over a root of 1 + w."""
    below: Node = 1 + _w
    for _ in range({2: 0, 4: 1, 8: 2}[share]):
        below = call("sqrt", below)
    near = growth(_y, _a, _a / share) / below
    return patch(call("huge", _y) < _w, _far_decay(share), near)


def _define_root(name: str, share: int, meaning: str) -> Helper:
    return define(
        Helper(
            name,
            ("y", "a"),
            meaning,
            _root(share),
            lambda y, a: mp.exp((a - 2) / share * mp.log1p(y * y / abs(a - 2))),
        )
    )


power = _define_root(
    "power", 2, "P = (1 + y^2/b)^(a/2 - 1) with b = |a - 2|: the weight at scale 1."
)
root_power = _define_root(
    "root_power", 4, "The square root of P, for products that P alone would push out of range."
)
quarter_power = _define_root(
    "quarter_power",
    8,
    "The fourth root of P, for steep powers whose square root may leave the range too.",
)
