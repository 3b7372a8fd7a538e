"""Exact points that no sample would meet: where the two sides of a relation are equal or closest,
where a condition or a formula changes, and where two of these cross.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import sympy
from sympy import Expr, Piecewise, Symbol

from derive.definitions.loss import Loss
from derive.verification.claims.cuts import Unclear, roots_of
from derive.verification.claims.derivative import derivative
from derive.verification.claims.refute import Place
from derive.verification.claims.samples import deciding, domain_of, without_abs
from derive.verification.claims.terms import Predicate, Relation

STRICT = ("<", ">", "!=")
LARGEST = 160  # operations of a formula whose factors are looked for
MOST_DEGREE = 4
MOST_FORMS = 12  # of a formula with choices, each with its branches taken
MOST_EQUATIONS = 8  # that are taken two at a time
SECONDS = 4.0  # of the processor
# Functions of which one point with a given value is known in closed form.
INVERSE: Mapping[type[sympy.Function], Callable[[Expr], Expr]] = {
    sympy.exp: sympy.log, sympy.log: sympy.exp, sympy.tanh: sympy.atanh, sympy.atan: sympy.tan,
    sympy.cosh: sympy.acosh, sympy.sinh: sympy.asinh, sympy.cos: sympy.acos, sympy.sin: sympy.asin,
}  # fmt: skip
SIMPLE = tuple(map(sympy.Rational, ("1", "3/4", "2", "1/2", "5", "-1")))


def crossings(statement: Relation | Predicate, loss: Loss, where: object) -> Iterator[Place]:
    """Inputs of the domain, from one equation and then from two; the other variables are simple."""
    equations, free = _asked(statement, loss, where)
    variables = [v for v in loss.variables if v in free]
    deadline = time.process_time() + SECONDS
    seen: set[tuple[Expr, ...]] = set()
    pairs = itertools.combinations(equations[:MOST_EQUATIONS], 2)
    for chosen in [*((e,) for e in equations), *pairs]:
        for turn in range(2):
            others = {v: simple(loss, v, turn) for v in variables}
            for place in _solved(chosen, variables, others):
                key = tuple(place[v] for v in variables)
                if key not in seen and _inside(loss, place):
                    seen.add(key)
                    yield place
            if time.process_time() > deadline:
                return


def _asked(
    statement: Relation | Predicate, loss: Loss, where: object
) -> tuple[list[Expr], set[Symbol]]:
    """What is 0 at the points in question, and the variables."""
    edges = [part for part in deciding([where]) if part.free_symbols]
    if isinstance(statement, Predicate):
        v, point = statement.variable, statement.point
        free = {*statement.body.free, *where.free_symbols}  # type: ignore[attr-defined]
        free |= point.free if point is not None else set()
        return [e for e in edges if not e.has(v)], free - {v}
    left, right = statement.left, statement.right
    free = {*left.free, *right.free, *where.free_symbols}  # type: ignore[attr-defined]
    if left.operators or right.operators:
        return edges, free
    gap = left.expression - right.expression
    kinks = [part for part in deciding([gap]) if _is_choice(part, gap)]
    if statement.op not in STRICT:
        return [*edges, *kinks], free
    ends = [v - end for v in loss.variables if v in free for end in _ends(loss, v)]
    flat = [] if sympy.count_ops(gap) > LARGEST else [
        derivative(form, v) for form in _forms(gap) for v in loss.variables if form.has(v)
    ]  # fmt: skip
    return [gap, *edges, *kinks, *ends, *flat], free


def _is_choice(part: Expr, gap: Expr) -> bool:
    """Whether a formula chooses by the sign of a part; other parts are only poles and the like."""
    choices = gap.atoms(sympy.Abs, sympy.sign, sympy.Max, sympy.Min, Piecewise)
    return any(part in deciding([choice]) for choice in choices)


def _ends(loss: Loss, v: Symbol) -> list[Expr]:
    domain = domain_of(loss, v)
    return [end for end in (domain.inf, domain.sup)
            if end.is_finite and domain.contains(end) == True]  # noqa: E712  # fmt: skip


def simple(loss: Loss, v: Symbol, turn: int) -> Expr:
    """A plain number of a variable's domain; another one at another turn."""
    domain = domain_of(loss, v)
    fine = [value for value in SIMPLE if domain.contains(value) == True]  # noqa: E712
    return fine[min(turn, len(fine) - 1)] if fine else (domain.inf + domain.sup) / 2


def _inside(loss: Loss, place: Place) -> bool:
    return all(domain_of(loss, v).contains(value) == True for v, value in place.items())  # noqa: E712


def _solved(
    equations: Sequence[Expr], variables: Sequence[Symbol], others: Place
) -> Iterator[Place]:
    """One variable from each equation: of the first in symbols, of the last in numbers."""
    first, *rest = equations
    for v in (v for v in variables if first.has(v)):
        remaining = [u for u in variables if u != v]
        if not rest:
            plain = {u: others[u] for u in remaining}
            for root in _roots(first.subs(plain), v):
                yield {**plain, v: root}
            continue
        try:
            roots = roots_of(first, v)
        except Unclear:
            continue
        for root in roots:
            moved = [e.subs(v, root) for e in rest]
            for place in _solved(moved, remaining, others):
                yield {**place, v: sympy.simplify(root.subs(place))}


def _roots(gap: Expr, v: Symbol) -> Iterator[Expr]:
    """Real roots on every branch, as far as they are found in closed form."""
    x = sympy.Dummy("x", real=True)
    for form in _forms(gap.subs(v, x)):
        yield from _zeros(form, x)


def _zeros(e: Expr, x: Symbol) -> Iterator[Expr]:
    """Of the factors that are polynomials, or polynomials of one function of x."""
    if sympy.count_ops(e) > LARGEST:
        return
    above, _ = sympy.fraction(sympy.together(e))
    for factor in sympy.Mul.make_args(sympy.factor(above)):
        base = factor.as_base_exp()[0]
        if base.is_polynomial(x):
            yield from _real(base, x)
            continue
        inner = _outermost(base, x)
        if inner is None:
            continue
        u = sympy.Dummy("u", real=True)
        for root in _real(base.xreplace({inner: u}), u):
            argument, value = _undone(inner, root)
            if value is not None:
                yield from _zeros(argument - value, x)


def _outermost(e: Expr, x: Symbol) -> Expr | None:
    """The one function, or the one root, through which alone x enters."""
    if isinstance(e, tuple(INVERSE)) or (e.is_Pow and not e.exp.is_Integer):
        return None if e.args[-1].has(x) and e.is_Pow else e
    parts = {_outermost(part, x) for part in e.args if part.has(x)}
    found = parts.pop() if len(parts) == 1 else None
    return None if found is None or e.xreplace({found: sympy.S.One}).has(x) else found


def _undone(e: Expr, value: Expr) -> tuple[Expr, Expr | None]:
    """A function's argument, and what it must be for the function to have a value."""
    if isinstance(e, sympy.exp):
        return e.args[0], sympy.log(value) if value.is_positive else None
    if e.is_Pow:
        return e.base, value ** (1 / e.exp) if value.is_positive else None
    return e.args[0], INVERSE[e.func](value)


def _real(e: Expr, x: Symbol) -> list[Expr]:
    """The real zeros of a polynomial, exact and short ones."""
    if not e.is_polynomial(x) or not 0 < sympy.degree(e, x) <= MOST_DEGREE:
        return []
    poly = sympy.Poly(e, x)
    if all(c.is_Rational for c in poly.all_coeffs()):
        return [r for r in poly.real_roots() if r.is_Rational or not r.has(sympy.CRootOf)]
    if poly.degree() <= 2:
        return [r for r in sympy.roots(poly) if r.is_real]
    return []


def _forms(e: Expr) -> list[Expr]:
    """A formula with every choice taken in every way, as far as these are few."""
    forms = [e]
    for node in sorted(e.atoms(Piecewise, sympy.Max, sympy.Min), key=str)[:2]:
        values = [value for value, _ in node.args] if isinstance(node, Piecewise) else node.args
        forms = [f.xreplace({node: value}) for f in forms for value in values]
    found = [form for f in forms[:MOST_FORMS] for form in without_abs(f)]
    return [f for f in found if not f.has(Piecewise, sympy.Abs, sympy.Max, sympy.Min)][:MOST_FORMS]
