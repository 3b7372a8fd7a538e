"""The cases of a claim: the equalities of its condition solved, and log Z written out."""

from __future__ import annotations

import sympy
from sympy import Expr, Symbol
from sympy.core.relational import Equality

from derive.definitions.loss import Loss
from derive.verification.claims.closed import resolved, speaks
from derive.verification.claims.samples import domain_of
from derive.verification.claims.terms import Claim, Operator, Predicate, Relation, Term


def variants(claim: Claim) -> list[tuple[Relation | Predicate, object]]:
    """The statement with the equalities of its condition solved, one for each solution."""
    equal = [p for p in sympy.And.make_args(claim.where) if isinstance(p, Equality)]
    rest = sympy.And(*(p for p in sympy.And.make_args(claim.where) if p not in equal))
    statement = _resolved(claim)
    if not equal or _normalized(statement):
        return [(statement, claim.where)]
    cases: list[tuple[Relation | Predicate, object]] = [(statement, rest)]
    for equation in equal:
        solved = solutions(claim, equation)
        if solved is None:
            return [(statement, claim.where)]
        v, roots = solved
        cases = [
            (replaced(statement, v, root), where.subs(v, root))  # type: ignore[attr-defined]
            for statement, where in cases for root in roots
        ]  # fmt: skip
    return cases


def _resolved(claim: Claim) -> Relation | Predicate:
    """The statement with log Z written out where it has a closed form."""
    s = claim.statement
    if isinstance(s, Relation):
        return Relation(s.op, resolved(s.left, claim.loss), resolved(s.right, claim.loss))
    return Predicate(s.kind, resolved(s.body, claim.loss), s.variable, s.point)


def _normalized(statement: Relation | Predicate) -> bool:
    """Whether a normalizer is left in it, whose parameters cannot be replaced."""
    relation = isinstance(statement, Relation)
    terms = (statement.left, statement.right) if relation else (statement.body,)  # type: ignore[union-attr]
    return any(speaks(op) for t in terms for op in t.operators.values())


def solutions(claim: Claim, equation: Equality) -> tuple[Symbol, list[Expr]] | None:
    """A variable that an equation determines, and its values."""
    bound = claim.statement.variable if isinstance(claim.statement, Predicate) else None
    for v in claim.loss.variables:
        if v == bound or not equation.has(v):
            continue
        gap = equation.lhs - equation.rhs
        sizes = sorted(gap.atoms(sympy.Abs), key=str)
        forms = [gap]
        for size in sizes[:2]:
            forms = [f.xreplace({size: s * size.args[0]}) for f in forms for s in (1, -1)]
        found: dict[Expr, None] = {}
        for form in forms:
            roots = _real_roots(form, v)
            if roots is None:
                break
            found.update((r, None) for r in roots if not _is_outside(claim.loss, v, r))
        else:
            if found:
                return v, list(found)
    return None


def _real_roots(form: Expr, v: Symbol) -> list[Expr] | None:
    """The zeros of a polynomial of degree 1 or 2, where it is plain which are real."""
    poly = form.as_poly(v) if form.is_polynomial(v) else None
    if poly is None or poly.degree() not in (1, 2):
        return None
    if poly.degree() == 1:
        a, b = poly.all_coeffs()
        return [sympy.cancel(-b / a)]
    found = list(sympy.roots(poly))
    return found if found and all(root.is_real for root in found) else None


def _is_outside(loss: Loss, v: Symbol, root: Expr) -> bool:
    """Whether a value is surely none of a variable's domain."""
    domain = domain_of(loss, v)
    if root.is_number:
        return bool(domain.contains(root) == False)  # noqa: E712
    return bool(domain.inf == 0 and root.is_negative)


def replaced(statement: Relation | Predicate, v: Symbol, value: Expr) -> Relation | Predicate:
    """The statement with a variable replaced wherever it is free."""
    if isinstance(statement, Relation):
        left, right = (put(t, v, value) for t in (statement.left, statement.right))
        return Relation(statement.op, left, right)
    point = None if statement.point is None else put(statement.point, v, value)
    return Predicate(statement.kind, put(statement.body, v, value), statement.variable, point)


def put(term: Term, v: Symbol, value: Expr) -> Term:
    operators = {d: _put_operator(op, v, value) for d, op in term.operators.items()}
    return Term(term.expression.subs(v, value), operators)


def _put_operator(op: Operator, v: Symbol, value: Expr) -> Operator:
    if op.variable == v or op.kind == "log_partition":
        return op
    at = tuple(put(t, v, value) for t in op.at)
    return Operator(op.kind, put(op.body, v, value), op.variable, at, op.side, op.times)
