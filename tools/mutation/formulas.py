"""A formula made wrong in one place at a time, and rewritten without changing its value."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Abs, Add, Expr, Mul, Piecewise, Pow, Rational, Symbol, exp, log, sqrt, tanh
from sympy.printing.str import StrPrinter

from derive.calculus import derive
from derive.definitions.classes import Entry, Hit, Largest, Other, Total, varies
from derive.definitions.loss import Along, Loss
from tools.mutation.points import equal

DIGITS = 30  # a mutant that agrees with the formula to this many digits everywhere is none


@dataclass(frozen=True)
class Variant:
    """A formula and, in words, what was done to it."""

    formula: Expr
    what: str


def quantities(loss: Loss) -> dict[str, Expr]:
    """The formulas that a text is compared with; over classes that is the loss alone."""
    if loss.kind == "classwise":
        return {"loss": loss.expression}
    return dict(derive(loss).quantities)


def wrong(loss: Loss, count: int, draw: random.Random) -> list[tuple[str, Variant]]:
    """So many mutants of all quantities; where these have fewer, some are wrong in two places."""
    known = quantities(loss)
    waiting = [(q, v) for q, f in known.items() for v in mutants(f, loss)]
    found: dict[tuple[str, Expr], Variant] = {}
    for _ in range(3):
        draw.shuffle(waiting)
        for quantity, variant in waiting:
            if len(found) == count:
                break
            if not equal(variant.formula, known[quantity], loss, DIGITS):
                found.setdefault((quantity, variant.formula), variant)
        waiting = [
            (q, Variant(again.formula, f"{v.what}; then {again.what}"))
            for (q, _), v in list(found.items())[:count]
            for again in mutants(v.formula, loss)
        ] if len(found) < count else []  # fmt: skip
    return [(quantity, variant) for (quantity, _), variant in found.items()]


def right(loss: Loss, count: int, draw: random.Random) -> list[tuple[str, Variant]]:
    """So many equal rewrites of all quantities."""
    over_classes = loss.kind == "classwise"
    letter = Total(loss.residual) if over_classes else loss.residual
    found = [(q, v) for q, f in quantities(loss).items() for v in rewrites(f, letter)]
    draw.shuffle(found)
    return found[:count]


def text(formula: Expr) -> str:
    """In the grammar of loss files, which writes what runs over classes in its own words."""
    spelt = {Total: sympy.Function("sum"), Largest: sympy.Function("max")}
    for kind, function in spelt.items():
        formula = formula.replace(kind, function)
    formula = formula.replace(Entry, lambda e, t: Symbol(f"({text(e)})[{t}]") if varies(e) else e)
    for kind, sign in ((Other, "!="), (Hit, "==")):
        formula = formula.replace(
            kind, lambda t, sign=sign: Symbol(f"piecewise((1, {t.axis} {sign} {t}), (0, True))")
        )
    return str(_Grammar().doprint(formula))


class _Grammar(StrPrinter):  # type: ignore[misc]  # SymPy is untyped
    def _print_Relational(self, e: Any) -> str:
        return f"({self._print(e.lhs)}) {e.rel_op} ({self._print(e.rhs)})"


def mutants(formula: Expr, loss: Loss) -> list[Variant]:
    """Every formula that differs from this one in one operator, constant, sign, variable or branch;
    without those whose tree comes out the same."""
    found: dict[Expr, str] = {}
    variables = [v for v in loss.variables if not (isinstance(v, Along) and v.sort == "index")]
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
        if isinstance(part, Hit):  # a class, no number
            continue
        for position, argument in enumerate(
            part.args[:1] if isinstance(part, Entry) else part.args
        ):
            if isinstance(argument, sympy.Basic):
                waiting.append(((*place, position), argument))


def _put(formula: Expr, place: tuple[int, ...], new: Expr) -> Expr:
    if not place:
        return new
    first, *rest = place
    arguments = list(formula.args)
    arguments[first] = _put(arguments[first], tuple(rest), new)
    return formula.func(*arguments)


def _changes(part: Expr, variables: Sequence[Symbol]) -> Iterator[tuple[Expr, str]]:
    if isinstance(part, Hit | Entry | Largest | Total):
        yield from ((-part, "other sign"), (part * Rational(10001, 10000), "0.01 % more of"))
    elif part.is_Rational:
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
        "totals term by term": lambda e: e.replace(
            Total, lambda a: Add(*map(Total, Add.make_args(sympy.expand(a))))
        ),
        "totals of exponentials from the largest": lambda e: e.replace(
            lambda t: isinstance(t, Total) and isinstance(t.args[0], exp),
            lambda t: _from_largest(t.args[0].args[0]),
        ),
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


def _from_largest(power: Expr) -> Expr:
    """sum(exp(z)) as exp(max(z)) sum(exp(z - max(z)))."""
    return exp(Largest(power)) * Total(exp(power - Largest(power)))
