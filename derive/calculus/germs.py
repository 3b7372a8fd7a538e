"""Behaviour of functions as t -> 0+: exp(E) times a truncated series in t and log t.

A coefficient is an expression in the other variables together with its values at a few fixed
points of high precision (its shadows): zero and sign are read off the shadows, so that no
simplifier has to be trusted. What is found here is a candidate; derive.calculus.confirm decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mpmath import mp
from sympy import Expr, Rational, S, Symbol, exp, expand, log, sign

from derive.calculus.evaluate import NotReal, evaluate

DIGITS = 120


class Unknown(Exception):
    """The expansion is outside what these series can express."""


class TooShort(Unknown):
    """Every known term cancelled: more terms are needed."""


class Mixed(Unknown):
    """A sign differs from one sample point to the next."""

    def __init__(self, expression: Expr) -> None:
        super().__init__(f"the sign of {expression} varies")
        self.expression = expression


@dataclass(frozen=True)
class Coefficient:
    expr: Expr
    shadows: tuple[Any, ...]

    def __mul__(self, other: Coefficient) -> Coefficient:
        pairs = zip(self.shadows, other.shadows, strict=True)
        return Coefficient(self.expr * other.expr, tuple(a * b for a, b in pairs))

    def __add__(self, other: Coefficient) -> Coefficient | None:
        """The sum, None where it is 0."""
        total, vanishes = [], True
        for a, b in zip(self.shadows, other.shadows, strict=True):
            total.append(a + b)
            if abs(a + b) > mp.mpf(10) ** (-DIGITS // 2) * (abs(a) + abs(b)):
                vanishes = False
        return None if vanishes else Coefficient(self.expr + other.expr, tuple(total))

    def sign(self) -> int:
        """+1 or -1; 0 where the sign differs between the sample points."""
        signs = {int(mp.sign(value)) for value in self.shadows}
        return signs.pop() if len(signs) == 1 else 0


Terms = dict[tuple[Expr, int], Coefficient]


@dataclass(frozen=True)
class Series:
    """Sum of coefficient * t**k * log(t)**m, up to a remainder smaller than t**order."""

    terms: Mapping[tuple[Expr, int], Coefficient]
    order: Expr | None = None


@dataclass(frozen=True)
class Germ:
    """exp(growth) * series; every term of growth is unbounded as t -> 0."""

    series: Series
    growth: Series = field(default_factory=lambda: Series({}))


class Germs:
    """Arithmetic of germs over fixed sample points, to a given number of terms."""

    def __init__(self, points: list[dict[Symbol, Any]], depth: int) -> None:
        self.points, self.depth = points, depth

    # Coefficients and exponents

    def coefficient(self, expr: Expr) -> Coefficient | None:
        shadows = tuple(evaluate(expr, at) for at in self.points)
        return None if all(value == 0 for value in shadows) else Coefficient(expr, shadows)

    def constant(self, expr: Expr) -> Germ:
        found = self.coefficient(expr)
        return Germ(Series({(S.Zero, 0): found} if found else {}))

    def compare(self, a: Expr, b: Expr) -> int:
        """Sign of a - b, for exponents of t."""
        gap = expand(a - b)
        if gap.is_Rational:
            return int(sign(gap))
        signs = {int(mp.sign(evaluate(gap, at))) for at in self.points}
        if len(signs) > 1:
            raise Mixed(gap)
        return signs.pop()

    def least(self, exponents: list[Expr]) -> Expr:
        best = exponents[0]
        for exponent in exponents[1:]:
            if self.compare(exponent, best) < 0:
                best = exponent
        return best

    def leading(self, series: Series) -> tuple[Expr, int, Coefficient]:
        """(k, m, coefficient) of the largest term as t -> 0."""
        if not series.terms:
            raise TooShort("every known term vanishes")
        k = self.least([k for k, _ in series.terms])
        m = max(m for other, m in series.terms if other == k)
        return k, m, series.terms[k, m]

    # Series

    def cut(self, terms: Terms, order: Expr | None) -> Series:
        """Drop what the remainder covers, and what lies beyond the wanted number of terms."""
        if order is not None:
            terms = {key: c for key, c in terms.items() if self.compare(key[0], order) < 0}
        exponents = sorted({k for k, _ in terms}, key=str)
        while len(exponents) > 2 * self.depth:
            last = exponents[0]
            for exponent in exponents[1:]:
                if self.compare(exponent, last) > 0:
                    last = exponent
            exponents.remove(last)
            order = last
            terms = {key: c for key, c in terms.items() if key[0] != last}
        return Series(terms, order)

    def plus(self, a: Series, b: Series) -> Series:
        terms: Terms = dict(a.terms)
        for key, c in b.terms.items():
            total = terms[key] + c if key in terms else c
            if total is None:
                del terms[key]
            else:
                terms[key] = total
        return self.cut(terms, self._smaller(a.order, b.order))

    def _smaller(self, a: Expr | None, b: Expr | None) -> Expr | None:
        if a is None or b is None:
            return b if a is None else a
        return self.least([a, b])

    def times(self, a: Series, b: Series) -> Series:
        if (not a.terms and a.order is None) or (not b.terms and b.order is None):
            return Series({})
        order = None
        for one, other in ((a, b), (b, a)):
            if one.order is not None:
                low = self.leading(other)[0] if other.terms else other.order
                order = self._smaller(order, expand(one.order + low))
        terms: Terms = {}
        for (k, m), c in a.terms.items():
            for (j, n), d in b.terms.items():
                key = (expand(k + j), m + n)
                if order is not None and self.compare(key[0], order) >= 0:
                    continue
                product = c * d
                total = terms[key] + product if key in terms else product
                if total is None:
                    del terms[key]
                else:
                    terms[key] = total
        return self.cut(terms, order)

    def scaled(self, a: Series, factor: Coefficient, k: Expr = S.Zero, m: int = 0) -> Series:
        terms = {(expand(j + k), n + m): c * factor for (j, n), c in a.terms.items()}
        return Series(terms, None if a.order is None else expand(a.order + k))

    def split(self, a: Series) -> tuple[Expr, Coefficient, Series]:
        """a = c t**k (1 + rest), rest -> 0."""
        k, m, c = self.leading(a)
        if m != 0:
            raise Unknown("a logarithm leads the series")
        inverse = Coefficient(1 / c.expr, tuple(1 / value for value in c.shadows))
        rest = self.scaled(a, inverse, -k)
        terms = {key: value for key, value in rest.terms.items() if key != (S.Zero, 0)}
        if any(self.compare(j, S.Zero) == 0 for j, _ in terms):
            raise Unknown("a logarithm stands beside the leading term")
        return k, c, Series(terms, rest.order)

    def compose(self, rest: Series, coefficients: list[Expr]) -> Series:
        """Sum of coefficients[n] * rest**n, where rest -> 0."""
        if not rest.terms and rest.order is None:
            return self.constant(coefficients[0]).series
        low = self.leading(rest)[0] if rest.terms else rest.order
        assert low is not None
        total, power = self.constant(coefficients[0]).series, self.constant(S.One).series
        for factor in coefficients[1:]:
            power = self.times(power, rest)
            found = self.coefficient(factor)
            if found is not None:
                total = self.plus(total, self.scaled(power, found))
        beyond = expand(low * len(coefficients))
        return self.cut(dict(total.terms), self._smaller(total.order, beyond))

    # Germs

    def add(self, a: Germ, b: Germ) -> Germ:
        gap = self.plus(a.growth, self.negative(b.growth))
        if not gap.terms:
            return Germ(self.plus(a.series, b.series), a.growth)
        for one, other in ((a, b), (b, a)):
            if not one.series.terms and one.series.order is None:
                return other
        larger = a if self.tends_up(gap) else b
        if not larger.series.terms:
            raise Unknown("the dominating exponentials cancel")
        return larger

    def negative(self, a: Series) -> Series:
        minus = Coefficient(S.NegativeOne, tuple(mp.mpf(-1) for _ in self.points))
        return self.scaled(a, minus)

    def tends_up(self, growth: Series) -> bool:
        """Whether an unbounded series goes to +oo (rather than to -oo)."""
        _, m, c = self.leading(growth)
        if c.sign() == 0:
            raise Mixed(c.expr)
        return bool(c.sign() * (-1) ** m > 0)

    def multiply(self, a: Germ, b: Germ) -> Germ:
        return Germ(self.times(a.series, b.series), self.plus(a.growth, b.growth))

    def exponential(self, a: Germ) -> Germ:
        if a.growth.terms:
            raise Unknown("an exponential of an exponential")
        order = a.series.order
        if order is not None and self.compare(order, S.Zero) <= 0:
            raise TooShort("the exponent is not known to its constant term")
        growth: Terms = {}
        small: Terms = {}
        factor, k = self.coefficient(S.One), S.Zero
        assert factor is not None
        for (j, m), c in a.series.terms.items():
            side = self.compare(j, S.Zero)
            if side > 0:
                small[j, m] = c
            elif side < 0 or m > 1:
                growth[j, m] = c
            elif m == 1:
                k = c.expr
            else:
                factor = Coefficient(exp(c.expr), tuple(mp.exp(value) for value in c.shadows))
        taylor, n = [S.One], S.One
        for i in range(1, self.depth + 1):
            n = n / i
            taylor.append(n)
        series = self.compose(Series(small, order), taylor)
        return Germ(self.scaled(series, factor, k), Series(growth))

    def logarithm(self, a: Germ) -> Germ:
        k, c, rest = self.split(a.series)
        if c.sign() < 0:
            raise NotReal("logarithm of a negative number")
        if c.sign() == 0:
            raise Mixed(c.expr)
        taylor = [S.Zero] + [Rational((-1) ** (n + 1), n) for n in range(1, self.depth + 1)]
        total = self.plus(self.compose(rest, taylor), a.growth)
        total = self.plus(total, self.constant(log(c.expr)).series)
        found = self.coefficient(k)
        if found is not None:
            total = self.plus(total, Series({(S.Zero, 1): found}))
        return Germ(total)

    def power(self, a: Germ, p: Expr) -> Germ:
        """a**p with p free of t."""
        if p.is_Integer and p >= 0 and p <= 2:
            product = self.constant(S.One)
            for _ in range(int(p)):
                product = self.multiply(product, a)
            return product
        k, c, rest = self.split(a.series)
        if not p.is_integer and c.sign() <= 0:
            raise NotReal("fractional power of a number that is not positive")
        binomial, factor = [S.One], S.One
        for n in range(1, self.depth + 1):
            factor = factor * (p - n + 1) / n
            binomial.append(factor)
        lead = self.coefficient(c.expr**p)
        assert lead is not None
        series = self.scaled(self.compose(rest, binomial), lead, expand(k * p))
        exponent = self.coefficient(p)
        assert exponent is not None
        return Germ(series, self.scaled(a.growth, exponent))
