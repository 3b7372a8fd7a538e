"""Values of limits, integrals, extrema and normalizers at a point, all other variables numbers."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from sympy import Expr, Interval, Rational, S, Set, Symbol, oo

from derive.errors import BadInput
from derive.verification.backend import Undefined, arb
from derive.verification.claims.ball import Number, ball
from derive.verification.claims.extrema import extremum
from derive.verification.claims.line import Line, number, same, shown_value
from derive.verification.claims.places import fixed, fraction
from derive.verification.claims.quadrature import divergences, quadrature
from derive.verification.claims.samples import domain_of
from derive.verification.claims.terms import (
    DIFF,
    INTEGRAL,
    LIMIT,
    LOG_PARTITION,
    SUP,
    Operator,
    Term,
)
from derive.verification.claims.values import NoValue, Values, compare
from derive.verification.normalizer import Normalizer

Place = Mapping[Symbol, Expr]


class Numeric:
    """The operators of one loss, by numbers."""

    def __init__(self, values: Values) -> None:
        self.values, self.loss = values, values.loss
        self._normalizer: Normalizer | None = None

    def value(self, operator: Operator, at: Place) -> Number:
        if operator.kind == LOG_PARTITION:
            return self.log_partition(at)
        if operator.kind == DIFF:
            raise Undefined("the derivative of an operator's value has no formula")
        v = operator.variable
        assert v is not None
        if operator.kind == LIMIT:
            return self.limit(operator, v, at)
        domain = domain_of(self.loss, v)
        if operator.kind == INTEGRAL:
            ends = [self.point(t, at) for t in operator.at]
            return self.integral(operator.body, v, ends, at)
        line = self.line(operator.body, v, at, domain)
        return extremum(line, operator.kind == SUP)

    def point(self, term: Term, at: Place) -> Expr:
        """A point given as an expression, at the values of the variables."""
        return term.expression.subs({v: at[v] for v in term.free if v in at})

    def line(
        self, body: Term, v: Symbol, at: Place, domain: Set, extra: tuple[Expr, ...] = ()
    ) -> Line:
        """The body as a function of v; operators that do not depend on v become numbers."""
        expression = body.expression
        for dummy, operator in body.operators.items():
            if v in operator.free:
                raise Undefined(f"{operator.kind} depends on {v}")
            expression = expression.subs(dummy, rational(self.values.operator(operator, at)))
        rest = {u: value for u, value in at.items() if u != v}
        fixed_expression = fixed(self.values.places, expression, rest)
        special = [p for p in self.loss.special.get(v, ()) if p not in (oo, -oo)]
        kept = tuple(p for p in special if fixed_expression.has(v))
        sizes = [value for u, value in rest.items() if u.is_positive and value.is_finite]
        units = tuple(dict.fromkeys((*sizes, S.One)))
        return Line(fixed_expression, v, domain, (*kept, *extra), units)

    def limit(self, operator: Operator, v: Symbol, at: Place) -> Number:
        point = self.point(operator.at[0], at)
        domain = domain_of(self.loss, v)
        line = self.line(operator.body, v, at, Interval(domain.inf, domain.sup))
        found = {}
        for direction in limit_sides(point, operator.side, domain):
            found[direction] = line.side(point, direction)
        if not found:
            raise Undefined(f"{point} cannot be approached inside the domain of {v}")
        values = list(found.values())
        if not all(same(values[0], other) for other in values):
            words = ", ".join(
                f"{shown_value(x)} from {'above' if d == '+' else 'below'}"
                for d, x in found.items()
            )
            raise NoValue(f"no limit: {words}")
        return number(values[0])

    def integral(self, body: Term, v: Symbol, ends: list[Expr], at: Place) -> Number:
        low, high = ends
        if low == high:
            return Fraction(0)
        if compare(fraction(low), fraction(high)) == 1:
            return -self.integral(body, v, [high, low], at)
        line = self.line(body, v, at, Interval(low, high))
        orders = {end: line.order(*end) for end in line.ends}
        signs = divergences(line, orders)
        if signs:
            if len(signs) == 1 and 0 not in signs:
                return fraction(oo * signs.pop())
            raise NoValue("the integral does not exist: it diverges with both signs")
        return quadrature(line, orders)

    def log_partition(self, at: Place) -> Number:
        if self._normalizer is None:
            try:
                self._normalizer = Normalizer(self.loss)
            except BadInput as trouble:
                raise Undefined(str(trouble)) from None
        parameters = {p.name: _input(at[p]) for p in self.loss.parameters}
        try:
            floats = {n: float(x) for n, x in parameters.items()}
            if not self._normalizer.exists(floats):
                return fraction(oo)
            return self._normalizer.log_partition(parameters)
        except (BadInput, ArithmeticError, ValueError, TypeError) as trouble:
            raise Undefined(f"no enclosure of the normalizer: {trouble}") from None


def _input(value: Expr) -> Any:
    """A parameter for the normalizer: a float where that is exact, else a ball."""
    if value in (oo, -oo):
        return float(value)
    if value.is_Rational and Rational(float(value)) == value:
        return float(value)
    return ball(fraction(value))


def rational(value: Number) -> Expr:
    """A number as an exact one that is as good as it: 60 digits."""
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    if not value.is_finite():
        raise Undefined("an infinite value inside a formula")
    if not value.rad() < arb((1, -90)) * (abs(value.mid()) + arb((1, -300))):
        raise Undefined("a value that is not known well enough")
    mantissa, exponent = value.mid().man_exp()
    return Rational(int(mantissa)) * Rational(2) ** int(exponent)


def limit_sides(point: Expr, side: str, domain: Set) -> tuple[str, ...]:
    """From where a limit is taken: the named side, or every side that the domain has."""
    if point == oo:
        return ("-",)
    if point == -oo:
        return ("+",)
    if side:
        return (side,)
    if point == domain.inf:
        return ("+",)
    return ("-",) if point == domain.sup else ("+", "-")
