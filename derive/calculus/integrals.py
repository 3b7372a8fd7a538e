"""Closed forms of the integral of exp(-loss) over the line: a short table, looked up by shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from sympy import (
    Abs,
    Dummy,
    Expr,
    Max,
    Min,
    Piecewise,
    Poly,
    PolynomialError,
    S,
    Symbol,
    besselk,
    cosh,
    erf,
    erfc,
    exp,
    expand_power_base,
    factor_terms,
    gamma,
    log,
    oo,
    pi,
    piecewise_fold,
    powdenest,
    sign,
    sqrt,
)
from sympy.core.relational import Relational

from derive.calculus.evaluate import evaluate, truth
from derive.calculus.reading import MOST_TERMS, expanded, term_bound, tidy

# Folding doubles the branches with every piece.
MOST_PIECES = 6

Points = Sequence[Mapping[Symbol, Any]]


def over_the_line(loss: Expr, x: Symbol, points: Points) -> Expr | None:
    """The integral of exp(-loss) over x, None where the table has no such form.

    points: typical values of the parameters; they order the edges between branches, and decide
    signs that the symbols alone leave open. The caller confirms the result by quadrature.
    """
    if loss.has(Abs, sign, Piecewise, Max, Min):
        above = _half(loss, x, 1, points)
        below = None if above is None else _half(loss, x, -1, points)
        return None if below is None else above + below
    for scale in sorted(loss.free_symbols - {x}, key=str):
        if scale.is_positive:
            scaled = tidy((), loss.subs(x, scale * x))
            if not scaled.has(scale):
                found = _smooth(scaled, x, points)
                return None if found is None else scale * found
    return _smooth(loss, x, points)


def _positive(expression: Expr, points: Points) -> bool:
    if expression.is_positive is not None:
        return bool(expression.is_positive)
    return all(evaluate(expression, at) > 0 for at in points)


def _smooth(loss: Expr, x: Symbol, points: Points) -> Expr | None:
    loss = expanded(loss)
    polynomial = _coefficients(loss, x)
    if polynomial is not None:
        return _of_polynomial(polynomial, points)
    constant, rest = loss.as_independent(x, as_Add=True)
    factor, core = factor_terms(rest).as_independent(x, as_Add=False)
    found = _of_core(factor, core, x, points)
    return None if found is None else exp(-constant) * found


def _coefficients(expression: Expr, x: Symbol) -> list[Expr] | None:
    """Ascending coefficients of a polynomial in x, None where it is none or a long one."""
    if term_bound(expression) > MOST_TERMS:
        return None
    try:
        return list(reversed(Poly(expression, x).all_coeffs()))
    except PolynomialError:
        return None


def _of_polynomial(c: list[Expr], points: Points) -> Expr | None:
    if len(c) == 3 and _positive(c[2], points):
        return sqrt(pi / c[2]) * exp(c[1] ** 2 / (4 * c[2]) - c[0])
    if len(c) == 5 and c[1] == c[3] == 0 and all(_positive(k, points) for k in c[2::2]):
        half = c[2] ** 2 / (8 * c[4])
        return sqrt(c[2] / c[4]) / 2 * exp(half - c[0]) * besselk(S.One / 4, half)
    return None


def _of_core(factor: Expr, core: Expr, x: Symbol, points: Points) -> Expr | None:
    """The integral of exp(-factor * core)."""
    if isinstance(core, log) and isinstance(core.args[0], cosh):
        slope = core.args[0].args[0] / x
        if slope.has(x):
            return None
        return sqrt(pi) * gamma(factor / 2) / (Abs(slope) * gamma((factor + 1) / 2))
    inside = core.args[0] if isinstance(core, log) else core.as_base_exp()[0]
    h = _coefficients(inside, x)
    if h is None or len(h) != 3 or h[1] != 0:
        return None
    width = sqrt(h[0] / h[2])
    if isinstance(core, log):
        beta = gamma(factor - S.Half) / gamma(factor)
        return h[0] ** (-factor) * width * sqrt(pi) * beta
    if core.as_base_exp()[1] == S.Half and _positive(factor, points):
        return 2 * width * besselk(1, factor * sqrt(h[0]))
    return None


def _half(loss: Expr, x: Symbol, side: int, points: Points) -> Expr | None:
    """The integral over x > 0 (side 1) or x < 0 (side -1), of pieces that are polynomials."""
    y = Dummy("y", positive=True)
    if len(loss.atoms(Max, Min, Piecewise)) > MOST_PIECES:
        return None
    loss = loss.replace(lambda e: isinstance(e, Max | Min), _as_pieces)
    loss = piecewise_fold(loss.subs(x, side * y))
    if not isinstance(loss, Piecewise):
        return _between(loss, y, S.Zero, oo, points)
    edges = _edges((condition for _, condition in loss.args), y, points)
    if edges is None:
        return None
    at = points[0]
    edges.sort(key=lambda edge: evaluate(edge, at))
    total, ends = S.Zero, [S.Zero, *edges, oo]
    for low, high in pairwise(ends):
        start = evaluate(low, at)
        middle = start + 1 if high == oo else (start + evaluate(high, at)) / 2
        here = {**at, y: middle}
        branch = next((e for e, condition in loss.args if truth(condition, here)), None)
        part = None if branch is None else _between(branch, y, low, high, points)
        if part is None:
            return None
        total += part
    return total


def _as_pieces(extremum: Expr) -> Expr:
    first, *others = extremum.args
    rest = extremum.func(*others)
    if isinstance(rest, Max | Min):
        rest = _as_pieces(rest)
    wins = first > rest if isinstance(extremum, Max) else first < rest
    return Piecewise((first, wins), (rest, True))


def _edges(conditions: Iterable[Any], y: Symbol, points: Points) -> list[Expr] | None:
    """Positive y where a condition changes; None where that is not plain to see."""
    edges: list[Expr] = []
    for condition in conditions:
        for relation in sorted(condition.atoms(Relational), key=str):
            gap = _coefficients(relation.lhs - relation.rhs, y)
            if gap is None or len(gap) > 2:
                return None
            if len(gap) == 2:
                root = -gap[0] / gap[1]
                if _positive(root, points):
                    edges.append(root)
                elif any(evaluate(root, at) > 0 for at in points):
                    return None
    return list(dict.fromkeys(edges))


def _between(loss: Expr, y: Symbol, low: Expr, high: Expr, points: Points) -> Expr | None:
    """The integral of exp(-loss) from low to high, the loss being a polynomial of degree <= 2; or,
    over the half-line, a power."""
    loss = expanded(loss)
    c = _coefficients(loss, y)
    if c is None and (low, high) == (S.Zero, oo):
        return _of_power(loss, y, points)
    if c is None or len(c) > 3:
        return None
    c = [*c, S.Zero, S.Zero][:3]
    if _positive(c[2], points):
        root, center = sqrt(c[2]), -c[1] / (2 * c[2])
        front = sqrt(pi) / (2 * root) * exp(c[2] * center**2 - c[0])
        if high == oo:
            return front * erfc(root * (low - center))
        return front * (erf(root * (high - center)) - erf(root * (low - center)))
    if c[2] != 0:
        return None
    if c[1] == 0:
        return None if high == oo else (high - low) * exp(-c[0])
    if high == oo and not _positive(c[1], points):
        return None
    upper = S.Zero if high == oo else exp(-expanded(c[0] + c[1] * high))
    return (exp(-expanded(c[0] + c[1] * low)) - upper) / c[1]


def _of_power(loss: Expr, y: Symbol, points: Points) -> Expr | None:
    """The integral of exp(-c - a y^k) over y > 0: gamma(1 + 1/k) a^(-1/k) exp(-c)."""
    constant, rest = expand_power_base(loss, force=True).as_independent(y, as_Add=True)
    factor, power = rest.as_independent(y, as_Add=False)
    base, k = power.as_base_exp()
    if base != y or k.has(y) or not _positive(k, points) or not _positive(factor, points):
        return None
    length = powdenest(expand_power_base(factor ** (-1 / k), force=True), force=True)
    return gamma(1 + 1 / k) * length * exp(-constant)
