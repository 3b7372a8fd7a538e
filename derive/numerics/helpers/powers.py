"""Powers whose base lies at 1: what rounding takes from the base is put back.

A power multiplies the relative error of its base by its exponent.
"""

from __future__ import annotations

from fractions import Fraction

from mpmath import mp

from derive.numerics.helpers.helper import Helper, define, exp
from derive.numerics.nodes import Local, Name, Node, absolute, call, polynomial, where

_t, _q = Name("t"), Name("q")


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
