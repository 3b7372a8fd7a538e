"""Values of terms at points, operators included, and what a relation makes of two of them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Protocol

from sympy import Expr, S, Symbol, oo, true

from derive.definitions.loss import Loss
from derive.verification.backend import NeedsPrecision, Undefined, ctx
from derive.verification.claims.ball import PRECISIONS, Balls, Number, ball, enclose
from derive.verification.claims.places import Places, fraction, infinite, irrational
from derive.verification.claims.terms import Operator, Term

Place = Mapping[Symbol, Expr]


class NoValue(Exception):
    """A limit or an integral that does not exist; the message says what happens instead."""


class Operators(Protocol):
    """How operators get their values at a point."""

    def value(self, operator: Operator, at: Place) -> Number: ...


class Values:
    """Terms of one loss, evaluated."""

    def __init__(self, loss: Loss) -> None:
        self.loss, self.places = loss, Places(loss)
        self.operators: Operators | None = None
        self.known: dict[Any, Number | Exception] = {}

    def term(self, term: Term, at: Place) -> Number:
        """The value; Undefined where none is known, NoValue where there is none."""
        if term.expression in (oo, -oo):
            return fraction(term.expression)
        if not term.operators:
            return self.places.value(term.expression, relevant(term, at))
        extra = {d: self.operator(op, at) for d, op in term.operators.items()}
        if term.expression.is_Symbol:
            return extra[term.expression]
        if any(infinite(value) for value in extra.values()):
            numbers = {v: fraction(value) for v, value in at.items()} | extra
            return Balls(numbers).value(term.expression)
        return self._mixed(term, at, extra)

    def _mixed(self, term: Term, at: Place, extra: Mapping[Symbol, Number]) -> Number:
        own = {v: value for v, value in at.items() if term.expression.has(v)}
        if not any(value in (oo, -oo) for value in own.values()):
            try:
                return enclose(
                    term.expression, {**{v: fraction(x) for v, x in own.items()}, **extra}
                )
            except Undefined:
                pass
        # the formula has to be approached: as a sum of a plain part and what the operators give
        plain = term.expression.xreplace(dict.fromkeys(extra, S.Zero))
        rest = term.expression - plain
        if any(rest.has(v) for v in own):
            raise Undefined("an operator stands beside a formula without a value here")
        return ball(self.places.value(plain, own)) + ball(enclose(rest, extra))

    def operator(self, operator: Operator, at: Place) -> Number:
        key = operator, tuple(sorted(((v.name, at[v]) for v in operator.free if v in at), key=str))
        if key not in self.known:
            try:
                assert self.operators is not None
                self.known[key] = self.operators.value(operator, at)
            except (Undefined, NeedsPrecision, NoValue) as trouble:
                self.known[key] = trouble
        found = self.known[key]
        if isinstance(found, Exception):
            raise found
        return found

    def holds(self, where: Any, at: Place) -> bool:
        """Whether a condition on the variables holds at a point."""
        if where is true:
            return True
        exact, rest = irrational(at)
        told = where.xreplace(exact) if exact else where
        try:
            for precision in PRECISIONS:
                ctx.prec = precision
                try:
                    numbers = {v: fraction(value) for v, value in rest.items()}
                    return bool(Balls(numbers, ties=precision == PRECISIONS[-1]).truth(told))
                except NeedsPrecision:
                    continue
        except Undefined:
            return False
        return False


def relevant(term: Term, at: Place) -> dict[Symbol, Expr]:
    free = term.expression.free_symbols
    return {v: value for v, value in at.items() if v in free}


def compare(left: Number, right: Number) -> int | None:
    """-1, 0 or 1 as left is below, equal to or above right; None where the balls overlap.

    Balls that agree to hundreds of digits without being exact stay undecided.
    """
    for a, b, sign in ((left, right, 1), (right, left, -1)):
        if infinite(a):
            return 0 if infinite(a) == infinite(b) else sign * infinite(a)
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return (left > right) - (left < right)
    ctx.prec = PRECISIONS[-1]
    gap = ball(left) - ball(right)
    if gap.is_zero():
        return 0
    return 1 if gap > 0 else -1 if gap < 0 else None


HOLDS = {
    "==": (0,), "!=": (-1, 1), "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1),
}  # fmt: skip
