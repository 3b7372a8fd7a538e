"""Formulas over the brackets of their definition: (1 - |x|/c/(1 + |x|/c))/(1 + |x|/c) is
1/(1 + |x|/c)^2."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import (
    Add,
    Dummy,
    Expr,
    Mul,
    Poly,
    Pow,
    S,
    Symbol,
    cancel,
    exp,
    expand,
    factor,
    fraction,
    log,
    together,
)
from sympy.polys.polyerrors import PolynomialError

from derive.calculus.reading import masked

# Larger formulas stay as they are: this would take seconds.
LARGEST = 160
FOR_FACTOR = 60
# Always the same letters: SymPy remembers what it made of them.
MOVING, BRACKET = Dummy("v", positive=True), Dummy("r", positive=True)


def brackets(e: Expr) -> list[Expr]:
    """The sums of two terms to whose power something is raised, or of which a function is taken."""
    inside = {part.args[0] for part in e.atoms(Pow, log)}
    found = {a for a in inside if a.is_Add and len(a.args) == 2}
    return sorted(found, key=str)


def over(e: Expr, bracket: Expr, running: tuple[Symbol, ...]) -> Expr | None:
    """An equal formula, a polynomial in the bracket over a product; None where it is none.

    running: the symbols that may be expressed by the bracket.
    """
    if e.count_ops() > LARGEST:
        return None
    for still, monomial in (bracket.args, bracket.args[::-1]):
        for generator, degree in _generators(monomial, running):
            if still.has(generator) or monomial.is_number:
                continue
            try:
                return _over(e, still, monomial, generator, degree)
            except (PolynomialError, NotImplementedError):
                continue
    return None


def _generators(monomial: Expr, running: tuple[Symbol, ...]) -> Iterator[tuple[Expr, int]]:
    """What moves the bracket, with its degree there."""
    for factor_ in sorted(Mul.make_args(monomial), key=lambda f: f.is_Symbol):
        if isinstance(factor_, exp) or (factor_.is_Pow and factor_.exp.free_symbols):
            yield factor_, 1
        base, degree = factor_.as_base_exp()
        if base in running and degree.is_Integer and degree > 0:
            yield base, int(degree)


def _over(e: Expr, still: Expr, monomial: Expr, generator: Expr, degree: int) -> Expr | None:
    v, r = MOVING, BRACKET
    ratio = monomial / generator**degree
    back = {r: still + monomial, v: generator}
    moved = _moved(_moving(e, generator, v), still + ratio * v**degree, v, r)
    if not moved.has(r):
        return None
    hidden, names = masked(_split_powers(moved, r))
    if not hidden.has(r):
        return None
    above, below = fraction(together(hidden))
    if any(f.has(v) and not _is_power(f, v) for f in Mul.make_args(below)):
        return None
    coefficients: dict[int, Expr] = {}
    for (power,), coefficient in Poly(above, v).terms():
        whole, rest = divmod(int(power), degree)
        more = coefficient * ((r - still) / ratio) ** whole
        coefficients[rest] = coefficients.get(rest, S.Zero) + more
    total = S.Zero
    for power, coefficient in coefficients.items():
        value = together(coefficient / below) * v**power
        if value.count_ops() <= FOR_FACTOR:
            value = factor(value)
        total += Mul(*(_written(f, r, still + monomial) for f in Mul.make_args(value)))
    return total.xreplace(names).xreplace(back)


def _moving(e: Expr, generator: Expr, v: Symbol) -> Expr:
    """The generator and its powers as powers of v."""
    if isinstance(generator, Symbol):
        return e.xreplace({generator: v})
    base, power = (S.Exp1, generator.args[0]) if isinstance(generator, exp) else generator.args
    kind = exp if isinstance(generator, exp) else Pow

    def replaced(part: Expr) -> Expr:
        exponent = part.args[0] if kind is exp else part.exp
        times = cancel(exponent / power) if kind is exp else _times(exponent, power)
        if not times.is_Integer:
            return part
        rest = expand(exponent - times * power)
        return v**times * Pow(base, rest)

    return e.replace(
        lambda part: isinstance(part, kind) and (kind is exp or part.base == base), replaced
    )


def _times(exponent: Expr, power: Expr) -> Expr:
    """n where the exponent is n times the power and a number."""
    for letter in power.free_symbols:
        found = cancel(exponent.diff(letter) / power.diff(letter))
        if (exponent - found * power).expand().is_number:
            return found
    return S.NaN


def _moved(e: Expr, bracket: Expr, v: Symbol, r: Symbol) -> Expr:
    """Every sum that is a multiple of the bracket as that multiple of r."""
    terms = len(Add.make_args(bracket))

    def replaced(part: Expr) -> Expr:
        ratio = cancel(part / bracket)
        return part if ratio.has(v) or ratio.is_Add else ratio * r

    return e.replace(lambda part: part.is_Add and part.has(v) and len(part.args) == terms, replaced)


def _split_powers(e: Expr, r: Symbol) -> Expr:
    """r^(a + 2) as r^a r^2, so that r stands alone."""

    def replaced(part: Pow) -> Expr:
        whole, rest = part.exp.as_coeff_Add()
        if not whole.is_Integer:
            whole, rest = whole // 1, part.exp - whole // 1
        return Mul(Pow(r, rest, evaluate=False), Pow(r, whole), evaluate=False)

    return e.replace(
        lambda part: part.is_Pow and part.base == r and not part.exp.is_Integer, replaced
    )


def _is_power(f: Expr, v: Symbol) -> bool:
    return bool(f.as_base_exp()[0] == v and f.as_base_exp()[1].is_Integer)


def _written(f: Expr, r: Symbol, bracket: Expr) -> Expr:
    """A factor without r where it is more than a power of it."""
    base, power = f.as_base_exp()
    return expand(base.xreplace({r: bracket})) ** power if base.is_Add and base.has(r) else f
