"""Polynomials for the neighbourhood of x = 0, where a formula's terms cancel.

If the loss has one length c (loss(kx, kc) = k^d loss(x, c)), every quantity is c^e psi(x/c); psi
has a zero of some order m at 0, and psi(z)/z^m is smooth on each side: a Chebyshev interpolant of
it, computed at high precision, keeps all digits there.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mpmath import mp
from sympy import Expr, Symbol

from derive.calculus.evaluate import NotReal, evaluate
from derive.definitions.loss import Loss
from derive.numerics.nodes import Local, Name, Node, absolute, call, node, polynomial

_DIGITS = 30
_MOST_TERMS = 34


@dataclass(frozen=True)
class Length:
    """The parameter that measures x, and the degree of the loss in it (None: no parameters)."""

    parameter: Symbol | None
    degree: int


def length_of(loss: Loss) -> Length | None:
    """The one length of a loss with at most one parameter; None where there is none."""
    if not loss.parameters:
        return Length(None, 0)
    if len(loss.parameters) > 1 or not loss.parameters[0].is_positive:
        return None
    c, x = loss.parameters[0], loss.residual
    with mp.workdps(40):
        at = {x: mp.mpf(7) / 9, c: mp.mpf(13) / 7}
        wide = {x: at[x] * 3, c: at[c] * 3}
        ratio = evaluate(loss.expression, wide) / evaluate(loss.expression, at)
        for degree in (0, 1, 2):
            if abs(ratio - mp.mpf(3) ** degree) < mp.mpf(10) ** -30:
                return Length(c, degree)
    return None


def near_zero(loss: Loss, expression: Expr, orders: int, reach: Fraction) -> Node | None:
    """c^(degree - orders) z^m p(|z|), z = x/c, good for |z| <= reach; None if psi has no such
    form there. `orders` is the number of derivatives that the quantity holds."""
    length = length_of(loss)
    if length is None:
        return None

    def psi(z: Any) -> Any:
        at = {loss.residual: z}
        if length.parameter is not None:
            at[length.parameter] = mp.mpf(1)
        return evaluate(expression, at)

    with mp.workdps(4 * _DIGITS):
        try:
            order = _order(psi)
            if order is None:
                return None
            sign = _parity(psi)
            coefficients = _interpolant(
                lambda z: psi(z) / z**order, mp.mpf(reach.numerator) / reach.denominator
            )
        except (NotReal, ZeroDivisionError):
            return None
    if sign is None or coefficients is None:
        return None
    return _build(loss, length, orders, order, sign, coefficients)


def _order(psi: Any) -> int | None:
    small, smaller = mp.mpf(10) ** -12, mp.mpf(10) ** -13
    low, high = psi(smaller), psi(small)
    if low == 0 or high == 0:
        return None
    order = mp.log(high / low) / mp.log(10)
    whole = int(mp.nint(order))
    return whole if abs(order - whole) < mp.mpf(10) ** -8 and 0 <= whole <= 8 else None


def _parity(psi: Any) -> int | None:
    z = mp.mpf(3) / 11
    if abs(psi(-z) - psi(z)) < mp.mpf(10) ** -_DIGITS:
        return 1
    if abs(psi(-z) + psi(z)) < mp.mpf(10) ** -_DIGITS:
        return -1
    return None


def _interpolant(f: Any, reach: Any) -> tuple[float, ...] | None:
    """Monomial coefficients of the Chebyshev interpolant on [0, reach], as short as will do."""
    for terms in range(10, _MOST_TERMS + 1, 4):
        found, error = mp.chebyfit(f, [mp.mpf(10) ** -8, reach], terms, error=True)
        if error < abs(f(reach / 2)) * mp.mpf(2) ** -58:
            return tuple(float(c) for c in reversed(found))
    return None


def _build(
    loss: Loss, length: Length, orders: int, order: int, sign: int, coefficients: tuple[float, ...]
) -> Node:
    x = Name(loss.residual.name)
    c = None if length.parameter is None else Name(length.parameter.name)
    z: Node = x if c is None else Local("z", x / c)
    size = absolute(z)
    total: Node = polynomial(size, coefficients)
    for _ in range(order):
        total = total * size
    if c is not None:
        power = length.degree - orders
        for _ in range(abs(power)):
            total = total * c if power > 0 else total / c
    return total if sign > 0 else call("sign", z) * total + node(0)
