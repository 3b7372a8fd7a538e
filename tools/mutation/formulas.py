"""A formula made wrong in one place at a time, and rewritten without changing its value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sympy
from mpmath import mp
from sympy import Abs, Add, Expr, Mul, Piecewise, Pow, Rational, Symbol, exp, log, sqrt, tanh

from derive.calculus.evaluate import evaluate
from derive.definitions.loss import Loss


@dataclass(frozen=True)
class Variant:
    """A formula and, in words, what was done to it."""

    formula: Expr
    what: str


def mutants(formula: Expr, variables: tuple[Symbol, ...]) -> list[Variant]:
    """Every formula that differs from this one in one operator, constant, sign, variable or branch;
    without those whose tree comes out the same."""
    found: dict[Expr, str] = {}
    for place, part in _parts(formula):
        for changed, what in _changes(part, variables):
            try:
                whole = _put(formula, place, changed)
            except (TypeError, ValueError, ZeroDivisionError):
                continue
            if whole != formula and not whole.has(sympy.nan, sympy.zoo, sympy.I):
                found.setdefault(whole, f"{what} in {part}"[:120])
    return [Variant(whole, what) for whole, what in found.items()]


def _parts(formula: Expr) -> Iterator[tuple[tuple[int, ...], Expr]]:
    """Every node with its place: the positions of the arguments that lead to it."""
    waiting: list[tuple[tuple[int, ...], Expr]] = [((), formula)]
    while waiting:
        place, part = waiting.pop()
        yield place, part
        for position, argument in enumerate(part.args):
            if isinstance(argument, sympy.Basic):
                waiting.append(((*place, position), argument))


def _put(formula: Expr, place: tuple[int, ...], new: Expr) -> Expr:
    if not place:
        return new
    first, *rest = place
    arguments = list(formula.args)
    arguments[first] = _put(arguments[first], tuple(rest), new)
    return formula.func(*arguments)


def _changes(part: Expr, variables: tuple[Symbol, ...]) -> Iterator[tuple[Expr, str]]:
    if part.is_Rational:
        yield from ((part + 1, "one more"), (part * 2, "twice"), (-part, "other sign"))
        if part not in (0, 1):
            yield part / 2, "half"
            yield part * Rational(10001, 10000), "0.01 % more"
    elif isinstance(part, Symbol):
        yield from ((-part, "other sign"), (2 * part, "twice"), (part**2, "squared"))
        yield from ((other, f"{other} for") for other in variables if other != part)
    elif isinstance(part, Add):
        for term in part.args:
            yield part - term, f"without {term}"
            yield part - 2 * term, f"other sign of {term}"
        if len(part.args) == 2:
            yield Mul(*part.args), "times for plus"
    elif isinstance(part, Mul):
        for factor in part.args:
            yield part / factor, f"without the factor {factor}"
        if len(part.args) == 2:
            yield Add(*part.args), "plus for times"
    elif isinstance(part, Pow):
        yield from ((part.base, "without its power"), (Pow(part.base, -part.exp), "upside down"))
        yield Pow(part.base, part.exp + 1), "one power more"
    elif isinstance(part, Piecewise):
        yield from _other_branches(part)
    elif isinstance(part, sympy.core.relational.Relational):
        yield part.negated, "the other side"
    elif isinstance(part, sympy.Function):
        yield from _other_functions(part)


def _other_branches(part: Piecewise) -> Iterator[tuple[Expr, str]]:
    values = [value for value, _ in part.args]
    conditions = [condition for _, condition in part.args]
    for keep, value in enumerate(values):
        yield value, f"branch {keep + 1} everywhere"
    for first in range(len(values) - 1):
        order = list(values)
        order[first], order[first + 1] = order[first + 1], order[first]
        yield Piecewise(*zip(order, conditions, strict=True)), "two branches exchanged"


def _other_functions(part: Expr) -> Iterator[tuple[Expr, str]]:
    argument = part.args[0]
    if len(part.args) == 1:
        yield argument, f"without {part.func.__name__}"
    others: dict[type, type] = {
        log: exp, exp: sympy.cosh, sympy.cosh: sympy.sinh, sympy.sin: sympy.cos,
        sympy.cos: sympy.sin, tanh: sympy.atan, sympy.atan: tanh, sympy.Max: sympy.Min,
        sympy.Min: sympy.Max, sympy.sign: Abs,
    }  # fmt: skip
    other = others.get(part.func)
    if other is not None:
        yield other(*part.args), f"{other.__name__} for {part.func.__name__}"


def equal(one: Expr, other: Expr, loss: Loss, digits: int = 50) -> bool:
    """Whether two formulas agree at many points of the domain, to many digits: a mutant that does
    is no mistake. (Points that neither formula has a value at are left out.)"""
    seen = 0
    with mp.workdps(digits + 400):
        for point in _points(loss):
            try:
                a, b = evaluate(one, point), evaluate(other, point)
            except (ArithmeticError, ValueError, NotImplementedError, TypeError, KeyError):
                continue
            seen += 1
            if abs(a - b) > mp.mpf(10) ** -digits * (abs(a) + abs(b)):
                return False
    return seen > 8


def _points(loss: Loss) -> Iterator[dict[Symbol, object]]:
    """Residuals of all sizes and both signs at several values of the parameters."""
    steps = [mp.mpf(n) / 7 for n in (3, 5, 9, 16, 2, 11, 25, 4)]
    sizes = [mp.mpf(10) ** (mp.mpf(k) / 6) * mp.mpf("1.07") for k in range(-18, 19)]
    for turn in range(5):
        at: dict[Symbol, object] = {}
        for place, p in enumerate(loss.parameters):
            low, high = (
                mp.mpf(str(v)) if v.is_finite else None
                for v in (loss.domain(p).inf, loss.domain(p).sup)
            )
            step = steps[(turn + 3 * place + 1) % 8]
            if low is not None:
                at[p] = low + (step if high is None else (high - low) * (step / (step + 1)))
            else:
                at[p] = -step if (turn + place) % 3 == 0 else step
        for size in sizes:
            for sign in (1, -1):
                yield {**at, loss.residual: sign * size}


def rewrites(formula: Expr, residual: Symbol) -> list[Variant]:
    """The same function in other words; SymPy's own steps and identities of ours."""
    ways: dict[str, Callable[[Expr], Expr]] = {
        "multiplied out": sympy.expand,
        "factored": sympy.factor,
        "over one denominator": sympy.together,
        "cancelled": sympy.cancel,
        "common factors out": sympy.factor_terms,
        "powers joined": sympy.powsimp,
        "logarithms joined": lambda e: sympy.logcombine(e, force=False),
        "roots of squares for magnitudes": lambda e: e.replace(Abs, lambda a: sqrt(a**2)),
        "cases for magnitudes": lambda e: (
            e.replace(Abs, lambda a: Piecewise((a, a >= 0), (-a, True)))
            if not e.has(Piecewise)
            else e
        ),
        "exponentials for tanh": lambda e: e.replace(
            tanh, lambda a: (exp(2 * a) - 1) / (exp(2 * a) + 1)
        ),
        "exponentials for cosh": lambda e: e.replace(sympy.cosh, lambda a: (exp(a) + exp(-a)) / 2),
        "cases for max": lambda e: e.replace(
            sympy.Max, lambda a, b: Piecewise((a, a >= b), (b, True))
        ),
        "powers by exp and log": lambda e: e.replace(
            lambda p: isinstance(p, Pow) and p.base.is_positive and not p.exp.is_Integer,
            lambda p: exp(p.exp * log(p.base)),
        ),
        "the mirror image twice": lambda e: e.subs(residual, -residual).subs(residual, -residual),
        "a zero added": lambda e: e + (residual + 1) ** 2 - sympy.expand((residual + 1) ** 2),
        "a one as a factor": lambda e: sympy.Mul(
            e, (sympy.cos(residual) ** 2 + sympy.sin(residual) ** 2), evaluate=False
        ),
        "halves": lambda e: sympy.Add(e / 2, e / 2, evaluate=False),
        "squares by magnitudes": lambda e: e.replace(
            residual**2, sympy.Pow(sympy.Abs(residual, evaluate=False), 2, evaluate=False)
        ),
    }
    found: dict[Expr, str] = {}
    for what, way in ways.items():
        try:
            other = way(formula)
        except (NotImplementedError, ValueError, TypeError, AttributeError, RecursionError,
                sympy.PolynomialError):  # fmt: skip
            continue
        if isinstance(other, Expr) and not other.has(sympy.nan, sympy.zoo, sympy.I):
            found.setdefault(other, what)
    found.pop(formula, None)
    return [Variant(other, what) for other, what in found.items()]
