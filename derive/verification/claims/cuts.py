"""Where formulas and conditions change: zeros of parts, their order, and the choices on a piece."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Abs, Expr, Piecewise, S, Symbol, oo, sign
from sympy.core.relational import Relational

from derive.verification.claims.signs import Open, Signs
from derive.verification.claims.simplify import is_zero


class Unclear(Exception):
    """The pieces are not plain; the message says why."""


def between(low: Expr, high: Expr, t: Symbol, unit: Expr) -> Expr:
    """An open interval as the range of an expression in a positive symbol."""
    if low == -oo and high == oo:
        raise Unclear("a line without a cut")
    if high == oo:
        return unit * t if low == 0 else low * (1 + t) if low.is_positive else low + unit * t
    if low == -oo:
        return -unit * t if high == 0 else high * (1 + t) if high.is_negative else high - unit * t
    if low == 0:
        return high * t / (1 + t)
    return (low + high * t) / (1 + t)


def choices(e: Any) -> list[Expr]:
    """Parts whose sign a formula or a condition chooses by."""
    found: dict[Expr, None] = {}
    for part in sympy.preorder_traversal(e):
        if isinstance(part, Abs | sign):
            found[part.args[0]] = None
        elif isinstance(part, Relational) and not part.has(oo, -oo):
            found[part.lhs - part.rhs] = None
    return [part for part in found if part.free_symbols and not part.has(Piecewise)]


def roots_of(part: Expr, v: Symbol) -> list[Expr]:
    """Where a part changes its sign in v; Unclear where that is not plain."""
    if part.is_positive or part.is_negative:
        return []
    found: list[Expr] = []
    for form in _without_sizes(part):
        top = sympy.fraction(sympy.together(form))[0]
        for factor, _ in sympy.factor_list(top)[1]:
            if not factor.has(v) or factor.is_positive or factor.is_negative:
                continue
            if not factor.is_polynomial(v) or sympy.degree(factor, v) > 2:
                raise Unclear(f"the sign of {factor}")
            for root in sympy.roots(sympy.Poly(factor, v)):
                if root.is_real is False:
                    continue
                found.append(root)
    return found


def _without_sizes(part: Expr) -> list[Expr]:
    forms = [part]
    for size in sorted(part.atoms(Abs), key=str)[:2]:
        forms = [f.xreplace({size: s * size.args[0]}) for f in forms for s in (1, -1)]
    return forms


def compare_plainly(a: Expr, b: Expr) -> int | None:
    """-1, 0 or 1, where it follows from the signs of symbols."""
    if a in (oo, -oo) or b in (oo, -oo):
        return 0 if a == b else (1 if a == oo or b == -oo else -1)
    gap = sympy.factor(sympy.together(a - b))
    if gap == 0:
        return 0
    if gap.is_positive:
        return 1
    return -1 if gap.is_negative else None


def inside(root: Expr, low: Expr, high: Expr) -> bool:
    """Whether a cut lies in an interval; Unclear where that depends."""
    below, above = compare_plainly(low, root), compare_plainly(root, high)
    if below is None or above is None:
        raise Unclear(f"where {root} lies")
    return below == -1 and above == -1


def ordered(cuts: list[Expr]) -> list[Expr]:
    """The cuts in order; Unclear where that depends on the parameters."""
    out: list[Expr] = []
    for cut in cuts:
        place = 0
        for other in out:
            order = compare_plainly(other, cut)
            if order is None:
                raise Unclear(f"which of {other} and {cut} is larger")
            if order == 0:
                break
            place += order == -1
        else:
            out.insert(place, cut)
    return out


def chosen(e: Expr, sample: dict[Symbol, Expr]) -> Expr:
    """The expression with every choice made as at the sample point."""
    if not e.has(Abs, sign, Piecewise):
        return e
    if isinstance(e, Piecewise):
        for value, when in e.args:
            held = _held(when, sample)
            if held == True:  # noqa: E712
                return chosen(value, sample)
            if held != False:  # noqa: E712
                raise Unclear(f"{when} is not decided")
        raise Unclear("no case applies on a piece")
    args = [chosen(a, sample) for a in e.args]
    if isinstance(e, Abs | sign):
        side = _side(args[0]) if e.args[0].has(Piecewise) else sympy.sign(args[0].subs(sample))
        if side not in (1, -1, 0):
            raise Unclear(f"the sign of {args[0]}")
        return side * args[0] if isinstance(e, Abs) else side
    return e.func(*args)


def _held(when: Any, sample: dict[Symbol, Expr]) -> Any:
    """Whether a condition holds on a piece: at its sample point, where no choice is nested."""
    if not when.has(Piecewise):
        return when.subs(sample)
    if not isinstance(when, Relational):
        return when.func(*(_held(part, sample) for part in when.args))
    side = _side(chosen(when.lhs - when.rhs, sample))
    return when.func(S(side), S.Zero)


def _side(e: Expr) -> int:
    """The proved sign of an expression without choices."""
    if is_zero(e):
        return 0
    try:
        found = Signs(3.0).sign(e)
    except Open:
        raise Unclear(f"the sign of {e}") from None
    if not found.strict:
        raise Unclear(f"the sign of {e}")
    return found.side
