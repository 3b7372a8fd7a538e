"""Polynomials in x over a length, where a formula's terms cancel or its roundings add up.

If a quantity has one length c (Q(kx, kc) = k^e Q(x, c)), it is c^e psi(x/c); psi is even or odd and
has a zero of some order m at 0. psi(z)/z^m around 0, and psi itself between two other points, are
interpolated at high precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mpmath import mp
from sympy import Expr, Symbol

from derive.calculus.evaluate import NotReal, evaluate
from derive.numerics.chebyshev import interpolant
from derive.numerics.nodes import Local, Name, Node, absolute, call, polynomial

_DIGITS = 30
_TROUBLES = (NotReal, ZeroDivisionError, KeyError, NotImplementedError)


@dataclass(frozen=True)
class Profile:
    """A quantity as length^degree psi(x/length); length None: a function of x alone.

    sign: 1 for even psi, -1 for odd. order: of the zero at 0, None if it is no whole number.
    """

    expression: Expr
    residual: Symbol
    length: Symbol | None
    degree: int
    sign: int
    order: int | None

    def psi(self, z: Any) -> Any:
        at = {self.residual: mp.mpf(z)}
        if self.length is not None:
            at[self.length] = mp.mpf(1)
        return evaluate(self.expression, at)

    @property
    def size(self) -> Node:
        x = Name(self.residual.name)
        return absolute(x if self.length is None else Local("z", x / Name(self.length.name)))


def profile(expression: Expr, residual: Symbol) -> Profile | None:
    """None where the quantity has other variables, no degree, or is neither even nor odd."""
    others = sorted(expression.free_symbols - {residual}, key=str)
    if residual not in expression.free_symbols or len(others) > 1:
        return None
    length = others[0] if others else None
    if length is not None and not length.is_positive:
        return None
    with mp.workdps(4 * _DIGITS):
        try:
            degree = 0 if length is None else _degree(expression, residual, length, {})
            if degree is None:
                return None
            bare = Profile(expression, residual, length, degree, 1, None)
            sign = _parity(bare)
            if sign is None:
                return None
            return Profile(expression, residual, length, degree, sign, _order(bare))
        except _TROUBLES:
            return None


def _degree(expression: Expr, x: Symbol, c: Symbol, others: Mapping[Symbol, Any]) -> int | None:
    at = {**others, x: mp.mpf(7) / 9, c: mp.mpf(13) / 7}
    wide = {**at, x: at[x] * 3, c: at[c] * 3}
    ratio = evaluate(expression, wide) / evaluate(expression, at)
    for degree in range(-3, 4):
        if abs(ratio / mp.mpf(3) ** degree - 1) < mp.mpf(10) ** -_DIGITS:
            return degree
    return None


def _order(found: Profile) -> int | None:
    small, smaller = mp.mpf(10) ** -12, mp.mpf(10) ** -13
    low, high = found.psi(smaller), found.psi(small)
    if low == 0 or high == 0:
        return None
    order = mp.log(high / low) / mp.log(10)
    whole = int(mp.nint(order))
    return whole if abs(order - whole) < mp.mpf(10) ** -8 and 0 <= whole <= 8 else None


def _parity(found: Profile) -> int | None:
    z = mp.mpf(3) / 11
    there, back = found.psi(z), found.psi(-z)
    near = abs(there) * mp.mpf(10) ** -_DIGITS
    if abs(back - there) <= near:
        return 1
    return -1 if abs(back + there) <= near else None


def around_zero(found: Profile, reach: float) -> Node | None:
    """c^e z^m p(z^2), or p(|z|), for |z| <= reach; None if psi has no such form there."""
    order = found.order
    if order is None:
        return None
    for power in (2, 1) if found.sign == (-1) ** order else (1,):
        p = _around_zero(found, order, power, reach)
        if p is not None:
            z = found.size
            return _scaled(found, polynomial(z * z if power == 2 else z, p), order)
    return None


def _around_zero(found: Profile, order: int, power: int, reach: float) -> tuple[float, ...] | None:
    """psi(z)/z^order as a polynomial in w = z^power."""

    def rest(w: Any) -> Any:
        z = mp.root(w, power)
        return found.psi(z) / z**order

    with mp.workdps(4 * _DIGITS):
        try:
            return interpolant(rest, mp.mpf(10) ** (-8 * power), mp.mpf(reach) ** power, 0)
        except _TROUBLES:
            return None


def between(found: Profile, low: float, high: float) -> Node | None:
    """c^e z^m p(|z| - middle) for low <= |z| <= high: psi/z^m varies less than psi."""
    middle, order = (low + high) / 2, found.order or 0
    with mp.workdps(2 * _DIGITS):
        try:
            p = interpolant(lambda z: found.psi(z) / z**order, low, high, middle)
        except _TROUBLES:
            return None
    return None if p is None else _scaled(found, polynomial(found.size - middle, p), order)


def _scaled(found: Profile, total: Node, order: int) -> Node:
    """c^e |z|^order times the total, with its sign; small factors meet large ones first."""
    c = None if found.length is None else Name(found.length.name)
    for _ in range(found.degree if c is not None else 0):
        total = total * c
    for _ in range(order):
        total = total * found.size
    for _ in range(-found.degree if c is not None else 0):
        total = total / c
    return total if found.sign > 0 else call("sign", Name(found.residual.name)) * total
