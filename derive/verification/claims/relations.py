"""Relations at points: which values the two sides have, and whether the relation holds there."""

from __future__ import annotations

import sympy

from derive.verification.backend import NotReal, Undefined
from derive.verification.claims.line import short
from derive.verification.claims.refute import Finding, Place
from derive.verification.claims.simplify import is_zero
from derive.verification.claims.terms import Relation
from derive.verification.claims.values import HOLDS, NoValue, Values, compare

SMALL = 64  # numbers of a point up to which terms are expanded: they may stand in exponents
EXPECT = {"==": "", "!=": "not ", "<": "< ", "<=": "<= ", ">": "> ", ">=": ">= "}


def checked(
    values: Values, relation: Relation, at: Place, *, total: bool = False
) -> Finding | None:
    """A finding where the relation fails at a point; Undefined where that stays open.

    total: the left side has to have a real value wherever the right one has one.
    """
    sides = []
    for term in (relation.left, relation.right):
        try:
            sides.append(values.term(term, at))
        except NotReal as trouble:
            if not total or term is not relation.left:
                raise
            right = short(values.term(relation.right, at))
            return Finding(at, right, f"no real value: {trouble}")
        except NoValue as trouble:
            other = relation.right if term is relation.left else relation.left
            return Finding(at, _expected(values, relation, other, at), str(trouble), False)
    left, right = sides
    order = compare(left, right)
    if order is None:
        if relation.op in ("==", "<=", ">="):
            return None  # balls that agree to the last digit: no counterexample here
        if not _same(relation, at):
            raise Undefined("the two sides agree to every digit that was computed")
        order = 0
    if order in HOLDS[relation.op]:
        return None
    digits = 15
    while digits < 60 and short(left, digits) == short(right, digits) and order != 0:
        digits += 15
    expected = EXPECT[relation.op] + short(right, digits)
    rigorous = not (relation.left.operators or relation.right.operators)
    return Finding(at, expected, short(left, digits), rigorous)


def equal_at(values: Values, relation: Relation, at: Place) -> Finding:
    """A strict relation whose sides are known to be equal fails at any point."""
    value = short(values.term(relation.right, at))
    return Finding(at, EXPECT[relation.op] + value, value)


def _same(relation: Relation, at: Place) -> bool:
    """Whether the two sides are proved to be one number, such as two terms that cancel."""
    if relation.left.operators or relation.right.operators:
        return False
    numbers = {r for v in at.values() for r in v.atoms(sympy.Number)}
    if not all(r.is_Rational and max(abs(r.p), r.q) <= SMALL for r in numbers):
        return False
    return is_zero((relation.left.expression - relation.right.expression).subs(dict(at)))


def _expected(values: Values, relation: Relation, other: object, at: Place) -> str:
    if other is not relation.right:
        return "a value"
    try:
        return EXPECT[relation.op] + short(values.term(relation.right, at))
    except (Undefined, NoValue):
        return "a value"
