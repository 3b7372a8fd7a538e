"""Polynomials in x over a length, where a formula's terms cancel or its roundings add up.

If a quantity has one unit of length c, a parameter or a power of one, it is c^e psi(x/c); psi is
even or odd and has a zero of some order m at 0. psi(z)/z^m around 0, and psi itself between two
other points, are interpolated at high precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mpmath import mp
from sympy import Expr, S, Symbol

from derive.calculus.evaluate import NotReal, evaluate
from derive.numerics.chebyshev import interpolant
from derive.numerics.lower import lower
from derive.numerics.nodes import Local, Name, Node, absolute, call, polynomial
from derive.numerics.units import Unit

_DIGITS = 30
_TROUBLES = (NotReal, ZeroDivisionError, KeyError, NotImplementedError)


@dataclass(frozen=True)
class Profile:
    """A quantity as length^degree psi(x/length); no unit: a function of x alone.

    sign: 1 for even psi, -1 for odd. order: of the zero at 0, None if it is no whole number.
    """

    expression: Expr
    residual: Symbol
    unit: Unit | None
    degree: int
    sign: int
    order: int | None

    def psi(self, z: Any) -> Any:
        at = {self.residual: mp.mpf(z)}
        if self.unit is not None:
            at[self.unit.parameter] = mp.mpf(1)
        return evaluate(self.expression, at)

    @property
    def size(self) -> Node:
        x = Name(self.residual.name)
        return absolute(x if self.unit is None else Local("z", self.unit.lengths(self.residual)))


def profile(expression: Expr, residual: Symbol, unit: Unit | None) -> Profile | None:
    """None where the quantity has other variables, no degree, or is neither even nor odd."""
    variables = {residual} if unit is None else {residual, unit.parameter}
    if expression.free_symbols != variables:
        return None
    with mp.workdps(4 * _DIGITS):
        try:
            degree = 0 if unit is None else _degree(expression, residual, unit)
            if degree is None:
                return None
            bare = Profile(expression, residual, unit, degree, 1, None)
            sign = _parity(bare)
            if sign is None:
                return None
            return Profile(expression, residual, unit, degree, sign, _order(bare))
        except _TROUBLES:
            return None


def _degree(expression: Expr, x: Symbol, unit: Unit) -> int | None:
    at = {x: mp.mpf(7) / 9, unit.parameter: mp.mpf(13) / 7}
    stretched = at[unit.parameter] * mp.mpf(3) ** evaluate(unit.weight, {})
    wide = {x: at[x] * 3, unit.parameter: stretched}
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


def around_zero(found: Profile, reach: float) -> Iterator[Node]:
    """c^e z^m p(z^2), or p(|z|), for |z| <= reach, both orders of factors; nothing if psi has no
    such form there."""
    order = found.order
    if order is None:
        return
    for power in (2, 1) if found.sign == (-1) ** order else (1,):
        p = _around_zero(found, order, power, reach)
        if p is not None:
            z = found.size
            yield from _scaled(found, polynomial(z * z if power == 2 else z, p), order)
            return


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
    if p is None:
        return None
    return next(_scaled(found, polynomial(found.size - middle, p), order))


def _scaled(found: Profile, total: Node, order: int) -> Iterator[Node]:
    """c^e |z|^order times the total, with its sign: small factors meet large ones first, or the
    power of z is taken first, which stays in range where z is not tiny."""
    c = S.One if found.unit is None else found.unit.length
    inverse = 1 / c
    up, down = (True, lower(c)), (False, lower(c))
    if inverse.is_Symbol:
        up, down = (False, lower(inverse)), (True, lower(inverse))
    lengths, rest = [up] * found.degree, [down] * -found.degree
    power = [(True, found.size)] * order
    for steps in dict.fromkeys(((*lengths, *power, *rest), (*power, *lengths, *rest))):
        value = total
        for times, factor in steps:
            value = value * factor if times else value / factor
        yield value if found.sign > 0 else call("sign", Name(found.residual.name)) * value
