"""Functions of 1 + r^2 by the angle: with R = sqrt(1 + r^2), v = 1/R and s = r/R lie in [-1, 1].

Nothing in them over- or underflows for any r, so that r^m/(1 + r^2)^k = s^m v^(2k - m) needs no
piece of its own far out.
"""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Add, Dummy, Expr, Mul, S, sqrt

from derive.definitions.loss import Let, let
from derive.numerics.atoms import root1p_square

_R = Dummy("R", positive=True)


def angled(expression: Expr, y: Let, taken: Iterable[str]) -> Expr | None:
    """The expression in s and v; None where no 1 + r^2 with r a multiple of y stands in it."""
    squares = {a: _square(a, y) for a in expression.atoms(Add)}
    known = {a: found for a, found in squares.items() if found is not None}
    if len({c1 / c0 for c0, c1 in known.values()}) != 1:
        return None
    c0, c1 = next(iter(known.values()))
    ratio = sqrt(c1 / c0)
    names = _Names(y, ratio, set(taken))
    inside = expression.xreplace({a: c * _R**2 for a, (c, _) in known.items()})
    return _product(inside, y, ratio, names)


def _square(a: Expr, y: Let) -> tuple[Expr, Expr] | None:
    """(c0, c1) of c0 + c1 y^2 with positive parts."""
    c1 = a.coeff(y, 2)
    c0 = a - c1 * y**2
    if c1 == 0 or c0.has(y) or c1.has(y) or not (c0.is_positive and c1.is_positive):
        return None
    return c0, c1


class _Names:
    def __init__(self, y: Let, ratio: Expr, taken: set[str]) -> None:
        def name(wanted: str) -> str:
            return wanted if wanted not in taken else f"{wanted}_"

        self.r = y if ratio == 1 else let(name("r"), y * ratio)
        self.radius = let(name("R"), root1p_square(self.r))
        self.v = let(name("v"), 1 / self.radius)
        self.s = let(name("s"), self.r * self.v)


def _product(e: Expr, y: Let, ratio: Expr, names: _Names) -> Expr:
    """Every factor homogeneous in s and v, and the powers of y and R between them."""
    rest, a, b = S.One, S.Zero, S.Zero
    for factor in Mul.make_args(e):
        base, exponent = factor.as_base_exp()
        if base == y and exponent.is_Integer:
            a += exponent
        elif base == _R:
            b += exponent
        elif base.is_Add and base.has(y, _R) and exponent.is_Integer:
            total, growth = _homogeneous(base, y, ratio, names)
            rest *= total**exponent
            b += growth * exponent
        else:
            rest *= factor.xreplace({_R: names.radius})
    return rest * _monomial(a, b, y, ratio, names)


def _homogeneous(total: Expr, y: Let, ratio: Expr, names: _Names) -> tuple[Expr, Expr]:
    """(H, D) with total = R^D H(s, v); D = 0 where the terms do not allow it."""
    terms = []
    for term in Add.make_args(total):
        powers = term.as_powers_dict()
        m, k = powers.get(y, S.Zero), powers.get(_R, S.Zero)
        c = term / y**m / _R**k
        if not (m.is_Integer and m >= 0 and k.is_Integer) or c.has(y, _R):
            return total.xreplace({_R: names.radius}), S.Zero
        terms.append((c, m, k))
    top = max(m + k for _, m, k in terms)
    parts = [c * (names.s / ratio) ** m * names.v ** (top - m - k) for c, m, k in terms]
    return Add(*parts), top


def _monomial(a: Expr, b: Expr, y: Let, ratio: Expr, names: _Names) -> Expr:
    """y^a R^b."""
    if not (a.is_Integer and a >= 0 and b.is_Integer and b < 0):
        return y**a * names.radius**b
    both = min(a, -b)
    return y ** (a - both) * (names.s / ratio) ** both * names.v ** (-b - both)
