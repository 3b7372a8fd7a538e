"""Powers of |x|/d and of x^2 + d^2 whose exponent varies: one factor of a product.

What stands beside the power is rational, or has logarithms of what is raised; in factors, each of
them a size, it is multiplied in an order that keeps the product in range.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy
from sympy import Abs, Dummy, Expr, Mul, Poly, S, Symbol, log

from derive.calculus.reading import operations
from derive.definitions.loss import let
from derive.numerics.atoms import (
    hypot,
    hypot_log,
    hypot_mean,
    ratio_log,
    ratio_power,
    times_ratio_power,
)
from derive.numerics.sizes import of_size

_LONGEST = 120  # operations, beyond which factoring takes longer than anybody waits


def by_distance(expression: Expr, x: Symbol, names: Sequence[str]) -> list[Expr]:
    """Ways of writing it with the power as one factor; names: what the size and the distance are
    called. None where there is no such power, or there are two."""
    powers = [p for p in expression.atoms(sympy.Pow) if p.exp.free_symbols and p.base.has(x)]
    bases = {p.base for p in powers}
    moving = {p.exp.as_coeff_Add()[1] for p in powers}
    if operations(expression) > _LONGEST or len(bases) != 1 or len(moving) != 1:
        return []
    (base,), (q,) = bases, moving
    letter = Dummy("power", positive=True)
    apart = expression.replace(
        lambda e: e.is_Pow and e.base == base and bool(e.exp.free_symbols),
        lambda e: letter * base ** (e.exp - q),
    )
    above, below = sympy.fraction(base)
    if above == Abs(x) and not below.has(x):
        size = let(names[0], Abs(x))
        found, power = _of_size(apart, x, below, size), (size, below, q)
    else:
        h = let(names[1], hypot(x, sympy.sqrt(base - x**2)))
        found, power = _of_sum(apart, x, base, h), (h, S.One, 2 * q)
    if found is None or (found / letter).has(letter):
        return []
    plain = found.subs(letter, ratio_power(*power) if power[1] != 1 else power[0] ** power[2])
    return [plain, *_times(found / letter, x, power)]


def _times(product: Expr, x: Symbol, power: tuple[Expr, Expr, Expr]) -> Iterator[Expr]:
    """The product beside the power: between two sides and two of them, or
    four that are alike. The residual is a side of its own, which nothing but the end may round."""
    number, product = product.as_coeff_Mul()
    above: list[Expr] = []
    below: list[Expr] = []
    for base, n in sorted(product.as_powers_dict().items(), key=lambda f: f[0] != x):
        whole = abs(int(n)) if n.is_Integer else 0
        side = below if n.is_negative and base.is_Symbol else above
        side += [base] * whole if whole and (side is below or n > 0) else [base**n]
    root = next((b for b in below if below.count(b) > 2), S.One)
    for _ in range(0 if root == 1 else 2):
        below.remove(root)
    if above and len(below) <= 2:
        c, d, *_ = (*below, S.One, S.One)
        f, e = ((x,), above[1:]) if above[0] == x else (above[::2], above[1::2])
        sides = (Mul(*f), number * Mul(*e)) if e else (number * Mul(*f), S.One)
        yield times_ratio_power(*sides, c, d, *power, root)


def _of_size(expression: Expr, x: Symbol, d: Expr, size: Symbol) -> Expr | None:
    """Beside a power of |x|/d."""
    letter = Dummy("size", positive=True)
    found = of_size(expression, x, letter)
    if found is None:
        return None
    front, right, logs = found
    if any(inner != log(letter / d) for inner in logs.values()):
        return None
    ratio = ratio_log(size, d)
    return front * sympy.factor(right).subs(dict.fromkeys(logs, ratio)).subs(letter, size)


def _of_sum(expression: Expr, x: Symbol, base: Expr, h: Symbol) -> Expr | None:
    """Beside a power of x^2 + d^2, h^2."""
    d = sympy.sqrt(base - x**2)
    if not base.is_Add or not d.is_Symbol or d == x:
        return None
    letter = Dummy("log")
    found = sympy.factor(expression.subs(log(base), letter))
    if not found.is_rational_function():
        return None
    parts = [_in_parts(f, (x, d, h)) for f in Mul.make_args(found)]
    return Mul(*parts).subs(letter, hypot_log(x, d))


def _in_parts(factor: Expr, letters: tuple[Symbol, Symbol, Symbol]) -> Expr:
    """c d^2 + e x^2 as h^2 and a mean of c and e."""
    base, n = factor.as_base_exp()
    x, d, h = letters
    if not base.is_Add or not base.is_polynomial(x, d) or not base.has(x, d):
        return base**n
    parts = dict(Poly(base, x, d).terms())
    if not parts.keys() <= {(2, 0), (0, 2)}:
        return base**n
    near, far = parts.get((0, 2), S.Zero), parts.get((2, 0), S.Zero)
    return h ** (2 * n) * (near if near == far else hypot_mean(x, d, near, far)) ** n
