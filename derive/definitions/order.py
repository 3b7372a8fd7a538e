"""In which order and on which side of a fraction line the parts of a formula stand."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Add, Expr, Mul, Pow, Rational, default_sort_key


def terms(e: Expr) -> list[Expr]:
    """The terms of a sum as people write them: alpha - 2, s + 4, but 1 + s/b; nothing negative
    stands first."""
    ordered = list(e.as_ordered_terms())
    ordered.sort(key=lambda t: (bool(t.is_number), bool(t.is_Rational)))
    if ordered[-1] == 1 and not any(map(_logarithm, ordered)):
        ordered = [ordered[-1], *ordered[:-1]]
    if _negative(ordered[0]):
        ordered.sort(key=_negative)
    return ordered


def _logarithm(term: Expr) -> bool:
    return isinstance(term.as_coeff_Mul()[1], sympy.log)


def halved(e: Expr) -> tuple[Expr, Expr] | None:
    """df/2 + 1/2 as (df + 1, 2): the terms of a short sum over the denominator they share."""
    parts = [t.as_coeff_Mul() for t in Add.make_args(e)]
    below = {number.q for number, _ in parts if number.is_Rational}
    if len(below) != 1 or below == {1} or len(parts) < 2 or not all(
        number.is_Rational and rest.is_Atom for number, rest in parts
    ):  # fmt: skip
        return None
    (denominator,) = below
    return Add(*(number * denominator * rest for number, rest in parts)), sympy.Integer(denominator)


def _negative(term: Expr) -> bool:
    return bool(term.as_coeff_Mul()[0].is_negative)


def divided(product: Expr) -> tuple[list[Expr], list[Expr]]:
    """The factors above and below the line, each in the order of the paper."""
    above, below = [], []
    for factor in Mul.make_args(product):
        base, exponent = factor.as_base_exp()
        if isinstance(factor, Pow) and exponent.is_Rational and exponent.is_negative:
            below.append(Pow(base, -exponent))
        elif (shared := halved(factor) if factor.is_Add else None) is not None:
            above.append(shared[0])
            below.append(shared[1])
        elif factor != 1:
            above.append(factor)
    return sorted(above, key=rank), sorted(below, key=rank)


def rank(factor: Expr) -> tuple[int, str, Any]:
    base = factor.base if isinstance(factor, Pow) else factor
    name = base.name.lower() if base.is_Symbol else ""
    if factor.is_number and not isinstance(factor, sympy.exp):
        kind = 0
    elif base.is_Symbol:
        kind = 1
    elif isinstance(base, sympy.Abs):
        kind = 2
    elif factor.is_Add:
        kind = 3
    elif base.is_Add:
        kind = 4
    elif isinstance(base, sympy.sign):
        kind = 7
    else:
        kind = 6 if isinstance(base, sympy.log) else 5
    return kind, name, default_sort_key(factor)


CONSTANTS = (sympy.pi, sympy.E)


def flat(e: Expr) -> bool:
    """Low enough to stand in a numerator: symbols, numbers, their powers and magnitudes."""
    if e.is_Atom:
        return bool(e.is_Symbol or e.is_Integer or e in CONSTANTS)
    if isinstance(e, Mul):
        return all(map(flat, e.args))
    if isinstance(e, Pow):
        root = e.exp == Rational(1, 2) and (e.base.is_Integer or e.base.is_Symbol or
                                            e.base in CONSTANTS)  # fmt: skip
        return bool(root or (e.base.is_Symbol and e.exp.is_Integer and e.exp > 0))
    return isinstance(e, sympy.Abs) and flat(e.args[0])


def joins_roots(factor: Expr) -> bool:
    """Whether a square root may share its sign with others: sqrt(2) sqrt(pi) = sqrt(2 pi)."""
    return bool(
        isinstance(factor, Pow) and factor.exp == Rational(1, 2) and factor.base.is_nonnegative
        and (factor.base.is_Atom)
    )  # fmt: skip


def over_roots(
    top: Expr, above: list[Expr], bottom: Expr, below: list[Expr]
) -> tuple[list[Expr], Expr, list[Expr]]:
    """sqrt(2)/2 as 1/sqrt(2): a root of a whole number above a multiple of it moves below, into the
    root of a sum if one is there; a root over a root is the root of a quotient."""
    for root in above:
        if joins_roots(root) and root.base.is_Integer and bottom % root.base == 0:
            above = [f for f in above if f != root]
            sums = [f for f in below if f.is_Pow and f.exp == root.exp and f.base.is_Add]
            for other in sums[:1]:
                below = [f for f in below if f != other]
                root = Pow(Mul(root.base, other.base, evaluate=False), root.exp, evaluate=False)
            bottom, below = bottom / root.base.as_coeff_Mul()[0], sorted([*below, root], key=rank)
    upper, lower = ([f for f in part if joins_roots(f)] for part in (above, below))
    if not upper or not lower:
        return above, bottom, below
    inside = Mul(*(f.base for f in upper)) / Mul(*(f.base for f in lower), evaluate=False)
    quotient = Pow(inside, Rational(1, 2), evaluate=False)
    above = sorted([quotient, *(f for f in above if f not in upper)], key=rank)
    return above, bottom, [f for f in below if f not in lower]
