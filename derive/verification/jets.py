"""Truncated power series in several variables over balls: derivatives without symbolic calculus.

A jet is a list of Taylor coefficients, one for each multi-index of a box of orders; a coefficient
that is zero for every input is None and costs nothing. `Shape` knows the box; its operations are
compiled once for the variables that each operand depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import factorial, prod
from typing import Any

from derive.verification.backend import Ball, Undefined, ZeroDivisor, arb

Jet = list[Any]  # of Ball | None
Operation = Callable[[Jet, Jet], Jet]
Coefficients = Callable[[Ball, int], list[Ball]]

ONE = arb(1)


@dataclass(frozen=True)
class Shape:
    """The box of multi-indices 0 <= e <= orders, one order for each variable.

    spare: how many of the orders may be lost where a common zero is divided out.
    total: no multi-index whose sum is larger.
    """

    orders: tuple[int, ...]
    spare: tuple[int, ...]
    total: int = 99

    @cached_property
    def exponents(self) -> tuple[tuple[int, ...], ...]:
        boxed = product(*(range(n + 1) for n in self.orders))
        box = (e for e in boxed if sum(e) <= self.total)
        return tuple(sorted(box, key=lambda e: (sum(e), e)))

    @cached_property
    def index(self) -> dict[tuple[int, ...], int]:
        return {e: k for k, e in enumerate(self.exponents)}

    @cached_property
    def _codes(self) -> list[int]:
        """Each multi-index as one number, so that multi-indices add as numbers do."""
        base = 2 * max(self.orders) + 1
        return [sum(n * base**v for v, n in enumerate(e)) for e in self.exponents]

    @cached_property
    def _position(self) -> dict[int, int]:
        return {code: k for k, code in enumerate(self._codes)}

    def factor(self, exponent: tuple[int, ...]) -> int:
        """What turns the Taylor coefficient into the derivative."""
        return prod(map(factorial, exponent))

    def support(self, variables: frozenset[int]) -> tuple[int, ...]:
        """Coefficients that can differ from zero in a function of these variables alone."""
        return tuple(
            k
            for k, e in enumerate(self.exponents)
            if all(n == 0 or v in variables for v, n in enumerate(e))
        )

    def degree(self, variables: frozenset[int]) -> int:
        return min(sum(self.orders[v] for v in variables), self.total)

    def constant(self, value: Ball) -> Jet:
        return [value] + [None] * (len(self.exponents) - 1)

    @cached_property
    def _units(self) -> tuple[int | None, ...]:
        """Where the first derivative in each variable is."""
        places = range(len(self.orders))
        return tuple(self.index.get(tuple(int(v == k) for v in places)) for k in places)

    def variable(self, position: int, value: Ball) -> Jet:
        jet = self.constant(value)
        unit = self._units[position]
        if unit is not None:
            jet[unit] = ONE
        return jet

    def multiplier(self, left: Sequence[int], right: Sequence[int]) -> Operation:
        """The product of two jets whose coefficients lie in the two supports."""
        position = self._position
        codes = self._codes
        sums = ((codes[i] + codes[j], i, j) for i in left for j in right)
        pairs = [(position[code], i, j) for code, i, j in sums if code in position]
        size = len(self.exponents)

        def multiply(a: Jet, b: Jet) -> Jet:
            out: Jet = [None] * size
            for k, i, j in pairs:
                p, q = a[i], b[j]
                if p is None or q is None:
                    continue
                term, known = p * q, out[k]
                out[k] = term if known is None else known + term
            return out

        return multiply

    def composer(self, variables: frozenset[int]) -> Callable[[Coefficients, Jet], Jet]:
        """f(jet) from the Taylor coefficients of f at the jet's constant term."""
        degree = self.degree(variables)
        support = self.support(variables)
        tail = support[1:]
        multiply = self.multiplier(tail, tail)
        size = len(self.exponents)

        def compose(coefficients: Coefficients, jet: Jet) -> Jet:
            c = coefficients(jet[0], degree)
            out: Jet = [None] * size
            out[0] = c[0]
            power = jet
            for k in range(1, degree + 1):
                if k > 1:
                    power = multiply(power, jet)
                for i in tail:
                    h = power[i]
                    if h is not None:
                        term, known = c[k] * h, out[i]
                        out[i] = term if known is None else known + term
            return out

        return compose

    def quotient(self, top: Jet, bottom: Jet) -> Jet:
        """Of jets of any support: what it was may have grown as a power was divided out."""
        multiply, invert = self._general
        return multiply(top, invert(reciprocal, bottom))

    @cached_property
    def _general(self) -> tuple[Operation, Callable[[Coefficients, Jet], Jet]]:
        every = range(len(self.exponents))
        return self.multiplier(every, every), self.composer(frozenset(range(len(self.orders))))

    def add(self, a: Jet, b: Jet) -> Jet:
        return [q if p is None else p if q is None else p + q for p, q in zip(a, b, strict=True)]

    def cancel_zero(self, top: Jet, bottom: Jet, names: frozenset[str]) -> tuple[Jet, Jet]:
        """Divide numerator and denominator by the power of a variable that both contain.

        The orders lost at the upper end become NaN, which cannot pass for an answer.
        """
        for v in range(len(self.orders)):
            power = self._valuation(bottom, v)
            if 0 < power <= self.spare[v] and self._valuation(top, v) >= power:
                return self._shift(top, v, power), self._shift(bottom, v, power)
        raise ZeroDivisor("a divisor is zero", names)

    def _valuation(self, jet: Jet, v: int) -> int:
        orders = [
            e[v]
            for e, c in zip(self.exponents, jet, strict=True)
            if c is not None and not c.is_zero()
        ]
        return min(orders, default=self.orders[v] + 1)

    def _shift(self, jet: Jet, v: int, power: int) -> Jet:
        out: Jet = []
        for e in self.exponents:
            source = tuple(n + power * (i == v) for i, n in enumerate(e))
            out.append(jet[self.index[source]] if source in self.index else arb("nan"))
        return out


def reciprocal(a: Ball, degree: int) -> list[Ball]:
    """Taylor coefficients of 1/a."""
    if a.is_zero():
        raise Undefined("a divisor is zero")
    inverse = 1 / a
    c = [inverse]
    for _ in range(degree):
        c.append(-c[-1] * inverse)
    return c
