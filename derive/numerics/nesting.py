"""Sums of products with the fewest operations: Horner's scheme in whatever factors they share."""

from __future__ import annotations

from collections import Counter

import sympy
from sympy import Add, Expr, FiniteSet, Interval, Mul, S

from derive.definitions.loss import Loss, let


def nested(expression: Expr) -> Expr:
    """a b + a c + d as a (b + c) + d, the factor that most terms share taken out first."""
    return _nested(sympy.expand_mul(expression, deep=False))


def _nested(expression: Expr) -> Expr:
    if not expression.is_Add:
        return expression
    terms = [Counter(_factors(term)) for term in expression.args]
    shared = Counter(f for term in terms for f in term if not f.is_number)
    most = max(shared.values(), default=0)
    if most < 2:
        return expression
    # of equals the longest one, which is not evaluated again
    factor = max((f for f, n in shared.items() if n == most), key=lambda f: (f.count_ops(), str(f)))
    inside = [term - Counter([factor]) for term in terms if factor in term]
    rest = [term for term in terms if factor not in term]
    return factor * _nested(_sum(inside)) + _nested(_sum(rest))


def _factors(term: Expr) -> list[Expr]:
    """Whole powers as so many factors, sums with one sign."""
    found: list[Expr] = []
    for factor in Mul.make_args(term):
        base, e = factor.as_base_exp()
        if not (e.is_Integer and e > 0):
            found.append(factor)
        elif base.is_Add and base.could_extract_minus_sign():
            found += [-base] * int(e) + [S.NegativeOne] * int(e % 2)
        else:
            found += [base] * int(e)
    return found


def _sum(terms: list[Counter[Expr]]) -> Expr:
    return Add(*(Mul(*term.elements()) for term in terms))


def of_labels(loss: Loss, expression: Expr) -> Expr:
    """Powers of what depends on the label alone: (2 y - 1)^2 is 1 where y is 0 or 1."""
    y = loss.target
    if y is None or not isinstance(loss.domain(y), FiniteSet):
        return expression
    labels = Mul(*(y - label for label in loss.domain(y)))
    return expression.replace(
        lambda e: e.is_Pow and e.exp.is_Integer and e.exp > 1 and e.free_symbols == {y},
        lambda e: sympy.rem(sympy.expand(e), labels, y),
    )


def by_rest(loss: Loss, expression: Expr) -> Expr | None:
    """Common factors taken out of a sum beside y and 1 - y, which is rounded by itself first; None
    where there is nothing to take out."""
    y = loss.target
    if y is None or loss.domain(y) != Interval(0, 1):
        return None
    taken = {v.name for v in (*loss.variables, *loss.where)}
    rest = let(next(n for n in ("h", "rest", "unlike") if n not in taken), 1 - y)
    found = sympy.factor_terms(expression.xreplace({1 - y: rest}))
    return found if found.is_Mul and found.has(rest) else None
