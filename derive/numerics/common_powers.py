"""Powers of one base with exponents that move together: c^(p - 1) and c^(2p) by c^p and c."""

from __future__ import annotations

import sympy
from sympy import Abs, Dummy, Expr, Function, sign


def by_common_powers(expression: Expr) -> list[Expr]:
    """One fraction in factors, in which terms that differ only in such powers have met, and that
    with its powers joined; none where there is no rational function of them and of others."""
    moving = [e for e in expression.atoms(sympy.Pow) if not e.exp.is_number]
    bases = {e.base for e in moving}
    if len(bases) != 1 or not (base := bases.pop()).is_nonnegative:
        return []
    steps = [_apart(e.exp)[1].as_coeff_Mul() for e in moving]
    if len({rest for _, rest in steps}) != 1:
        return []
    unit = sympy.gcd_list([c for c, _ in steps]) * steps[0][1]
    power, size, side = (Dummy(n, positive=True) for n in ("power", "size", "side"))

    def split(e: Expr) -> Expr:
        rest, step = _apart(e.exp)
        return power ** (step / unit) * size**rest

    moved = expression.replace(lambda e: e in moving, split).subs(base, size)
    letters: dict[Expr, Expr] = {size: base}
    if isinstance(base, Abs) and base.args[0].is_Symbol:
        x = base.args[0]
        moved = moved.replace(sign, lambda a: side if a == x else sign(a)).subs(x, side * size)
        letters[side] = sign(x)
    for function in sorted(moved.atoms(Function), key=sympy.count_ops, reverse=True):
        letters[held := Dummy("held")] = function
        moved = moved.xreplace({function: held})
    if not moved.is_rational_function(*moved.free_symbols):
        return []
    above, below = (_plain(part, side) for part in sympy.fraction(sympy.together(moved)))
    found = sympy.factor(above / below)
    for letter in reversed(list(letters)[1:]):
        found = found.xreplace({letter: letters[letter]})
    apart = found.xreplace({size: base, power: base**unit})
    joined = sympy.powsimp(found.xreplace({power: size**unit}), combine="exp")
    return [e for e in dict.fromkeys((apart, joined.xreplace({size: base}))) if e != expression]


def _apart(exponent: Expr) -> tuple[Expr, Expr]:
    """What of it is a number, and what moves."""
    rest, step = sympy.expand(exponent).as_independent(*exponent.free_symbols, as_Add=True)
    return rest, step


def _plain(part: Expr, side: Dummy) -> Expr:
    """With what the square of a sign is."""
    return sympy.expand(part).replace(
        lambda e: e.is_Pow and e.base == side, lambda e: side ** (e.exp % 2)
    )
