"""Where the two sides of `!=` are equal between two points: a change of sign, ever closer."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction

from sympy import Expr, Rational, Symbol

from derive.verification.backend import NeedsPrecision, Undefined
from derive.verification.claims.crossings import simple
from derive.verification.claims.extrema import grid
from derive.verification.claims.line import Line, short
from derive.verification.claims.refute import Finding
from derive.verification.claims.samples import domain_of
from derive.verification.claims.terms import Relation
from derive.verification.claims.values import Values, compare

Place = Mapping[Symbol, Expr]
BISECTIONS = 80
DIGITS = 17


def meeting(relation: Relation, values: Values, where: object) -> Finding | None:
    """A counterexample to `!=`, from signs on both sides of it, on one analytic piece of a line."""
    if relation.op != "!=" or relation.left.operators or relation.right.operators:
        return None
    loss = values.loss
    free = relation.left.free | relation.right.free | where.free_symbols  # type: ignore[attr-defined]
    variables = [v for v in loss.variables if v in free]
    for v, turn in itertools.product(variables, range(2)):
        at = {u: simple(loss, u, turn) for u in variables if u != v}
        found = _on_line(relation, values, where, v, at)
        if found is not None:
            return found
    return None


def _on_line(
    relation: Relation, values: Values, where: object, v: Symbol, at: Place
) -> Finding | None:
    left, right = (t.expression.subs(at) for t in (relation.left, relation.right))
    line = Line(left - right, v, domain_of(values.loss, v))
    for low, high in line.pieces():
        known = [(p, s) for p in grid(low, high) if (s := _sign(line, p)) is not None]
        for (a, sa), (b, sb) in itertools.pairwise(known):
            if sa * sb >= 0:
                continue
            a, b = _closer(line, a, b, sa)
            if all(values.holds(where, {**at, v: p}) for p in (a, b)):
                said = short(Line(right, v, line.domain).at(a))
                near = Rational(str(((a + b) / 2).evalf(DIGITS)))
                got = f"{said} beside it: left - right changes its sign there"
                return Finding({**at, v: near}, f"not {said}", got)
    return None


def _closer(line: Line, low: Expr, high: Expr, sign: int) -> tuple[Expr, Expr]:
    """A narrower interval on whose ends the signs differ."""
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        found = _sign(line, middle)
        if not found:
            break
        low, high = (middle, high) if found == sign else (low, middle)
    return low, high


def _sign(line: Line, point: Expr) -> int | None:
    try:
        value = line.at(point)
    except (Undefined, NeedsPrecision):
        return None
    return None if value is None else compare(value, Fraction(0))
