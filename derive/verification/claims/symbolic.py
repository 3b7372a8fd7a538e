"""Operators replaced by closed expressions, piece by piece of the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sympy
from sympy import Expr, Interval, S, Set, Symbol

from derive.definitions.loss import Loss
from derive.verification.claims.closed import resolved
from derive.verification.claims.cuts import Unclear
from derive.verification.claims.derivative import derivative, without_extremes
from derive.verification.claims.expansion import side_limit
from derive.verification.claims.operators import limit_sides
from derive.verification.claims.primitive import integral
from derive.verification.claims.regions import Carried, Cutter, Piece
from derive.verification.claims.samples import domain_of
from derive.verification.claims.simplify import is_zero
from derive.verification.claims.terms import DIFF, INTEGRAL, LIMIT, Operator, Term


@dataclass(frozen=True)
class Case:
    """Expressions without operators on one piece of the parameters, as a loss of its own."""

    loss: Loss
    expressions: tuple[Expr, ...]
    where: Any
    method: str = ""
    steps: tuple[str, ...] = ()


@dataclass
class Symbolic:
    """The operators of one claim."""

    loss: Loss
    where: Any
    steps: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)

    def cases(self, terms: Sequence[Term]) -> list[Case] | None:
        """One case where no operator is left; else one for each piece of the parameters."""
        operators = [op for t in terms for op in t.operators.values()]
        if not operators:
            return [Case(self.loss, tuple(t.expression for t in terms), self.where)]
        bound = {op.variable for op in operators}
        if len(bound) != 1:
            return None
        (v,) = bound
        if v is None or v in self.where.free_symbols:
            return None
        cells = self._cells(terms, operators, v)
        return [self._case(terms, v, cell) for cell in cells]

    def _cells(
        self, terms: Sequence[Term], operators: Sequence[Operator], v: Symbol
    ) -> list[Piece]:
        """The pieces of all other variables, on which the bodies make no other choice."""
        bodies = [plain(op.body, self.loss) for op in operators]
        sides = [t.expression for t in terms]
        carrier = sympy.Tuple(*(without_extremes(e) for e in (*bodies, *sides)))
        made = Cutter(self.loss, self.where, skip=v).pieces(Carried(*carrier))
        return made

    def _case(self, terms: Sequence[Term], v: Symbol, cell: Piece) -> Case:
        self.steps, self.methods = [], []
        count = sum(len(t.operators) for t in terms)
        bodies = list(cell.expression.args[:count])
        sides = list(cell.expression.args[count:])
        values = {}
        for t in terms:
            for dummy, op in t.operators.items():
                values[dummy] = self._value(op, bodies.pop(0), v, cell)
        expressions = tuple(e.xreplace(values) for e in sides)
        symbols = sorted(set().union(*(e.free_symbols for e in expressions)), key=str)
        made = replace(
            self.loss, variables=tuple(symbols) or (v,), loss=S.Zero, special={}, domains={},
            where=(), defaults={}, member_of=None,
        )  # fmt: skip
        told = f"{cell.told()}: " + "; ".join(self.steps)
        return Case(made, expressions, sympy.true, "; ".join(dict.fromkeys(self.methods)), (told,))

    def _value(self, op: Operator, body: Expr, v: Symbol, cell: Piece) -> Expr:
        at = [t.expression.subs(cell.place, simultaneous=True) for t in op.at]
        domain = domain_of(self.loss, v)
        if op.kind == LIMIT:
            return self._limit(op, body, v, at[0], domain, cell)
        if op.kind == INTEGRAL:
            self.methods.append("antiderivative on every piece, its derivative checked")
            value = integral(body, v, at[0], at[1], cell)
            self.steps.append(f"the integral is {cell.named(value)}")
            return value
        if op.kind == DIFF:
            return derivative(body, v, op.times)
        raise Unclear(f"no closed form of {op.kind}")

    def _limit(
        self, op: Operator, body: Expr, v: Symbol, point: Expr, domain: Set, cell: Piece
    ) -> Expr:
        sides = limit_sides(point, op.side, Interval(domain.inf, domain.sup))
        found = [side_limit(body, v, point, d) for d in sides]
        first = found[0]
        if first is None or any(
            f is None or (f != first and not is_zero(f - first)) for f in found
        ):
            raise Unclear("no limit was proved")
        self.methods.append("limit by a series with symbols, every deciding sign proved")
        self.steps.append(f"the limit as {v} -> {point} is {cell.named(first)}")
        return first


def plain(term: Term, loss: Loss) -> Expr:
    found = without_operators(term, loss)
    if found is None:
        raise Unclear("an operator inside an operator")
    return found


def without_operators(term: Term, loss: Loss) -> Expr | None:
    """The expression of a term whose operators have closed forms."""
    done = resolved(term, loss)
    return None if done.operators else done.expression
