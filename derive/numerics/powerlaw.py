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
from derive.numerics.helpers import (
    log1p_square,
    log_excess_square,
    power,
    root_power,
    saturation,
)
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
    tail: Node  # exponent a of the tail: y^k P ~ y^(a - 2 + k)


def _u(y: Node) -> Node:
    return Local("u", y * y)


def _exp(value: Node) -> Node:
    return call("exp", value)


def general(y: Node, a: Node) -> Factors:
    return Factors(
        value=kernel.value(y, a),
        power=power(y, a),
        root_power=root_power(y, a),
        saturating=kernel.saturating(y, a),
        excess=kernel.excess(y, a),
        slope=kernel.slope(y, a),
        bend=kernel.bend(y, a),
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
    rest = f.excess / 2

    def product(k: int, powers_of_c: int, factor: Node | None = None) -> Node:
        return _product(f, y, c, k, powers_of_c, factor)

    found = {
        "loss": f.value,
        f"d_{x}": product(1, 1),
        f"d_{cc}": -product(2, 1),
        f"d2_{x}": product(0, 2, 1 + f.saturating),
        f"d2_{x}_{cc}": -product(1, 2, 2 + f.saturating),
        f"d2_{cc}": product(2, 2, 3 + f.saturating),
        "weight": product(0, 2),
    }
    if a is not None and f.slope is not None and f.bend is not None:
        found |= {
            f"d_{a}": f.slope,
            f"d2_{x}_{a}": product(1, 1, rest),
            f"d2_{a}": f.bend,
            f"d2_{a}_{cc}": -product(2, 1, rest),
        }
    return found


def _product(f: Factors, y: Node, c: Node, k: int, powers_of_c: int, factor: Node | None) -> Node:
    """y^k P factor/c^m. Where P leaves the range although the product need not, by halves; at
    y = ±inf the limit. Divisions by c come early: y^2 may underflow where y^2/c does not."""
    if factor == node(0):
        return node(0)
    p = Local("p", f.power)
    usual: Node = p if factor is None else p * factor
    usual = y * usual if k else usual
    halves: Node = f.root_power if factor is None else f.root_power * factor
    halves = y * halves if k else halves
    usual, halves = usual / c, halves / c
    usual = usual * y if k == 2 else usual
    halves = halves * (y * f.root_power if k == 2 else f.root_power)
    if powers_of_c == 2:
        usual, halves = usual / c, halves / c
    if f.power == node(1):
        return usual
    huge = call("huge", y)
    extreme = call("or", p < 1 / huge, huge < p)
    endless = _endless(f, y, c, k, powers_of_c, factor)
    return patch(
        call("eq", absolute(y), inf), endless, patch(extreme, halves, usual)
    )


def _endless(
    f: Factors, y: Node, c: Node, k: int, powers_of_c: int, factor: Node | None
) -> Node:
    """The limit at y = ±inf. |y|^k P tends to k or 1 where the powers balance, else to 0 or inf;
    a 0 wins over the logarithm in G."""
    order = f.tail - 2 + k
    limit: Node
    if isinstance(order, Number):
        limit = node(0 if order.value < 0 else inf if order.value > 0 else max(k, 1))
    else:
        limit = call("pow", inf, order) * max(k, 1)
    if limit == node(0):
        return limit
    if factor is not None:
        product = limit * factor
        limit = product if isinstance(limit, Number) else where(call("eq", limit, 0), 0, product)
    for _ in range(powers_of_c):
        limit = limit / c
    return call("sign", y) * limit if k == 1 else limit
