"""Points where the two sides of a strict relation are equal: roots that no sample would meet."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sympy import Expr, Symbol

from derive.definitions.loss import Loss
from derive.verification.claims.refute import Place
from derive.verification.claims.samples import domain_of
from derive.verification.claims.terms import Relation

STRICT = ("<", ">", "!=")
LARGEST = 160  # operations of a formula whose factors are looked for
MOST_DEGREE = 4
BESIDE = (sympy.Integer(1), sympy.Rational(3, 4))  # the values of the other variables


def crossings(relation: Relation, loss: Loss) -> Iterator[Place]:
    """Inputs of the domain where both sides are equal, one variable solved for at a time."""
    if relation.op not in STRICT or relation.left.operators or relation.right.operators:
        return
    gap = relation.left.expression - relation.right.expression
    variables = [v for v in loss.variables if gap.has(v)]
    for others in BESIDE:
        for v in variables:
            place = {u: others for u in variables if u != v}
            if all(domain_of(loss, u).contains(others) == True for u in place):  # noqa: E712
                for root in _roots(gap.subs(place), v):
                    if domain_of(loss, v).contains(root) == True:  # noqa: E712
                        yield {**place, v: root}


def _roots(gap: Expr, v: Symbol) -> Iterator[Expr]:
    """Real roots of the factors that are polynomials."""
    if sympy.count_ops(gap) > LARGEST or gap.has(sympy.Piecewise, sympy.Abs, sympy.Max, sympy.Min):
        return
    x = sympy.Dummy("x", real=True)
    above, _ = sympy.fraction(sympy.together(gap.subs(v, x)))
    for factor in sympy.Mul.make_args(sympy.factor(above)):
        base = factor.as_base_exp()[0]
        if base.is_polynomial(x) and 0 < sympy.degree(base, x) <= MOST_DEGREE:
            poly = sympy.Poly(base, x)
            if all(c.is_Rational for c in poly.all_coeffs()):
                yield from (root for root in poly.real_roots() if root.is_Rational or _short(root))


def _short(root: Expr) -> bool:
    return not root.has(sympy.CRootOf)
