"""Values of expressions at points where the formula itself may have none: limits in a parameter.

At alpha = 0 or ±oo a definition is continued by its limit. The limit is found symbolically by the
calculus (from both sides, confirmed by numbers there) and evaluated by balls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sympy import Expr, Integer, Rational, S, Set, Symbol, nan, oo, zoo
from sympy.core.relational import Relational

from derive.calculus.limits import one_sided
from derive.calculus.special_points import sides
from derive.definitions.loss import Loss
from derive.verification.backend import Undefined, arb
from derive.verification.claims.ball import Number, enclose

Place = Mapping[Symbol, Expr]  # exact numbers, ±oo included


def fraction(value: Expr) -> Number:
    """An exact number as a fraction, or as a ball (±oo, roots)."""
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q))
    if value in (oo, -oo):
        return arb.pos_inf() if value == oo else arb.neg_inf()
    return enclose(value, {}, 200)


def irrational(at: Place) -> tuple[dict[Symbol, Expr], dict[Symbol, Expr]]:
    """The values that are put in as they stand, so that ties are seen; and the others."""
    exact = {v: x for v, x in at.items() if not (x.is_Rational or x in (oo, -oo))}
    return exact, {v: x for v, x in at.items() if v not in exact}


def infinite(value: Number) -> int:
    """1 or -1 for ±oo, else 0."""
    if isinstance(value, Fraction) or value.is_finite() or value.is_nan():
        return 0
    return 1 if value > 0 else -1 if value < 0 else 0


@dataclass
class Places:
    """Values for one loss, with the limits that were found kept."""

    loss: Loss
    known: dict[tuple[Expr, Symbol, Expr], Expr | None] = field(default_factory=dict)

    def value(self, expression: Expr, at: Place) -> Number:
        """The value, or the limit where one parameter has to be approached. Undefined: none."""
        exact, rest = irrational(at)
        told = expression.xreplace(exact) if exact else expression
        if exact and told.has(nan, zoo):
            raise Undefined(f"no value at {', '.join(f'{v} = {x}' for v, x in exact.items())}")
        return self._value(told, rest, 2)

    def _value(self, expression: Expr, at: dict[Symbol, Expr], approaches: int) -> Number:
        endless = [v for v in self._order(at) if at[v] in (oo, -oo) and expression.has(v)]
        if endless:
            if _compares_infinities(expression, endless[0]):  # its own value there is stated
                v = endless[0]
                rest = {u: value for u, value in at.items() if u != v}
                told = expression.subs(v, at[v])
                if not told.has(nan, zoo, oo, -oo):
                    return self._value(told, rest, approaches)
            return self._moved(expression, at, endless[:1], approaches)
        try:
            found = enclose(expression, {v: fraction(value) for v, value in at.items()})
            if isinstance(found, Fraction) or found.is_finite():
                return found
            trouble = Undefined("beyond the range of numbers")
        except Undefined as reason:
            trouble = reason
        if not approaches:
            raise trouble
        candidates = [v for v in self._order(at) if expression.has(v) and self._is_special(v, at)]
        if not candidates:
            raise trouble
        return self._moved(expression, at, candidates, approaches)

    def _order(self, at: Place) -> Iterator[Symbol]:
        """Parameters ahead of the residual: the loss at its parameters is meant."""
        yield from (v for v in self.loss.parameters if v in at)
        yield from (v for v in at if v not in self.loss.parameters)

    def _is_special(self, v: Symbol, at: Place) -> bool:
        domain = self.loss.domain(v) if v in self.loss.variables else S.Reals
        return at[v] in self.loss.special.get(v, ()) or at[v] == 0 or at[v] in (
            domain.inf, domain.sup
        )  # fmt: skip

    def _moved(
        self, expression: Expr, at: dict[Symbol, Expr], variables: list[Symbol], approaches: int
    ) -> Number:
        trouble = "no limit was found"
        for v in variables:
            limit = self.limit(expression, v, at[v])
            if limit is None:
                continue
            if limit in (oo, -oo):
                return fraction(limit)
            rest = {u: value for u, value in at.items() if u != v}
            try:
                return self._value(limit, rest, approaches - 1)
            except Undefined as reason:
                trouble = str(reason)
        raise Undefined(trouble)

    def limit(self, expression: Expr, v: Symbol, point: Expr) -> Expr | None:
        """The limit in one variable from every side of its domain; None where they differ."""
        key = expression, v, point
        if key not in self.known:
            self.known[key] = self._limit(expression, v, point)
        return self.known[key]

    def _limit(self, expression: Expr, v: Symbol, point: Expr) -> Expr | None:
        domain: Set = self.loss.domain(v) if v in self.loss.variables else S.Reals
        found = {self.side(expression, v, point, s) for s in sides(point, domain)}
        return found.pop() if len(found) == 1 else None

    def side(self, expression: Expr, v: Symbol, point: Expr, direction: str) -> Expr | None:
        """A one-sided limit, None where none was confirmed."""
        try:
            found = one_sided(self.loss, "claim", expression, v, point, direction)
        except (ValueError, KeyError, NotImplementedError, ArithmeticError, IndexError):
            return None
        return None if found.value in (nan, zoo) or found.value.has(nan, zoo) else found.value


def text(value: Any) -> str:
    """A number of a point as a person writes it."""
    if isinstance(value, Fraction):
        value = Rational(value.numerator, value.denominator)
    return str(Integer(value) if isinstance(value, int) else value)


def fixed(places: Places, expression: Expr, at: Place) -> Expr:
    """The expression with some variables at exact values; singular ones by their limit."""
    order = [v for v in (*places.loss.parameters, *at) if v in at]
    for v in dict.fromkeys(order):
        if not expression.has(v):
            continue
        value = at[v]
        told = value in (oo, -oo) and not _compares_infinities(expression, v)
        moved = nan if told else expression.subs(v, value)
        if moved.has(nan, zoo, oo, -oo):
            moved = places.limit(expression, v, value)
        if moved is None:
            raise Undefined(f"no limit at {v} = {value}")
        expression = moved
    return expression


def _compares_infinities(expression: Expr, v: Symbol) -> bool:
    return any(r.has(v) and r.has(oo, -oo) for r in expression.atoms(Relational))
