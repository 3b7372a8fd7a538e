"""Points of the parameters where a definition is singular, found by looking at it."""

from __future__ import annotations

from sympy import (
    Abs,
    Expr,
    Poly,
    PolynomialError,
    Pow,
    Rational,
    S,
    Set,
    Symbol,
    log,
    nsimplify,
    oo,
    roots,
)

from derive.definitions.loss import Loss

# How far beside a point its domain is looked at, to see which sides exist.
STEP = Rational(1, 10**9)


def special_points(loss: Loss, variable: Symbol) -> tuple[Expr, ...]:
    """Declared points, and zeros of denominators and logarithms that this variable decides.

    For a parameter also the kinks of |.|, and ±oo where its domain holds them. Only points inside
    the domain; zero sets that several variables share are not looked for.
    """
    domain = loss.domain(variable)
    found = [S(point) for point in loss.special.get(variable, ())]
    for part in _vanishing(loss.expression, kinks=variable != loss.residual):
        if part.free_symbols == {variable}:
            found += roots_in(part, variable, domain)
    if variable.is_finite is None and variable.is_extended_real and variable != loss.residual:
        found += [end for end in (oo, -oo) if domain.contains(end) == S.true]
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=_order))


def _order(point: Expr) -> tuple[int, float]:
    """Finite points first, then +oo, then -oo."""
    if point == oo:
        return 1, 0.0
    if point == -oo:
        return 2, 0.0
    return 0, float(point)


def _vanishing(expression: Expr, kinks: bool) -> list[Expr]:
    """Sub-expressions whose zeros are singular points, in a definite order."""
    parts = [power.base for power in expression.atoms(Pow) if _divides(power)]
    parts += [part.args[0] for part in expression.atoms(*((Abs, log) if kinks else (log,)))]
    return sorted(parts, key=str)


def _divides(power: Expr) -> bool:
    return bool(power.is_Pow and power.exp.could_extract_minus_sign())


def roots_in(part: Expr, parameter: Symbol, domain: Set) -> list[Expr]:
    """Real zeros of a polynomial (or its absolute value) that lie in the domain."""
    part = part.replace(Abs, lambda inner: inner)
    try:
        found = roots(Poly(nsimplify(part), parameter))
    except PolynomialError:
        return []
    return [root for root in found if root.is_real and domain.contains(root) == S.true]


def sides(point: Expr, domain: Set) -> tuple[str, ...]:
    """The directions from which a point can be approached inside a domain."""
    if point == oo:
        return ("-",) if domain.sup == oo else ()
    if point == -oo:
        return ("+",) if domain.inf == -oo else ()
    beside = (("+", point + STEP), ("-", point - STEP))
    return tuple(name for name, value in beside if domain.contains(value) == S.true)
