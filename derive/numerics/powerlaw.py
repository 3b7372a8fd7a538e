"""Barron's family k((x/c)^2; a) in stable form: at every exponent, and where the exponent is fixed.

Each quantity is a product of few well-conditioned factors (see `kernel`):

    d_x = y P/c,  d_c = -y^2 P/c,  weight = P/c^2,  d2_x = P (1 + S)/c^2,  d2_x_c = -y P (2 + S)/c^2,
    d2_c = y^2 P (3 + S)/c^2,  d2_x_a = y P G/(2 c),  d2_a_c = -y^2 P G/(2 c),  y = x/c.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from derive.numerics import kernel
from derive.numerics.helpers import log1p_square, log_excess_square, saturation
from derive.numerics.nodes import Local, Name, Node, Number, absolute, call, node, patch, where


@dataclass(frozen=True)
class Factors:
    """The factors of every quantity at one exponent; None where a limit makes it needless."""

    value: Node
    power: Node
    root_power: Node
    saturating: Node
    excess: Node
    slope: Node | None
    bend: Node | None
    extreme: Node | None
    tail: Node  # exponent a of the tail: y^k P ~ y^(a - 2 + k)


def _u(y: Node) -> Node:
    return Local("u", y * y)


def _exp(value: Node) -> Node:
    return call("exp", value)


def general(y: Node, a: Node) -> Factors:
    return Factors(
        value=kernel.value(y, a),
        power=kernel.power(y, a),
        root_power=kernel.root_power(y, a),
        saturating=kernel.saturating(y, a),
        excess=kernel.excess(y, a),
        slope=kernel.slope(y, a),
        bend=kernel.bend(y, a),
        extreme=kernel.is_extreme(y, a),
        tail=a,
    )


def _root1p(y: Node, b: int) -> Node:
    u = _u(y)
    far = absolute(y) / call("sqrt", b)
    return Local("root", patch(call("huge", y) < u, far, call("sqrt", 1 + u / b)))


def _at_two(y: Node) -> Factors:
    diverges = call("where", call("eq", y, 0), 0, inf)
    return Factors(
        value=_u(y) / 2,
        power=node(1),
        root_power=node(1),
        saturating=node(0),
        excess=diverges,
        slope=diverges,
        bend=diverges,
        extreme=None,
        tail=node(2),
    )


def _at_zero(y: Node) -> Factors:
    root = _root1p(y, 2)
    return Factors(
        value=log1p_square(y, 2),
        power=1 / (1 + _u(y) / 2),
        root_power=1 / root,
        saturating=-2 * saturation(y, 2),
        excess=log_excess_square(y, 2),
        slope=kernel.slope_at_zero(y),
        bend=kernel.bend_at_zero(y),
        extreme=call("huge", y) < _u(y),
        tail=node(0),
    )


def _at_one(y: Node) -> Factors:
    root = _root1p(y, 1)
    return Factors(
        value=y / (root + 1) * y,
        power=1 / root,
        root_power=call("sqrt", 1 / root),
        saturating=-saturation(y, 1),
        excess=log_excess_square(y, 1),
        slope=None,
        bend=None,
        extreme=None,
        tail=node(1),
    )


def _at_minus_two(y: Node) -> Factors:
    u = _u(y)
    total = Local("total", 1 + u / 4)
    return Factors(
        value=2 * saturation(y, 4),
        power=1 / (total * total),
        root_power=1 / _root1p(y, 4) / _root1p(y, 4),
        saturating=-4 * saturation(y, 4),
        excess=log_excess_square(y, 4),
        slope=None,
        bend=None,
        extreme=call("sqrt", call("huge", y)) < u,
        tail=node(-2),
    )


def _at_infinity(y: Node, sign: int) -> Factors:
    u = _u(y)
    # u may be infinite beside a power of 0; the power wins.
    bounded = call("min", u, call("huge", y))
    zero = node(0)
    signed = u if sign > 0 else -u
    growth = call("expm1", u / 2) if sign > 0 else -call("expm1", -u / 2)
    return Factors(
        value=growth,
        power=_exp(signed / 2),
        root_power=_exp(signed / 4),
        saturating=bounded if sign > 0 else -bounded,
        excess=zero,
        slope=zero,
        bend=zero,
        extreme=call("huge", y) < _exp(u / 2),
        tail=node(sign * inf),
    )


FIXED: dict[str, Callable[[Node], Factors]] = {
    "2": _at_two,
    "1": _at_one,
    "0": _at_zero,
    "-2": _at_minus_two,
    "oo": lambda y: _at_infinity(y, 1),
    "-oo": lambda y: _at_infinity(y, -1),
}


@dataclass(frozen=True)
class Letters:
    """The names of the family's variables in a loss."""

    x: str
    a: str | None
    c: str


def quantities(factors: Callable[[Node], Factors], letters: Letters) -> dict[str, Node]:
    """Every quantity of the family as nodes, given the factors at one exponent."""
    c = Name(letters.c)
    y = Local("y", Name(letters.x) / c)
    f = factors(y)
    a, cc, x = letters.a, letters.c, letters.x
    slope = _product(f, y, c, 1)
    scale_slope = -_product(f, y, c, 2)
    weight = _product(f, y, c, 0)
    found = {
        "loss": f.value,
        f"d_{x}": slope,
        f"d_{cc}": scale_slope,
        f"d2_{x}": weight * (1 + f.saturating),
        f"d2_{x}_{cc}": -slope / c * (2 + f.saturating),
        f"d2_{cc}": -scale_slope / c * (3 + f.saturating),
        "weight": weight,
    }
    if a is not None and f.slope is not None and f.bend is not None:
        found |= {
            f"d_{a}": f.slope,
            f"d2_{x}_{a}": _vanishing(slope, f.excess),
            f"d2_{a}": f.bend,
            f"d2_{a}_{cc}": _vanishing(scale_slope, f.excess),
        }
    return found


def _vanishing(slope: Node, excess: Node) -> Node:
    """slope G/2; far out G grows without end, and a power of 0 wins over it."""
    if excess == node(0):
        return node(0)
    return where(call("eq", slope, 0), 0, slope * (excess / 2))


def _product(f: Factors, y: Node, c: Node, k: int) -> Node:
    """y^k P/c (k = 0: P/c^2): by halves where P would leave the range alone, and the limit at
    y = ±inf."""
    q = f.root_power
    if k == 0:
        usual, halves, limit = f.power / c / c, q / c * (q / c), _tail(f, k) / c / c
    elif k == 1:
        usual, halves = y * f.power / c, y * q / c * q
        limit = call("sign", y) * (_tail(f, k) / c)
    else:
        usual, halves, limit = y * f.power * y / c, y * q / c * (y * q), _tail(f, k) / c
    if f.power == node(1):
        return usual
    mended = usual if f.extreme is None else patch(f.extreme, halves, usual)
    return patch(call("eq", absolute(y), inf), limit, mended)


def _tail(f: Factors, k: int) -> Node:
    """The limit of |y|^k P at y = inf: b^(k/2) = k or 1 where the powers balance, else 0 or inf."""
    order = f.tail - 2 + k
    if isinstance(order, Number):
        return node(0 if order.value < 0 else inf if order.value > 0 else max(k, 1))
    return call("pow", inf, order) * max(k, 1)
